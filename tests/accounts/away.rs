//! A vendor that stays away for longer than trials are made: it is handed to the slow clock for what it says itself, and
//! never for not being reached.

use std::time::Duration;

use patchbay_simulator::Rule;

use crate::fault::says;
use crate::flapping::{FLAPPY, LATE, LONGEST, away, stage, traffic, tried_one_at_a_time, used_again, well};
use crate::history::story;
use crate::oracle::end;
use crate::stage::{Stage, calls};
use crate::traffic::all_served;

/// By the settings of [`crate::flapping`].
const RECHECK: Duration = Duration::from_secs(3);

#[tokio::test]
async fn a_vendor_that_stays_busy_is_left_to_the_slow_clock() {
    let (stage, _door) = stage().await;
    let clock = stage.clock;
    let traffic = traffic(&stage);
    clock.sleep_until(clock.now() + Duration::from_millis(500)).await;
    stage.simulator.set_rules(away(says(503)));
    let from = clock.now();
    // The streak and three trials: at most 0.2 + 0.4 + 0.8 s, and what it takes to ask.
    let given_up = from + Duration::from_secs(2) + LATE;
    clock.sleep_until(given_up).await;
    stage.simulator.set_rules(well());
    clock.sleep_until(given_up + RECHECK + LATE).await;
    all_served(&traffic.finish().await, false);
    let calls = calls(&stage.simulator, FLAPPY, None);
    tried_one_at_a_time(&calls, from, given_up);
    let last = calls
        .iter()
        .rfind(|call| call.received >= from && call.status == 503)
        .unwrap();
    let next = calls.iter().find(|call| call.received > last.received).unwrap();
    let left = next.received - end(last);
    assert!(
        (RECHECK..RECHECK + LATE).contains(&left),
        "left alone for {left:?}"
    );
    let story = story(&stage.ended().await.1, "flappy-only", "m");
    let handed = story.iter().find(|event| event.to == "out of service").unwrap();
    assert_eq!(
        (handed.from.as_str(), handed.class.as_deref()),
        ("half-open", Some("service_unavailable"))
    );
    assert_eq!(handed.until, Some(handed.at + 3000));
    let last = story.last().unwrap();
    assert_eq!(
        (last.from.as_str(), last.to.as_str()),
        ("rechecking", "available")
    );
}

#[tokio::test]
async fn nobody_is_retired_for_refusing_connections() {
    let (stage, door) = stage().await;
    away_for_long(stage, |_| door.shut(), |_| door.open()).await;
}

#[tokio::test]
async fn nobody_is_retired_for_falling_silent() {
    let (stage, _door) = stage().await;
    let silent = |stage: &Stage| stage.simulator.set_rules(away(Rule::always().never()));
    away_for_long(stage, silent, |stage| stage.simulator.set_rules(well())).await;
}

/// For far longer than it takes until trials would have been too many.
async fn away_for_long(stage: Stage, leaves: impl FnOnce(&Stage), comes_back: impl FnOnce(&Stage)) {
    let clock = stage.clock;
    let traffic = traffic(&stage);
    clock.sleep_until(clock.now() + Duration::from_millis(300)).await;
    leaves(&stage);
    clock.sleep_until(clock.now() + Duration::from_secs(6)).await;
    comes_back(&stage);
    let back = clock.now();
    clock.sleep_until(back + LONGEST + LATE).await;
    all_served(&traffic.finish().await, true);
    used_again(&calls(&stage.simulator, FLAPPY, None), back);
    let story = story(&stage.ended().await.1, "flappy-only", "m");
    let failed = story
        .iter()
        .filter(|event| event.from == "half-open" && event.to == "cooling down")
        .count();
    assert!(failed > 3, "{failed} trials failed: {story:#?}");
    assert!(
        story.iter().all(|event| event.to != "out of service"),
        "{story:#?}"
    );
    assert_eq!(story.last().unwrap().to, "available");
}
