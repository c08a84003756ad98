//! What it costs to switch: the time from a vendor's failure, as the vendor saw it sent, until the next vendor was
//! asked, as that one saw it come.
//!
//! Beside it, the same for a caller who has read an answer and asks again at once: what two processes and a
//! connection take on this machine whoever does it.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use axum::body::Body;
use http::{Method, Request};
use http_body_util::BodyExt;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use serde::Deserialize;
use serde_json::Value;
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::Bench;
use crate::load::{Ask, Connection};
use crate::report::{Bar, Row, Unit};
use crate::scene::{FAILING, Switch};

/// p99, in milliseconds.
const OWN: Bar = Bar::at_most(5.0, 5.0);
/// Requests of one row for each round of the effort; all of them have to fit into the simulator's record of 10,000.
const REQUESTS: usize = 600;
/// Those who ask. Many that never pause keep the machine busy, so what they measure is the length of its queue: that
/// row has no bar.
const CROWDS: [Crowd; 3] = [
    Crowd {
        name: "one caller",
        callers: 1,
        pause: Duration::ZERO,
        is_judged: true,
    },
    Crowd {
        name: "32 callers, each 10 times a second",
        callers: 32,
        pause: Duration::from_millis(100),
        is_judged: true,
    },
    Crowd {
        name: "32 callers without a pause",
        callers: 32,
        pause: Duration::ZERO,
        is_judged: false,
    },
];

#[derive(Clone, Copy)]
struct Crowd {
    name: &'static str,
    callers: usize,
    /// Of each caller, between two requests.
    pause: Duration,
    is_judged: bool,
}

/// Milliseconds, ascending.
struct Gaps(Vec<f64>);

/// A request as the simulator recorded it, the oldest first.
#[derive(Deserialize)]
struct Recorded {
    vendor: String,
    received_ms: f64,
    ended: Option<Ended>,
    body: Value,
}

#[derive(Deserialize)]
struct Ended {
    at_ms: f64,
}

pub(super) async fn run(bench: &Bench<'_>) -> Result<(String, Vec<Row>)> {
    let requests = bench.effort.rounds * REQUESTS;
    let mut rows = Vec::new();
    for (measure, switch) in [
        ("a status of 500", Switch::Refused),
        ("500, the next translates", Switch::Translated),
        ("a stream's first event", Switch::Stream),
    ] {
        for crowd in CROWDS {
            // Whoever asks again without a gateway does not pause: the pause is what it would measure.
            let unpaused = Crowd {
                pause: Duration::ZERO,
                ..crowd
            };
            let bare = ask_again(bench, switch, unpaused, requests).await?;
            let gateway = switch_over(bench, switch, crowd, requests).await?;
            let result = gateway.share(0.99);
            let name = crowd.name;
            bench
                .progress
                .say(format_args!("  {measure}, {name}: {result:.2} ms"));
            let named = format!("{measure}, {name}, p50 / p99");
            let row = Row::new(named, Unit::Milliseconds, &bare.shares(), &gateway.shares());
            let row = row.result(result, Unit::Milliseconds);
            rows.push(if crowd.is_judged { row.bar(OWN) } else { row });
        }
    }
    let about = format!(
        "from a failure of the first vendor to the request to the second, {requests} times; the other column is a \
         caller that asks the vendor again"
    );
    Ok((about, rows))
}

/// Between the failure and the next attempt, for every request.
async fn switch_over(bench: &Bench<'_>, switch: Switch, crowd: Crowd, requests: usize) -> Result<Gaps> {
    bench.scene.gateway.forget_log()?;
    let address = bench.scene.gateway.address;
    let recorded = record(bench, address, switch, crowd, requests).await?;
    let asked = recorded
        .iter()
        .filter(|request| request.vendor == FAILING)
        .count();
    let gaps = gaps(&recorded, |before| before.vendor == FAILING)?;
    ensure!(
        asked == requests && gaps.0.len() == requests,
        "of {requests} requests {asked} met the vendor that fails, and {} went on from there",
        gaps.0.len()
    );
    Ok(gaps)
}

/// Between an answer and the caller's next question, without a gateway.
async fn ask_again(bench: &Bench<'_>, switch: Switch, crowd: Crowd, requests: usize) -> Result<Gaps> {
    let address = bench.scene.recording.address;
    let recorded = record(bench, address, switch, crowd, requests).await?;
    gaps(&recorded, |_| true)
}

/// Has as many callers ask `address`, and gives what the simulator recorded meanwhile.
async fn record(
    bench: &Bench<'_>,
    address: SocketAddr,
    switch: Switch,
    crowd: Crowd,
    requests: usize,
) -> Result<Vec<Recorded>> {
    let simulator = bench.scene.recording.address;
    control(simulator, Method::DELETE).await?;
    let mut asking = JoinSet::new();
    let callers = crowd.callers;
    for caller in 0..callers {
        let ask = switch.ask().signed(&format!("caller-{caller}"))?;
        let share = requests / callers + usize::from(caller < requests % callers);
        asking.spawn(ask_often(address, ask, share, crowd.pause));
        // Not all in the same moment, again and again.
        sleep(crowd.pause / u32::try_from(callers)?).await;
    }
    while let Some(done) = asking.join_next().await {
        done.context("a caller was interrupted")??;
    }
    serde_json::from_slice(&control(simulator, Method::GET).await?).context("the simulator's record")
}

async fn ask_often(address: SocketAddr, ask: Ask, times: usize, pause: Duration) -> Result<()> {
    Connection::with(address, async |mut connection| {
        for _ in 0..times {
            connection.ask(&ask).await?;
            if !pause.is_zero() {
                sleep(pause).await;
            }
        }
        Ok(())
    })
    .await
}

/// The simulator's record of requests.
async fn control(simulator: SocketAddr, method: Method) -> Result<Vec<u8>> {
    let request = Request::builder()
        .method(method)
        .uri(format!("http://{simulator}/control/requests"))
        .body(Body::empty())?;
    let client = Client::builder(TokioExecutor::new()).build_http();
    let answer = client.request(request).await?;
    ensure!(
        answer.status().is_success(),
        "the simulator answers {}",
        answer.status()
    );
    Ok(answer.into_body().collect().await?.to_bytes().into())
}

/// From the end of each request to the arrival of the same caller's next one, where the first of them counts. A caller
/// waits for its answer, so its requests do not overlap.
fn gaps(recorded: &[Recorded], counts: impl Fn(&Recorded) -> bool) -> Result<Gaps> {
    let mut before: HashMap<&str, &Recorded> = HashMap::new();
    let mut gaps = Vec::new();
    for request in recorded {
        let caller = request
            .caller()
            .context("a recorded request without its caller")?;
        let Some(last) = before.insert(caller, request) else {
            continue;
        };
        if counts(last) {
            let ended = last.ended.as_ref().context("a request that has no end")?;
            gaps.push(request.received_ms - ended.at_ms);
        }
    }
    gaps.sort_by(f64::total_cmp);
    Ok(Gaps(gaps))
}

// === impl Recorded ===

impl Recorded {
    /// As the request was signed; in Anthropic's format it is elsewhere.
    fn caller(&self) -> Option<&str> {
        let places = ["/user", "/metadata/user_id"];
        places.iter().find_map(|place| self.body.pointer(place)?.as_str())
    }
}

// === impl Gaps ===

impl Gaps {
    fn share(&self, share: f64) -> f64 {
        let last = self.0.len().saturating_sub(1);
        let at = (last as f64 * share).round() as usize;
        self.0.get(at).copied().unwrap_or(f64::NAN)
    }

    fn shares(&self) -> [f64; 2] {
        [self.share(0.5), self.share(0.99)]
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn recorded(vendor: &str, body: Value, received: f64, ended: f64) -> Recorded {
        Recorded {
            vendor: vendor.to_owned(),
            received_ms: received,
            ended: Some(Ended { at_ms: ended }),
            body,
        }
    }

    #[test]
    fn gaps_are_between_requests_of_one_caller() {
        let one = || json!({"user": "one"});
        let two = || json!({"metadata": {"user_id": "two"}});
        let requests = [
            recorded(FAILING, one(), 0.0, 1.0),
            recorded(FAILING, two(), 0.5, 2.0),
            recorded("other", one(), 4.0, 5.0),
            recorded("other", two(), 2.5, 5.0),
            recorded(FAILING, one(), 6.0, 7.0),
        ];
        let switched = gaps(&requests, |before| before.vendor == FAILING).unwrap();
        assert_eq!(switched.0, [0.5, 3.0]);
        assert_eq!(gaps(&requests, |_| true).unwrap().0, [0.5, 1.0, 3.0]);
    }

    #[test]
    fn a_request_of_nobody_is_an_error() {
        assert!(gaps(&[recorded("other", json!({}), 0.0, 1.0)], |_| true).is_err());
    }
}
