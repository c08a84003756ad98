//! Swaps under load: while 100 callers ask, half of them for streams that outlive three swaps, an adapter and a
//! strategy are replaced every second and the configuration every five. Every answer must be whole and made by one
//! generation, and memory must come back.
//!
//! Prints its figures and fails with the first thing that is not as it must be. Takes about two minutes.
#![expect(
    clippy::unwrap_used,
    reason = "a test's own functions fail the test the way its body does"
)]

mod operator;

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::time::Duration;

use patchbay_simulator::{Rule, Simulator};
use patchbay_tests::{Callers, Gateway, SERVER, Seen};
use tokio::time::{Instant, sleep};

use operator::Operator;

const CALLERS: usize = 100;
const REQUESTS: usize = 20_000;
const VERSIONS: usize = 30;
/// Requests after which memory is taken for the first time.
const WARM: usize = 2_000;
/// The rest after the run, before memory is taken again.
const REST: Duration = Duration::from_secs(60);
/// By how much memory may have grown.
const GROWTH: f64 = 1.10;
/// Nothing of this takes longer unless something hangs.
const LONGEST: Duration = Duration::from_secs(180);

/// Tokens of an answer. A stream of them lasts 3.6 s and so sees at least three swaps.
const TOKENS: u16 = 36;
const INTERVAL: Duration = Duration::from_millis(100);
/// Keeps the callers who do not stream from taking all there is: together they ask 600 times a second.
const LATENCY: Duration = Duration::from_millis(80);

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    let simulator = Simulator::start("127.0.0.1:0").await.unwrap();
    simulator.set_recording(false);
    simulator.add(Rule::always().tokens(TOKENS).interval(INTERVAL).latency(LATENCY));
    let config = config(&simulator);
    let gateway = Gateway::start(&["relay", "wayward"], &config).await;
    say(&format!(
        "a gateway with two plugins: {} MB",
        megabytes(gateway.resident())
    ));

    let started = Instant::now();
    let callers = Callers::start(CALLERS, &gateway.client(), &text());
    let mut operator = Operator::new(&gateway, config);
    let mut warm = 0;
    while callers.answered() < REQUESTS || operator.swaps() < VERSIONS + 5 {
        assert!(
            started.elapsed() < LONGEST,
            "only {} answers until now",
            callers.answered()
        );
        if warm == 0 && callers.answered() >= WARM {
            warm = gateway.resident();
        }
        operator.work();
        sleep(Duration::from_millis(20)).await;
    }
    let seen = callers.finish().await;
    let took = started.elapsed();
    report(&seen, took, operator.swaps(), operator.edits());
    show_complaints(&gateway);
    check(&seen);
    check_metrics(&gateway, seen.answers()).await;
    let ended = gateway.resident();
    say(&format!("resting for {} s", REST.as_secs()));
    sleep(REST).await;
    let rested = gateway.resident();
    say(&format!(
        "resident memory: {} MB after {WARM} requests, {} MB at the end, {} MB after the rest ({:+.1} %)",
        megabytes(warm),
        megabytes(ended),
        megabytes(rested),
        100.0 * (ratio(rested, warm) - 1.0),
    ));
    assert!(ratio(rested, warm) <= GROWTH, "memory has grown");
    say("ok");
}

/// Two accounts, so that the strategy has a choice.
fn config(simulator: &Simulator) -> String {
    let url = simulator.url();
    format!(
        "{SERVER}[vendors.sim]\nadapter = \"relay\"\nbase_url = \"{url}/sim/v1\"\n\
         models = [{{ name = \"up\", parameters = {{ seed = 0 }} }}]\n\
         [[vendors.sim.accounts]]\nname = \"a\"\napi_key = \"key-a\"\n\
         [[vendors.sim.accounts]]\nname = \"b\"\napi_key = \"key-b\"\n\
         [models.m]\ntargets = [\"sim/up\"]\nstrategy = \"wayward\"\n"
    )
}

/// What every answer says.
fn text() -> String {
    (0..TOKENS)
        .map(|number| format!("token-{number}"))
        .collect::<Vec<_>>()
        .join(" ")
}

fn report(seen: &Seen, took: Duration, swaps: usize, edits: usize) {
    let mut times = seen.whole_times.clone();
    times.sort();
    let at = |share: f64| times[(share * (times.len() - 1) as f64) as usize].as_millis();
    say(&format!(
        "{} requests in {} s: {} whole, {} streams of {:.1} s on average",
        seen.answers(),
        took.as_secs(),
        seen.whole_times.len(),
        seen.streams,
        seen.streaming.as_secs_f64() / seen.streams.max(1) as f64,
    ));
    say(&format!(
        "{swaps} replacements of both plugins, {edits} of the configuration"
    ));
    say(&format!(
        "{} versions of the adapter served, {} of the strategy",
        seen.adapters().len(),
        seen.strategies().len()
    ));
    say(&format!(
        "whole answers took {} ms (median), {} ms (99 %), {} ms (longest); the vendor takes {}",
        at(0.5),
        at(0.99),
        at(1.0),
        LATENCY.as_millis()
    ));
    say(&format!("faults: {}", seen.faults.len()));
}

/// What the gateway said of whatever went wrong.
fn show_complaints(gateway: &Gateway) {
    let log = gateway.log();
    let complaints = log.iter().filter(|line| line["level"] != "INFO");
    complaints.take(20).for_each(|line| say(&line.to_string()));
}

fn check(seen: &Seen) {
    assert!(
        seen.faults.is_empty(),
        "{:#?}",
        seen.faults.iter().take(10).collect::<Vec<_>>()
    );
    assert!(seen.answers() >= REQUESTS);
    assert!(
        seen.streams > 0
            && seen.streaming >= 3 * Duration::from_secs(1) * u32::try_from(seen.streams).unwrap()
    );
    assert!(seen.adapters().len() >= VERSIONS && seen.strategies().len() >= VERSIONS);
    // Generations follow each other: a later adapter never comes with an earlier strategy than one before it.
    let mut latest: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (adapter, strategy) in &seen.pairs {
        latest.entry(adapter).or_default().insert(strategy);
    }
    let mut before = "";
    for (adapter, strategies) in latest {
        let (first, last) = (strategies.first().unwrap(), strategies.last().unwrap());
        assert!(
            *first >= before,
            "adapter {adapter} with strategy {first}, after {before}"
        );
        before = last;
    }
}

/// What the gateway counted must be what the callers saw.
async fn check_metrics(gateway: &Gateway, answers: usize) {
    let completed = [("outcome", "completed")];
    gateway
        .metric_until("patchbay_requests_total", &completed, answers as f64)
        .await;
    for (metric, expected) in [
        ("patchbay_requests_total", answers as f64),
        ("patchbay_attempts_failed_total", 0.0),
        ("patchbay_plugin_failures_total", 0.0),
        ("patchbay_strategy_fallbacks_total", 0.0),
        ("patchbay_reload_failures_total", 0.0),
        ("patchbay_attempts_in_flight", 0.0),
        ("patchbay_plugin_instances", 0.0),
    ] {
        assert_eq!(gateway.metric(metric, &[]).await, expected, "{metric}");
    }
}

fn megabytes(bytes: u64) -> String {
    format!("{:.1}", bytes as f64 / 1e6)
}

fn ratio(one: u64, other: u64) -> f64 {
    one as f64 / other as f64
}

fn say(line: &str) {
    let _ = writeln!(std::io::stdout(), "{line}");
}
