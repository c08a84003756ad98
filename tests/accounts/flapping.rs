//! A vendor that goes away and comes back, again and again: left within one streak of failures, tried by one request at
//! a time, used again soon after it is back. [`crate::away`] has one that stays away.

use std::time::Duration;

use patchbay_simulator::{Operation, Received, Rule};
use patchbay_tests::LISTEN;

use crate::door::Door;
use crate::fault::says;
use crate::history::{Event, story};
use crate::oracle::{GRACE, end};
use crate::stage::{Stage, account, calls, only, simulator, vendor};
use crate::traffic::{Traffic, all_served};

const SETTINGS: &str = r#"
[circuit]
first = "200ms"
longest = "1s"
trials = 3

[recheck.classes.service_unavailable]
after = "3s"
attempts = 3

[health]
probe = "off"

[timeouts]
first_byte = "300ms"

[failover]
retry_delay = "100ms"
"#;
pub(crate) const LONGEST: Duration = Duration::from_secs(1);
/// How long somebody may take to ask, on a machine that has much to do.
pub(crate) const LATE: Duration = Duration::from_millis(500);
const STREAK: usize = 3;
const CALLERS: usize = 12;
pub(crate) const FLAPPY: &str = "flappy-key";

/// Two vendors, one of which goes away; `door` is its address.
pub(crate) async fn stage() -> (Stage, Door) {
    let simulator = simulator().await;
    // Long enough that two trials at once would be seen.
    simulator.set_rules(well());
    let door = Door::to(simulator.addr());
    let config = [
        format!("{LISTEN}{SETTINGS}"),
        vendor("flappy", "openai", &door.url(), "models = [\"m\"]\n"),
        account("flappy", "only", FLAPPY),
        vendor("steady", "openai", &simulator.url(), "models = [\"m\"]\n"),
        account("steady", "only", "steady-key"),
        "[models.m]\ntargets = [\"flappy/m\", \"steady/m\"]\nstrategy = \"round-robin\"\n".to_owned(),
    ];
    let stage = Stage::new(simulator, &["openai", "round-robin"], &config.concat()).await;
    (stage, door)
}

pub(crate) fn well() -> Vec<Rule> {
    only([Rule::always().latency(Duration::from_millis(40))])
}

pub(crate) fn away(rule: Rule) -> Vec<Rule> {
    let mut rules = well();
    rules.push(rule.account(FLAPPY).operation(Operation::Chat));
    rules
}

pub(crate) fn traffic(stage: &Stage) -> Traffic {
    Traffic::start(stage, CALLERS, Duration::from_millis(20), &["m"])
}

/// From this moment on it is used again, and soon.
pub(crate) fn used_again(calls: &[Received], from: Duration) {
    let answered = calls
        .iter()
        .find(|call| call.received >= from && call.status == 200);
    let after = answered.map(|call| call.received - from);
    assert!(
        after.is_some_and(|after| after <= LONGEST + LATE),
        "used again after {after:?}"
    );
}

/// Between its first failure and its return: who is not part of the streak, or under way with it, comes alone.
pub(crate) fn tried_one_at_a_time(calls: &[Received], from: Duration, until: Duration) {
    let mut failed: Vec<Duration> = calls
        .iter()
        .map(end)
        .filter(|end| (from..until).contains(end))
        .collect();
    failed.sort();
    let Some(left) = failed.get(STREAK - 1) else {
        return;
    };
    let trials: Vec<&Received> = calls
        .iter()
        .filter(|call| (*left + GRACE / 2..until).contains(&call.received))
        .collect();
    for pair in trials.windows(2) {
        assert!(pair[1].received >= end(pair[0]), "two at once: {pair:#?}");
    }
}

fn left_and_found_again(events: &[Event], times: usize) {
    let story = story(events, "flappy-only", "m");
    let count = |state: &str| {
        story
            .iter()
            .filter(|event| event.to == state && event.from != state)
            .count()
    };
    assert!(
        count("cooling down") >= times && count("available") >= times,
        "{story:#?}"
    );
    assert_eq!(story.last().unwrap().to, "available");
}

#[tokio::test]
async fn a_vendor_that_refuses_now_and_then_is_left_and_used_again() {
    let (stage, door) = stage().await;
    let traffic = traffic(&stage);
    let mut returns = Vec::new();
    for (open, shut) in [(700, 900), (1200, 300), (1500, 1300)] {
        stage
            .clock
            .sleep_until(stage.clock.now() + Duration::from_millis(open))
            .await;
        door.shut();
        stage
            .clock
            .sleep_until(stage.clock.now() + Duration::from_millis(shut))
            .await;
        door.open();
        returns.push(stage.clock.now());
    }
    stage.clock.sleep_until(stage.clock.now() + LONGEST + LATE).await;
    // Streams that had begun broke off when the door fell shut.
    all_served(&traffic.finish().await, true);
    let calls = calls(&stage.simulator, FLAPPY, None);
    returns.iter().for_each(|at| used_again(&calls, *at));
    left_and_found_again(&stage.ended().await.1, 2);
}

#[tokio::test]
async fn a_vendor_that_is_busy_now_and_then_is_tried_by_one_at_a_time() {
    let (stage, _door) = stage().await;
    let clock = stage.clock;
    let traffic = traffic(&stage);
    let mut times = Vec::new();
    for (up, down) in [(700, 700), (1200, 500), (1500, 700)] {
        clock.sleep_until(clock.now() + Duration::from_millis(up)).await;
        stage.simulator.set_rules(away(says(503)));
        let from = clock.now();
        clock.sleep_until(from + Duration::from_millis(down)).await;
        stage.simulator.set_rules(well());
        times.push((from, clock.now()));
    }
    clock.sleep_until(clock.now() + LONGEST + LATE).await;
    all_served(&traffic.finish().await, false);
    let calls = calls(&stage.simulator, FLAPPY, None);
    for (from, until) in times {
        used_again(&calls, until);
        tried_one_at_a_time(&calls, from, until);
        let during = calls
            .iter()
            .filter(|call| (from..until).contains(&call.received))
            .count();
        // The streak with who was under way beside it, and then trials that come ever less often.
        assert!(
            (STREAK..STREAK + CALLERS + 4).contains(&during),
            "asked {during} times while it was away"
        );
    }
    left_and_found_again(&stage.ended().await.1, 3);
}
