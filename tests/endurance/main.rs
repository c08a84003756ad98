//! Reloads without end: while callers ask, an adapter or a strategy is replaced 500 times by content that was never
//! there before. Every answer must be whole, and in the end the gateway holds no more files and no more memory than
//! after the first few reloads.
//!
//! Prints its figures and fails with the first thing that is not as it must be. Takes under four minutes.
#![expect(
    clippy::unwrap_used,
    reason = "a test's own functions fail the test the way its body does"
)]

use std::io::Write;
use std::time::Duration;

use patchbay_simulator::{Rule, Simulator};
use patchbay_tests::{Callers, Gateway, SERVER, other_version};
use serde_json::json;
use tokio::time::{Instant, sleep};

const CALLERS: usize = 24;
const RELOADS: usize = 500;
/// Reloads after which files and memory are taken for the first time.
const FIRST: usize = 20;
/// The adapter is replaced every so many reloads, else the strategy, which takes a third of the time to compile.
const ADAPTER: usize = 10;
/// The rest after the run, before files and memory are taken again.
const REST: Duration = Duration::from_secs(60);
/// By how much memory may have grown.
const GROWTH: f64 = 1.10;
/// With the rest after it, four minutes.
const LONGEST: Duration = Duration::from_secs(180);

/// Tokens of an answer. A stream of them lasts a third of a second.
const TOKENS: u16 = 10;
const INTERVAL: Duration = Duration::from_millis(30);
/// Leaves the machine to the reloads: all callers together ask 150 times a second.
const LATENCY: Duration = Duration::from_millis(100);

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    let simulator = Simulator::start("127.0.0.1:0").await.unwrap();
    simulator.set_recording(false);
    simulator.add(Rule::always().tokens(TOKENS).interval(INTERVAL).latency(LATENCY));
    let gateway = Gateway::start(&["relay", "wayward"], &config(&simulator)).await;
    let callers = Callers::start(CALLERS, &gateway.client(), &text());

    let started = Instant::now();
    let mut first = Footprint::default();
    for number in 1..=RELOADS {
        replace(&gateway, number).await;
        if number == FIRST {
            first = Footprint::of(&gateway);
            say(&format!("after {FIRST} reloads: {}", first.in_words()));
        }
        assert!(started.elapsed() < LONGEST, "only {number} reloads until now");
    }
    let took = started.elapsed();
    let seen = callers.finish().await;
    say(&format!(
        "{RELOADS} reloads in {} s, {} ms each; {} answers by {} versions of the adapter and {} of the strategy; \
         faults: {}",
        took.as_secs(),
        took.as_millis() / RELOADS as u128,
        seen.answers(),
        seen.adapters().len(),
        seen.strategies().len(),
        seen.faults.len()
    ));
    say(&format!("at the end: {}", Footprint::of(&gateway).in_words()));
    assert!(
        seen.faults.is_empty(),
        "{:#?}",
        &seen.faults[..seen.faults.len().min(10)]
    );
    assert_eq!(gateway.metric("patchbay_reload_failures_total", &[]).await, 0.0);
    assert_eq!(gateway.metric("patchbay_plugin_rollbacks_total", &[]).await, 0.0);

    sleep(REST).await;
    let rested = Footprint::of(&gateway);
    let grown = rested.resident as f64 / first.resident as f64;
    say(&format!(
        "{} s later: {} ({:+.1} %)",
        REST.as_secs(),
        rested.in_words(),
        100.0 * (grown - 1.0)
    ));
    assert!(rested.files <= first.files, "files are left open");
    assert!(
        rested.connections <= first.connections,
        "connections are left open"
    );
    assert!(grown <= GROWTH, "memory has grown");
    say("ok");
}

/// What the process holds.
#[derive(Default)]
struct Footprint {
    connections: usize,
    /// File descriptors that are no connections.
    files: usize,
    /// Bytes.
    resident: u64,
}

// === impl Footprint ===

impl Footprint {
    fn of(gateway: &Gateway) -> Self {
        let (connections, files) = gateway.open_files();
        Self {
            connections,
            files,
            resident: gateway.resident(),
        }
    }

    fn in_words(&self) -> String {
        format!(
            "{:.1} MB, {} connections, {} other files",
            self.resident as f64 / 1e6,
            self.connections,
            self.files
        )
    }
}

/// Puts a new version in place, asks for a reload and sees that it serves.
async fn replace(gateway: &Gateway, number: usize) {
    let name = if number.is_multiple_of(ADAPTER) {
        "relay"
    } else {
        "wayward"
    };
    let (bytes, version) = other_version(name, &format!("version.{number:06}"));
    gateway.write_plugin(&format!("{name}.wasm"), &bytes);
    let reloaded = gateway.admin().post("/admin/reload", "").await;
    assert_eq!(reloaded.status, 200, "{}", reloaded.text());
    let serving = &gateway.plugin(name).await["serving"];
    assert_eq!(
        *serving,
        json!(format!("{name}@{version}")),
        "{}",
        reloaded.text()
    );
}

/// Two accounts, so that the strategy has a choice. Compiled code goes where it goes away with the gateway.
fn config(simulator: &Simulator) -> String {
    let url = simulator.url();
    format!(
        "{SERVER}[plugins]\ncache = \"compiled\"\n[vendors.sim]\nadapter = \"relay\"\nbase_url = \"{url}/sim/v1\"\n\
         models = [\"up\"]\n\
         [[vendors.sim.accounts]]\nname = \"a\"\napi_key = \"key-a\"\n\
         [[vendors.sim.accounts]]\nname = \"b\"\napi_key = \"key-b\"\n\
         [models.m]\ntargets = [\"sim/up\"]\nstrategy = \"wayward\"\n"
    )
}

/// What every answer says.
fn text() -> String {
    let words: Vec<String> = (0..TOKENS).map(|number| format!("token-{number}")).collect();
    words.join(" ")
}

fn say(line: &str) {
    let _ = writeln!(std::io::stdout(), "{line}");
}
