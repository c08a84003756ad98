//! A hundred callers while accounts fail and recover, are added, given other keys, disabled, enabled and removed: all
//! of them are served, and nobody is asked who is not to be.

use std::time::Duration;

use patchbay_simulator::{Operation, Rule};

use crate::fault::{Fate, Fault, Until, come_back, no_quota, says};
use crate::operator::Operator;
use crate::oracle::{Case, GRACE, SOON, Times};
use crate::stage::{MODELS, Stage, calls, only};
use crate::traffic::{Traffic, all_served};

const SETTINGS: &str = r#"
[circuit]
first = "400ms"
longest = "1s"
trials = 20

[recheck.classes.insufficient_quota]
after = "1s"
attempts = 9

[health]
interval = "1s"
"#;
const SHORTEST: Duration = Duration::from_millis(300);
const LONGEST: Duration = Duration::from_secs(1);
const CALLERS: usize = 100;

/// The rules in force, one for each fault that has begun and not ended.
#[derive(Debug)]
struct Faults<'a> {
    stage: &'a Stage,
    all: Vec<(Fault, Times)>,
}

// === impl Faults ===

impl Faults<'_> {
    fn begin(&mut self, fault: Fault) {
        let broken = self.stage.clock.now();
        let times = Times {
            broken,
            healed: Duration::MAX,
            cut: Duration::ZERO,
            back: Duration::ZERO,
            shortest: SHORTEST,
            longest: LONGEST,
        };
        self.all.push((fault, times));
        self.apply();
    }

    fn end(&mut self, account: &str) {
        let now = self.stage.clock.now();
        let of_account = |(fault, _): &&mut (Fault, Times)| fault.account == account;
        self.all
            .iter_mut()
            .filter(of_account)
            .for_each(|(_, times)| times.healed = now);
        self.apply();
    }

    fn apply(&self) {
        let begun = self.all.iter().filter(|(_, times)| times.healed == Duration::MAX);
        self.stage
            .simulator
            .set_rules(only(begun.map(|(fault, _)| fault.rule())));
    }

    fn judge(&self) -> Vec<String> {
        let judged = self.all.iter().flat_map(|(fault, times)| {
            let (times, clock) = (*times, self.stage.clock);
            Case { fault, times, clock }.judge(&self.stage.simulator)
        });
        judged.collect()
    }
}

/// Nothing goes out with this key from then on, but for what was under way.
fn left_alone(stage: &Stage, key: &str, from: Duration, until: Duration) {
    let asked = calls(&stage.simulator, key, None);
    let late = asked
        .iter()
        .find(|call| call.received > from + GRACE && call.received < until);
    assert!(
        late.is_none(),
        "{key} was not to be asked from {from:?} to {until:?}: {late:#?}"
    );
}

fn used_soon_after(stage: &Stage, key: &str, from: Duration) {
    let asked = calls(&stage.simulator, key, None);
    let soon = from..from + SOON + LONGEST;
    let used = asked
        .iter()
        .any(|call| call.operation == Operation::Chat && soon.contains(&call.received));
    assert!(used, "{key} does not serve in {soon:?}");
}

#[tokio::test]
async fn a_hundred_callers_and_an_operator() {
    let stage = Stage::with_pool(SETTINGS).await;
    let operator = Operator::of(&stage);
    let mut faults = Faults {
        stage: &stage,
        all: Vec::new(),
    };
    let pause = async |millis| tokio::time::sleep(Duration::from_millis(millis)).await;
    let after = |millis| Until::After(Duration::from_millis(millis));
    let traffic = Traffic::start(&stage, CALLERS, Duration::from_millis(180), &MODELS);
    pause(700).await;

    faults.begin(Fault::circuit("north-a", says(503), 3, "service_unavailable"));
    faults.begin(Fault::left(
        "north-b",
        come_back(429, 1),
        after(1000),
        "rate_limit_exceeded",
    ));
    faults.begin(Fault::gone("east-a", 401, "authentication_error"));
    faults.begin(Fault::gone("west-e", 401, "authentication_error"));
    let added = operator.add("west/d", "west-d").await;
    pause(400).await;
    let bad = operator.add("west/e", "west-e").await;
    faults.begin(Fault::circuit(
        "east-b",
        Rule::always().cut_after(2),
        3,
        "network_error",
    ));
    let rotated = operator.rotate("east/a", "east-a2").await;
    pause(300).await;
    let disabled = operator.disable("west/b").await;
    let quota = Fault {
        fate: Fate::Left {
            until: after(1000),
            whole_account: true,
        },
        ..Fault::circuit("east-c", no_quota(), 1, "insufficient_quota")
    };
    faults.begin(quota);
    pause(500).await;
    let removed = operator.remove("north/c").await;
    pause(500).await;
    faults.end("north-a");
    faults.end("east-c");
    let enabled = stage.clock.now();
    operator.enable("west/b").await;
    let other = operator.rotate("west/a", "west-a2").await;
    pause(500).await;
    faults.end("north-b");
    faults.end("east-b");
    let back = stage.clock.now();
    operator.restore("north/c").await;
    // Its vendor takes the bad key now, which nobody finds out by himself.
    faults.end("west-e");
    let said = operator.recheck("west/e").await;
    let rechecked = stage.clock.now();
    pause(2600).await;

    all_served(&traffic.finish().await, true);
    let end = stage.clock.now();
    for gauge in ["patchbay_requests_in_flight", "patchbay_attempts_in_flight"] {
        stage.gateway.metric_until(gauge, &[], 0.0).await;
    }
    left_alone(&stage, "west-b", disabled, enabled);
    left_alone(&stage, "north-c", removed, back);
    left_alone(&stage, "east-a", rotated, end);
    left_alone(&stage, "west-a", other, end);
    let bad_used = calls(&stage.simulator, "west-e", None);
    let early = bad_used
        .iter()
        .find(|call| call.operation == Operation::Chat && call.received < rechecked - SOON);
    assert!(
        early.is_none() && bad < rechecked,
        "a bad key has served: {early:#?}"
    );
    for (key, from) in [
        ("west-d", added),
        ("east-a2", rotated),
        ("west-b", enabled),
        ("north-c", back),
        ("west-a2", other),
        ("west-e", rechecked),
    ] {
        used_soon_after(&stage, key, from);
    }
    assert!(said.contains("west/e"), "{said}");
    // Its fate was another one, by hand.
    faults.all.retain(|(fault, _)| fault.account != "west-e");
    let complaints = faults.judge();
    assert!(complaints.is_empty(), "{complaints:#?}");
}
