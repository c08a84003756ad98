//! What a person sees at 80 columns.

use super::*;
use crate::cli::snapshot;
use crate::replay::{Agreement, Failure, ModelCount};

fn model(name: &str, decisions: u64) -> ModelCount {
    ModelCount {
        model: name.to_owned(),
        decisions,
    }
}

fn by(decider: &str, after_failure: bool, numbers: [u64; 4]) -> RecordedBy {
    let [decisions, same_order, same_askable, same_first] = numbers;
    RecordedBy {
        decider: decider.to_owned(),
        after_failure,
        agreement: Agreement {
            decisions,
            same_order,
            same_askable,
            same_first,
        },
    }
}

fn chosen(candidate: &str, recorded: u64, replayed: u64) -> Chosen {
    Chosen {
        candidate: candidate.to_owned(),
        recorded,
        replayed,
    }
}

fn expected(decisions: u64, unknown: u64, recorded_sum: f64, replayed_sum: f64) -> Expected {
    Expected {
        decisions,
        unknown,
        recorded_sum,
        replayed_sum,
    }
}

fn report() -> Report {
    Report {
        strategy: "cost@0.1.0".to_owned(),
        decisions: 10_012,
        models: vec![model("large", 12), model("small", 10_000)],
        recorded_by: vec![
            by("round-robin@0.1.0", false, [9_800, 1, 4_000, 4_950]),
            by("built-in", false, [195, 0, 195, 195]),
            by("built-in", true, [5, 2, 2, 5]),
        ],
        first_difference: Some(Difference {
            line: 17,
            request_id: "0f3c5a9e8d7b4c21".to_owned(),
            recorded: vec![
                "east/main/small".to_owned(),
                "west/\u{1b}[31mmain/small".to_owned(),
            ],
            replayed: vec!["a-candidate/with-a-long-name/whose-model-has-an-even-longer-one".to_owned(); 3],
        }),
        candidates: vec![
            chosen("east/main/small", 5_000, 9_999),
            chosen("west/main/small", 4_990, 0),
        ],
        nobody: chosen("", 10, 1),
        cost_usd: expected(9_000, 1_000, 2.7, 1.35),
        latency_ms: expected(10_000, 0, 4_200_000.0, 13_400_000.0),
        failures: vec![Failure {
            message:
                "took longer than the limit of 250 ms (plugins.limits.call); it said: I shall be there in a minute"
                    .to_owned(),
            times: 12,
            first_line: 804,
        }],
        calls: Calls {
            count: 10_012,
            mean_us: 3.12,
            p99_us: 1_250.0,
        },
        ..Report::default()
    }
}

#[test]
fn two_strategies_that_disagree() {
    snapshot::matches("replay", &render(&report()));
}

#[test]
fn the_same_strategy_again() {
    let report = Report {
        decisions: 200,
        models: vec![model("small", 200)],
        recorded_by: vec![by("cost@0.1.0", false, [200; 4])],
        first_difference: None,
        candidates: vec![chosen("east/main/small", 200, 200)],
        nobody: Chosen::default(),
        cost_usd: expected(0, 200, 0.0, 0.0),
        latency_ms: expected(150, 50, 60_000.0, 60_000.0),
        failures: vec![],
        ..report()
    };
    snapshot::matches("replay.same", &render(&report));
}

#[test]
fn many_of_everything() {
    let candidates =
        (0..30u64).map(|index| chosen(&format!("vendor/account-{index}/model"), 100 - index, 70 + index));
    let failures = (0..12).map(|index| Failure {
        message: format!("reason {index}"),
        times: 20 - index,
        first_line: 5,
    });
    let report = Report {
        models: (0..9).map(|index| model(&format!("model-{index}"), 1)).collect(),
        candidates: candidates.collect(),
        failures: failures.collect(),
        cost_usd: expected(10, 0, 0.0, 1.0),
        ..report()
    };
    let text = anstream::adapter::strip_str(&render(&report)).to_string();
    for line in [
        "of model-0, model-1, model-2, model-3, model-4, 4 more\n",
        "and 10 more              755   7.5%  945   9.4%\n",
        "19 times for 2 more reasons\n",
        "cost of 1000 requests     $0.00   $100.00     more     10 100.0%\n",
    ] {
        assert!(text.contains(line), "{line:?} in\n{text}");
    }
    assert!(!text.contains("account-20"), "{text}");
}

#[test]
fn a_strategy_that_fails_each_time() {
    let report = Report {
        recorded_by: vec![],
        first_difference: None,
        ..report()
    };
    let text = anstream::adapter::strip_str(&render(&report)).to_string();
    assert!(
        text.contains("It failed 12 times.\n\nFAILURES\n12 times, first in line 804\n  took"),
        "{text}"
    );
    assert!(!report.is_exact());
}

#[test]
fn shares_are_whole_only_when_they_are() {
    let cases = [
        (0, 0, "0   0.0%"),
        (1, 10_000, "1   0.1%"),
        (9_999, 10_000, "9999  99.9%"),
        (3, 3, "3 100.0%"),
    ];
    for (count, all, expected) in cases {
        assert_eq!(share(count, all), expected);
    }
}
