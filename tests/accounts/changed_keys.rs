//! Keys that are replaced or switched on while requests come in: whatever moment that happens in, each is probed first, a
//! bad one never serves, and none suffers for the one before.

use std::path::Path;
use std::time::Duration;

use patchbay_simulator::{Operation, Received, Rule};
use patchbay_tests::eventually;

use crate::fault::says;
use crate::new_keys::{changed, config, once, probed_first, stage, traffic};
use crate::stage::calls;
use crate::traffic::{End, all_served, ask};

#[tokio::test]
async fn keys_that_change_again_and_again() {
    const TIMES: usize = 12;
    let rules: Vec<Rule> = (0..TIMES)
        .map(|turn| says(401).account(format!("bad-{turn}")))
        .collect();
    let stage = stage(rules, "openai", &[("changing", "good"), ("steady", "steady")]).await;
    let traffic = traffic(&stage);
    for turn in 0..TIMES {
        let (bad, good) = (format!("bad-{turn}"), format!("good-{turn}"));
        changed(&stage, &[("changing", &bad), ("steady", "steady")]).await;
        eventually("the bad key is probed", async || {
            let refused = calls(&stage.simulator, &bad, None);
            refused
                .iter()
                .any(|call| call.operation == Operation::Models)
                .then_some(())
        })
        .await;
        changed(&stage, &[("changing", &good), ("steady", "steady")]).await;
        eventually("the good key serves", async || {
            let asked = calls(&stage.simulator, &good, None);
            asked
                .iter()
                .any(|call| call.operation == Operation::Chat)
                .then_some(())
        })
        .await;
    }
    all_served(&traffic.finish().await, false);
    for turn in 0..TIMES {
        let bad = calls(&stage.simulator, &format!("bad-{turn}"), None);
        let used = bad
            .iter()
            .filter(|call| call.operation == Operation::Chat)
            .count();
        assert_eq!((turn, used, bad.len()), (turn, 0, 1));
        probed_first(&calls(&stage.simulator, &format!("good-{turn}"), None));
    }
}

/// The vendor has revoked a key; it is replaced while requests with it are under way, and their end says nothing of the
/// new one.
#[tokio::test]
async fn a_key_does_not_suffer_for_the_one_before() {
    let revoked = says(401)
        .account("old")
        .operation(Operation::Chat)
        .latency(Duration::from_millis(800));
    let stage = stage(vec![revoked], "openai", &[("only", "old")]).await;
    eventually("the old key is verified", async || {
        (!calls(&stage.simulator, "old", None).is_empty()).then_some(())
    })
    .await;
    let (client, clock) = (stage.gateway.client(), stage.clock);
    let under_way = tokio::spawn(async move { ask(&client, clock, "m", false).await });
    eventually("a request is under way", async || {
        let asked = calls(&stage.simulator, "old", None);
        asked
            .iter()
            .any(|call| call.operation == Operation::Chat)
            .then_some(())
    })
    .await;
    changed(&stage, &[("only", "new")]).await;
    assert_eq!(once(&stage).await.end, End::Complete);
    assert_eq!(under_way.await.unwrap().status, 502);
    assert_eq!(
        once(&stage).await.end,
        End::Complete,
        "the new key was disabled for the old one"
    );
}

#[tokio::test]
async fn a_key_that_is_switched_on_at_a_start_is_verified() {
    let stage = stage(vec![], "openai", &[("only", "key"), ("other", "other")]).await;
    assert_eq!(once(&stage).await.end, End::Complete);
    let on = config(&stage.simulator, "openai", &[("only", "key"), ("other", "other")]);
    let off = on.replace("api_key = \"key.", "enabled = false\napi_key = \"key.");
    stage.gateway.write_config(&off);
    stage.gateway.admin().post("/admin/reload", "").await;
    let off_since = stage.clock.now();
    assert_eq!(once(&stage).await.end, End::Complete);
    let switched_on = |folder: &Path| std::fs::write(folder.join("patchbay.toml"), &on).unwrap();
    let stage = stage.after_power_cut_with(switched_on).await;
    let asked: Vec<Received> = eventually("it is asked again", async || {
        let asked = calls(&stage.simulator, "key", None).into_iter();
        assert_eq!(once(&stage).await.end, End::Complete);
        let since: Vec<Received> = asked.filter(|call| call.received > off_since).collect();
        (since.len() > 1).then_some(since)
    })
    .await;
    probed_first(&asked);
}
