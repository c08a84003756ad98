//! Each kind of fault at an account of its own, all at once, with a power cut in the middle: the others serve, and
//! nobody is asked who is not to be.

use std::time::Duration;

use patchbay_simulator::Rule;

use crate::fault::{Fate, Fault, Until, come_back, come_back_at, come_back_millis, no_quota, resets, says};
use crate::history::{as_told, recorded};
use crate::operator;
use crate::oracle::{Case, Times};
use crate::stage::{MODELS, Stage, only};
use crate::traffic::{End, Outcome, Traffic, all_served};

/// The circuit never gives up here; [`crate::flapping`] has that.
const SETTINGS: &str = r#"
[circuit]
first = "1s"
longest = "2s"
trials = 20
model_not_found = "2s"

[recheck.classes.insufficient_quota]
after = "4s"
attempts = 3

[health]
interval = "1s"

[timeouts]
first_byte = "700ms"
"#;
const SHORTEST: Duration = Duration::from_millis(750);
const LONGEST: Duration = Duration::from_secs(2);
const MODEL_NOT_FOUND: Duration = Duration::from_secs(2);
const NO_QUOTA: Duration = Duration::from_secs(4);

// From when everything begins to fail.
const CUT: Duration = Duration::from_millis(1300);
const HEALED: Duration = Duration::from_millis(3500);
const OVER: Duration = Duration::from_millis(7500);

#[tokio::test]
async fn accounts_that_are_refused_limited_or_out_of_quota() {
    let seconds = |seconds| Until::After(Duration::from_secs(seconds));
    let (dated, date) = come_back_at(429, Duration::from_secs(5));
    let limited = "rate_limit_exceeded";
    let out_of_quota = Fault {
        fate: Fate::Left {
            until: Until::After(NO_QUOTA),
            whole_account: true,
        },
        state: "out of service",
        ..Fault::circuit("east-c", no_quota(), 1, "insufficient_quota")
    };
    play(vec![
        Fault::gone("north-a", 401, "authentication_error"),
        Fault::circuit("north-b", says(429), 1, limited),
        Fault::left("north-c", come_back(429, 2), seconds(2), limited),
        Fault::left("east-a", dated, date, limited),
        Fault::left(
            "east-b",
            come_back_millis(429, 1500),
            Until::After(Duration::from_millis(1500)),
            limited,
        ),
        out_of_quota,
        Fault::left("west-a", come_back(429, 2), seconds(2), limited),
        Fault::gone("west-b", 403, "permission_denied"),
    ])
    .await;
}

#[tokio::test]
async fn accounts_that_fail_fall_silent_or_break_off() {
    let unavailable = "service_unavailable";
    play(vec![
        Fault::circuit("north-a", says(500), 3, "internal_error"),
        Fault::circuit("north-b", says(503), 3, unavailable),
        Fault::circuit("north-c", says(529), 3, unavailable),
        Fault::left(
            "east-a",
            says(404),
            Until::After(MODEL_NOT_FOUND),
            "model_not_found",
        )
        .for_model("m2"),
        Fault::circuit("east-b", Rule::always().never(), 3, "timeout"),
        Fault::circuit("east-c", Rule::always().malformed_after(1), 3, "malformed_reply"),
        Fault::circuit("west-a", Rule::always().cut_after(2), 3, "network_error"),
        Fault::left(
            "west-b",
            come_back(503, 2),
            Until::After(Duration::from_secs(2)),
            unavailable,
        ),
    ])
    .await;
}

#[tokio::test]
async fn accounts_whose_connections_break() {
    play(vec![
        Fault::circuit("north-a", resets(), 3, "network_error"),
        Fault::circuit("east-a", Rule::always().cut_after(1), 3, "network_error").for_model("m0"),
        Fault::gone("east-b", 401, "authentication_error"),
        Fault::circuit("west-b", Rule::always().never(), 3, "timeout").for_model("m3"),
        Fault::circuit("west-c", Rule::always().malformed_after(0), 3, "malformed_reply"),
    ])
    .await;
}

async fn play(faults: Vec<Fault>) {
    let stage = Stage::with_pool(SETTINGS).await;
    let clock = stage.clock;
    let start = |stage: &Stage| Traffic::start(stage, 6, Duration::from_millis(15), &MODELS);
    let traffic = start(&stage);
    tokio::time::sleep(Duration::from_millis(700)).await;
    stage.simulator.set_rules(only(faults.iter().map(Fault::rule)));
    let broken = clock.now();

    clock.sleep_until(broken + CUT).await;
    let cut = clock.now();
    let stage = stage.after_power_cut().await;
    let (whole, lost): (Vec<Outcome>, Vec<Outcome>) = traffic
        .finish()
        .await
        .into_iter()
        .partition(|outcome| outcome.ended < cut);
    all_served(&whole, true);
    assert!(
        lost.iter().any(|outcome| outcome.end == End::Lost),
        "nothing was under way"
    );
    let back = clock.now();
    let traffic = start(&stage);

    clock.sleep_until(broken + HEALED).await;
    stage.simulator.set_rules(only([]));
    let healed = clock.now();
    clock.sleep_until(broken + OVER).await;
    all_served(&traffic.finish().await, true);

    let times = Times {
        broken,
        healed,
        cut,
        back,
        shortest: SHORTEST,
        longest: LONGEST,
    };
    let told = operator::command(
        &stage,
        &["keys", "analyze", "north/a", "--history", "500", "--json"],
        "",
    )
    .await;
    let (simulator, events) = stage.ended().await;
    as_told(&events, "north-a", &told);
    let complaints: Vec<String> = faults
        .iter()
        .flat_map(|fault| Case { fault, times, clock }.judge(&simulator))
        .collect();
    assert!(complaints.is_empty(), "{times:#?}\n{complaints:#?}");
    faults
        .iter()
        .for_each(|fault| recorded(&events, fault, SHORTEST..=LONGEST));
}
