//! The power goes the moment a caller has his answer: what takes an account out of service, or is a vendor's wish, has
//! been written before anybody else was asked.

use std::time::Duration;

use patchbay_simulator::Rule;

use crate::fault::{come_back, no_quota, says};
use crate::stage::{Stage, VENDORS, calls, only};
use crate::traffic::{End, ask};

const WISH: u64 = 3;

/// One caller's request fails at an account and is served by another; then the power goes, at once.
async fn cut_behind(rule: Rule) -> (Stage, Duration) {
    const VICTIM: &str = "north-a";
    let stage = Stage::with_pool("").await;
    let once = async |stage: &Stage| ask(&stage.gateway.client(), stage.clock, "m0", false).await.end;
    // All keys are verified.
    assert_eq!(once(&stage).await, End::Complete);
    tokio::time::sleep(Duration::from_millis(300)).await;
    stage.simulator.set_rules(only([rule.account(VICTIM)]));
    let asked = || calls(&stage.simulator, VICTIM, Some("m0")).len();
    let before = asked();
    while asked() == before {
        assert_eq!(once(&stage).await, End::Complete);
    }
    let failed = stage.clock.now();
    let stage = stage.after_power_cut().await;
    // It would have its turn more than once.
    for _ in 0..4 * VENDORS.len() * 3 {
        assert_eq!(once(&stage).await, End::Complete);
    }
    let asked = calls(&stage.simulator, VICTIM, None);
    let again = asked.iter().filter(|call| call.received > failed).count();
    assert_eq!(again, 0, "asked after the power cut");
    (stage, failed)
}

#[tokio::test]
async fn what_was_refused_for_good_stays_so() {
    cut_behind(says(401)).await;
}

#[tokio::test]
async fn what_is_out_of_quota_stays_so() {
    cut_behind(no_quota()).await;
}

#[tokio::test]
async fn what_a_vendor_has_asked_for_is_kept_to() {
    let (stage, failed) = cut_behind(come_back(429, WISH).model("m0")).await;
    stage.simulator.set_rules(only([]));
    let due = failed + Duration::from_secs(WISH);
    assert!(stage.clock.now() < due, "too slow to tell");
    stage.clock.sleep_until(due).await;
    for _ in 0..2 * VENDORS.len() * 3 {
        ask(&stage.gateway.client(), stage.clock, "m0", false).await;
    }
    let served = calls(&stage.simulator, "north-a", Some("m0"));
    assert!(
        served
            .iter()
            .any(|call| call.received > failed && call.status == 200),
        "it serves again"
    );
}
