//! The score, by worked numbers and over random pools.

use patchbay_sdk::testkit::{Bench, Case, Cases, assert_ranks_everybody, assert_schema_tells_defaults};
use serde_json::{Value, json};

use super::*;

const UNKNOWN: f64 = f64::NAN;
const FACTS: [Fact; 8] = [
    Fact::Weight,
    Fact::Health,
    Fact::LatencyMs,
    Fact::SuccessRate,
    Fact::ConsecutiveFailures,
    Fact::InputPrice,
    Fact::OutputPrice,
    Fact::InFlight,
];
const A: [f64; 8] = [1.0, 1.0, 800.0, 0.98, 0.0, 0.15, 0.60, 0.0];
const B: [f64; 8] = [1.2, 0.5, 300.0, 0.90, 0.0, 0.27, 1.10, 0.0];
const C: [f64; 8] = [0.8, 1.0, 2000.0, 1.0, 0.0, 0.0, 0.0, 0.0];

fn pool(size: usize) -> Vec<Candidate> {
    let member = |index: usize| Candidate {
        vendor: "v".to_owned(),
        account: ((b'a' + (index % 26) as u8) as char).to_string(),
        model: "m".to_owned(),
        tags: Vec::new(),
    };
    (0..size).map(member).collect()
}

fn bench(settings: &Value, rows: &[[f64; 8]]) -> Bench<Composite> {
    let bench = Bench::configured(settings, pool(rows.len())).unwrap();
    let column = |index: usize| rows.iter().map(|row| row[index]).collect::<Vec<_>>();
    FACTS
        .iter()
        .enumerate()
        .fold(bench, |bench, (index, fact)| bench.fact(fact, &column(index)))
}

/// The score of the first, told by its note: with one share alone, and for candidate `a` of `rows`.
fn scored(share: &str, rows: &[[f64; 8]]) -> String {
    let mut settings = json!({"weight": 0, "health": 0, "performance": 0, "reliability": 0, "cost": 0});
    settings[share] = json!(1);
    let others: Vec<u32> = (0..rows.len() as u32).collect();
    let ranking = bench(&settings, rows).rank_among(&others);
    assert_eq!(ranking.order[0], 0, "a is best: {:?}", ranking.note);
    ranking.note.unwrap().replace("v/a/m scores ", "")
}

#[test]
fn the_worked_example() {
    let ranking = bench(&json!({}), &[A, B, C]).rank();
    assert_eq!(ranking.order, [0, 2, 1]);
    assert_eq!(ranking.note.unwrap(), "v/a/m scores 0.8031");
}

#[test]
fn the_worked_example_to_its_last_digit() {
    // Each of the three in front, in turn: a unit of load, which only it has to spare, decides, and is taken off again.
    for (front, expected) in [(0, 0.8031), (1, 0.7138), (2, 0.7667)] {
        let mut rows = [A, B, C];
        for (index, row) in rows.iter_mut().enumerate() {
            row[7] = if index == front { 0.0 } else { f64::INFINITY };
        }
        let ranking = bench(&json!({"load": 1}), &rows).rank();
        assert_eq!(ranking.order[0] as usize, front);
        let note = ranking.note.unwrap();
        let score: f64 = note.rsplit(' ').next().unwrap().parse().unwrap();
        assert!((score - 1.0 - expected).abs() < 1e-9, "{note}");
    }
}

#[test]
fn each_part_alone() {
    let with = |column: usize, number: f64| {
        let mut row = A;
        row[column] = number;
        row
    };
    let cases: [(&str, &[[f64; 8]], &str); 16] = [
        ("weight", &[with(0, 2.0), with(0, 1.0)], "1.0000"),
        ("weight", &[with(0, UNKNOWN), with(0, 0.5)], "1.0000"),
        ("weight", &[with(0, 0.0), with(0, 0.0)], "0.0000"),
        ("health", &[with(1, 0.5), with(1, 0.0)], "0.5000"),
        ("health", &[with(1, UNKNOWN)], "1.0000"),
        ("performance", &[with(2, 0.0)], "1.0000"),
        ("performance", &[with(2, 3000.0)], "0.2500"),
        ("performance", &[with(2, UNKNOWN)], "0.5000"),
        ("reliability", &[with(4, 3.0)], "0.5018"), // 0.98 × 0.512
        ("reliability", &[with(3, UNKNOWN)], "1.0000"),
        ("reliability", &[with(4, 4e9)], "0.0000"),
        ("cost", &[with(5, 0.0), B], "0.6859"), // 1 - 0.15 / 0.4775
        ("cost", &[C, C], "1.0000"),
        ("cost", &[with(6, UNKNOWN), B], "0.6859"), // 0.15 for both: the same price
        ("load", &[with(7, 3.0), with(7, 4.0)], "0.2500"),
        ("load", &[with(7, UNKNOWN)], "1.0000"),
    ];
    for (share, rows, expected) in cases {
        assert_eq!(scored(share, rows), expected, "{share} of {rows:?}");
    }
    let mut unpriced = A;
    (unpriced[5], unpriced[6]) = (UNKNOWN, UNKNOWN);
    assert_eq!(
        scored("cost", &[unpriced, B]),
        "0.5000",
        "an unknown price is before the dearest"
    );
    assert_eq!(
        scored("cost", &[C, unpriced]),
        "1.0000",
        "and behind what is free"
    );
}

#[test]
fn highest_means_among_the_candidates_of_the_call() {
    let mut bench = bench(&json!({}), &[A, B, C]);
    // Without B, A has the highest weight and the highest price: 0.30 + 0.25 + 0.1111 + 0.147 + 0.
    let ranking = bench.rank_among(&[0, 2]);
    assert_eq!(ranking.note.unwrap(), "v/a/m scores 0.8081");
    assert_eq!(ranking.order, [0, 2]);
}

#[test]
fn shares_are_numbers_from_zero() {
    for (settings, reason) in [
        (
            json!({"cost": -0.1}),
            "-0.1 is no share; give a number from 0 to 1000000",
        ),
        (json!({"load": 1e300}), "is no share"),
        (
            json!({"weight": 0, "health": 0, "performance": 0, "reliability": 0, "cost": 0}),
            "all shares are 0",
        ),
        (json!({"price": 1}), "unknown field `price`"),
    ] {
        let error = Bench::<Composite>::configured(&settings, pool(1)).unwrap_err();
        assert!(error.contains(reason), "{error}");
    }
    assert_schema_tells_defaults::<Shares>(&Composite::describe().settings_schema);
}

#[test]
fn everybody_is_ranked() {
    assert_ranks_everybody::<Composite>(&json!({"load": 0.1}));
}

/// With every part of the formula in play: whoever is first stays first when he gets better.
#[test]
fn better_facts_never_cost_a_place() {
    let describe = Composite::describe();
    for seed in 0..200 {
        let cases = Cases::new(seed, &describe.facts);
        let settings = serde_json::from_value(json!({"load": 0.1})).unwrap();
        let mut strategy = Composite::configure(settings, cases.pool().to_vec()).unwrap();
        for mut case in cases.take(25) {
            let mut rank = |case: &Case| {
                let facts = Facts::new(&case.facts, case.candidates.len());
                strategy
                    .rank(&case.request, &case.candidates, facts, &[])
                    .unwrap()
                    .order
            };
            // Some of the made-up numbers are none that a host would hand over, and better than the best.
            let is_sane =
                |row: &[f64]| !(row[1..5].iter().any(|&fact| fact < 0.0) || row[1] > 1.0 || row[3] > 1.0);
            let Some(&first) = rank(&case).first().filter(|_| case.facts.chunks(8).all(is_sane)) else {
                continue;
            };
            let row = case
                .candidates
                .iter()
                .position(|&candidate| candidate == first)
                .unwrap();
            let best = [1.0, 0.0, 1.0, 0.0]; // health, latency, success rate, failures in a row
            case.facts[row * 8 + 1..row * 8 + 5].copy_from_slice(&best);
            assert_eq!(rank(&case)[0], first, "seed {seed}: {case:?}");
        }
    }
}
