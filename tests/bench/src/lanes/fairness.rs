//! What the callers of one plugin notice of another one that loops in every call: no more than of a program that has
//! nothing to do with the gateway and burns as much.

use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use super::{Bench, median, micros};
use crate::load::{self, Until};
use crate::report::{Bar, Row, Unit};
use crate::scene::{KEY, Model};

/// Callers of the plugin that loops; each asks again as soon as it has been refused.
const ATTACKERS: usize = 32;
/// Callers of the others.
const CALLERS: usize = 4;
/// p99 beside the loop over p99 beside the stranger. A loop costs as much as a stranger if this is 1; what is above
/// is the noise of two runs.
const NO_WORSE: Bar = Bar::at_most(1.2, 1.0);

/// A program that keeps one core busy.
struct Stranger(Child);

/// Median and p99, in milliseconds.
#[derive(Debug, Clone, Copy)]
struct Felt {
    median: f64,
    tail: f64,
}

pub(super) async fn run(bench: &Bench<'_>) -> Result<(String, Vec<Row>)> {
    let (mut alone, mut stranger, mut looping) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..bench.effort.rounds {
        alone.push(measure(bench).await?);
        {
            let _burning = Stranger::start()?;
            stranger.push(measure(bench).await?);
        }
        let attackers = attack(bench.scene.gateway.address);
        looping.push(measure(bench).await?);
        drop(attackers);
        // The last of their calls are still under way.
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    let of = |felt: &[Felt], which: fn(&Felt) -> f64| median(felt.iter().map(which).collect());
    let about = format!(
        "{CALLERS} callers of whole replies; the other columns are one busy program beside the gateway, and \
         {ATTACKERS} callers of a plugin in it that loops ({:.2} ms p99 alone)",
        of(&alone, |felt| felt.tail)
    );
    let ratio = of(&looping, |felt| felt.tail) / of(&stranger, |felt| felt.tail);
    let rows = vec![
        Row::new(
            "median latency",
            Unit::Milliseconds,
            &[of(&stranger, |felt| felt.median)],
            &[of(&looping, |felt| felt.median)],
        ),
        Row::new(
            "p99 latency",
            Unit::Milliseconds,
            &[of(&stranger, |felt| felt.tail)],
            &[of(&looping, |felt| felt.tail)],
        )
        .result(ratio, Unit::Ratio)
        .bar(NO_WORSE),
    ];
    Ok((about, rows))
}

async fn measure(bench: &Bench<'_>) -> Result<Felt> {
    let ask = Arc::new(Model::Whole.ask());
    let until = Until::Elapsed(bench.effort.measure * 2);
    let outcome = load::run(bench.scene.gateway.address, &ask, CALLERS, &until).await?;
    Ok(Felt {
        median: micros(outcome.latency(0.5)) / 1000.0,
        tail: micros(outcome.latency(0.99)) / 1000.0,
    })
}

/// Calls that loop, until it is dropped.
fn attack(gateway: SocketAddr) -> JoinSet<()> {
    let mut attackers = JoinSet::new();
    for _ in 0..ATTACKERS {
        attackers.spawn(async move {
            loop {
                // Refused or not: it asks again.
                let _ = ask_once(gateway).await;
            }
        });
    }
    attackers
}

async fn ask_once(gateway: SocketAddr) -> Result<()> {
    let body = r#"{"model": "looping", "messages": [{"role": "user", "content": "go"}]}"#;
    let request = format!(
        "POST /v1/chat/completions HTTP/1.1\r\nhost: gateway\r\nauthorization: Bearer {KEY}\r\n\
         connection: close\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut connection = TcpStream::connect(gateway).await.context("no connection")?;
    connection.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    connection.read_to_end(&mut answer).await?;
    Ok(())
}

// === impl Stranger ===

impl Stranger {
    fn start() -> Result<Self> {
        let shell = Command::new("sh")
            .args(["-c", "while :; do :; done"])
            .stdin(Stdio::null())
            .spawn()
            .context("cannot start a busy program")?;
        Ok(Self(shell))
    }
}

impl Drop for Stranger {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
