//! What is written is what is read, to the bit; and what is no recording is told apart from one that was cut off.

use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::decision::{Decider, End, Given, Made, Shadow, Verdict};

const FACTS: [&str; 2] = ["available", "latency-ms"];

fn pool() -> Arc<Pool> {
    let member = |account: &str| PoolMember {
        vendor: "vendor".to_owned(),
        account: account.to_owned(),
        model: "org/模型".to_owned(),
        tags: vec!["a \"tag\"\n".to_owned()],
    };
    let decider = Decider {
        strategy: "ladder".to_owned(),
        identity: "ladder@1.2.3".to_owned(),
        settings: r#"{"share": 0.30000000000000004}"#.to_owned(),
        wants: Vec::new(),
    };
    Arc::new(Pool {
        number: u64::MAX,
        model: "small".to_owned(),
        candidates: vec![member("one"), member("two")],
        facts: &FACTS,
        deciders: vec![decider],
    })
}

/// `facts`: two for each of the two candidates.
fn decision(facts: [f64; 4], entropy: u64, state: Vec<u8>) -> Decision {
    let turn = Turn {
        operation: Operation::Embeddings,
        model: "small".to_owned(),
        caller: "tester".to_owned(),
        tags: vec!["night".to_owned()],
        streaming: true,
        input_tokens: u32::MAX,
        sequence: u64::MAX - 1,
        entropy,
        now: 1_795_132_800_000,
        deadline: 1_795_132_860_000,
    };
    let given = Given {
        turn,
        offered: vec![1, 0],
        facts: facts.to_vec(),
    };
    let made = Made {
        decider: Some(0),
        state: Arc::new(state),
        order: vec![0, 1],
        note: Some("because".to_owned()),
        rule: Some(2),
        preferred: vec![1],
        ..Made::default()
    };
    let shadow = Arc::new(Shadow::new(0));
    shadow.settle(Verdict {
        decided: Err("it trapped".to_owned()),
        agreed: false,
        same_order: false,
        took: Duration::from_micros(7),
    });
    let decision = Decision::new(
        7,
        "request".to_owned(),
        pool(),
        Arc::new(given),
        made,
        Some(shadow),
    );
    decision.asks(0);
    decision.came("timeout", Duration::from_millis(250));
    decision.asks(1);
    decision.ended(End {
        outcome: "completed".to_owned(),
        input_tokens: 12,
        output_tokens: 3,
        cost: None,
        latency_ms: 0.1 + 0.2,
        first_token_ms: Some(1.0),
    });
    decision
}

fn text(lines: &[Line]) -> String {
    let lines = lines
        .iter()
        .map(|line| serde_json::to_string(line).unwrap() + "\n");
    lines.collect()
}

fn head() -> Line {
    Line::Recording(Head { version: VERSION })
}

fn recorded(decision: &Decision) -> [Line; 2] {
    [
        Line::Pool((&*decision.pool).into()),
        Line::Decision(Box::new(decision.into())),
    ]
}

/// A whole recording of one decision.
fn recording(decision: &Decision) -> String {
    let [pool, decision] = recorded(decision);
    text(&[head(), pool, decision])
}

/// The lines that count, or what is wrong.
fn lines(bytes: &[u8]) -> Result<Vec<usize>, String> {
    let read = read::<Box<RecordedDecision>>(bytes);
    read.map(|read| read.map(|read| read.line).map_err(|error| error.to_string()))
        .collect()
}

fn decision_in(bytes: &[u8]) -> RecordedDecision {
    let read = read::<Box<RecordedDecision>>(bytes);
    let mut decisions = read.filter_map(|read| match read.unwrap().what {
        Line::Decision(decision) => Some(*decision),
        Line::Recording(_) | Line::Pool(_) => None,
    });
    let decision = decisions.next().unwrap();
    assert!(decisions.next().is_none());
    decision
}

fn bits(numbers: impl IntoIterator<Item = f64>) -> Vec<u64> {
    numbers.into_iter().map(f64::to_bits).collect()
}

fn same_bits(facts: [f64; 4]) {
    let read = decision_in(recording(&decision(facts, 0, vec![])).as_bytes());
    assert_eq!(bits(read.facts.0.concat()), bits(facts), "{facts:?}");
}

#[test]
fn numbers_that_json_has_none_for() {
    same_bits([f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -0.0]);
    same_bits([0.0, f64::from_bits(1), -f64::from_bits(1), f64::MIN_POSITIVE]);
    same_bits([f64::MAX, f64::MIN, f64::MIN_POSITIVE / 3.0, f64::EPSILON]);
    // Halfway between two neighbours, or nearly so: where readers that take short cuts go wrong.
    same_bits([9_007_199_254_740_993.0, 2.225_073_858_507_201e-308, 1e23, 5e-324]);
}

#[test]
fn all_that_strategies_are_told_is_there_again() {
    let decision = decision([1.0, f64::NAN, 0.0, 250.5], 0x00ff, b"\0\xff\"\n".to_vec());
    let text = recording(&decision);
    assert_eq!(text.lines().count(), 3, "{text}");
    let read = decision_in(text.as_bytes());
    let turn = read.turn("small").unwrap();
    assert_eq!(format!("{turn:?}"), format!("{:?}", decision.given.turn));
    assert_eq!(read.state().unwrap(), *decision.made.state);
    assert_eq!(
        (
            read.number,
            read.pool,
            &read.offered,
            &read.order,
            read.strategy,
            &read.preferred
        ),
        (7, u64::MAX, &vec![1, 0], &vec![0, 1], Some(0), &vec![1])
    );
    let end = read.end.unwrap();
    assert_eq!((end.input_tokens, end.output_tokens), (12, 3));
    let outcomes: Vec<&str> = read
        .attempts
        .iter()
        .map(|attempt| attempt.outcome.as_str())
        .collect();
    assert_eq!(outcomes, ["timeout", "under way"]);
    assert_eq!(read.shadow.unwrap().failed.as_deref(), Some("it trapped"));

    let [pool, _] = recorded(&decision);
    let Line::Pool(pool) = pool else {
        panic!("{pool:?}")
    };
    let again: RecordedPool = serde_json::from_str(&serde_json::to_string(&pool).unwrap()).unwrap();
    assert_eq!((again.candidates, again.facts), (pool.candidates, pool.facts));
    assert_eq!(
        again.strategies[0].settings.get(),
        r#"{"share": 0.30000000000000004}"#
    );
}

proptest! {
    #[test]
    fn any_number_bits_and_memory(
        facts in prop::array::uniform4(any::<u64>()),
        entropy in any::<u64>(),
        state in prop::collection::vec(any::<u8>(), 0..300),
    ) {
        let facts = facts.map(f64::from_bits);
        let read = decision_in(recording(&decision(facts, entropy, state.clone())).as_bytes());
        // Facts have one NaN.
        let expected = facts.map(|fact| if fact.is_nan() { f64::NAN } else { fact });
        prop_assert_eq!(bits(read.facts.0.concat()), bits(expected));
        prop_assert_eq!(read.entropy().unwrap(), entropy);
        prop_assert_eq!(read.state().unwrap(), state);
    }

    /// Wherever the file ends, what stands in front of that is read.
    #[test]
    fn a_last_line_that_is_cut_off_ends_it(
        facts in prop::array::uniform4(any::<f64>()),
        cut in any::<prop::sample::Index>(),
    ) {
        let first = recording(&decision(facts, 1, vec![1, 2, 3]));
        let more = serde_json::to_string(&recorded(&decision(facts, 2, vec![]))[1]).unwrap();
        // In the middle of a letter, too.
        let more = &more.as_bytes()[..cut.index(more.len())];
        let found = lines(&[first.as_bytes(), more].concat());
        prop_assert_eq!(found, Ok(vec![1, 2, 3]));
        // A gateway that goes on there ends the line.
        let on = [first.as_bytes(), more, b"\n", first.as_bytes()].concat();
        let found = lines(&on);
        prop_assert_eq!(found, Ok(vec![1, 2, 3, 5, 6, 7]));
    }
}

#[test]
fn what_is_no_line_is_named_by_its_number() {
    let good = recording(&decision([0.0; 4], 0, vec![]));
    for wrong in [
        "{}",
        "null",
        "{\"note\": 1}",
        "{\"decision\": {\"number\": 1}}",
        "{\"pool\"",
        "\u{fffd}",
    ] {
        // Not at the end, and not in front of a head.
        let text = format!("{good}{wrong}\n{}", good.lines().last().unwrap());
        let problem = lines(text.as_bytes()).unwrap_err();
        assert!(
            problem.starts_with("line 4 is not a line of a recording: "),
            "{problem}"
        );
        let text = format!("{good}{wrong}\n");
        assert!(lines(text.as_bytes()).is_err(), "{wrong}");
    }
    let number = good.replace("[[0.0,0.0]", "[[\"much\",0.0]");
    let problem = lines(number.as_bytes()).unwrap_err();
    assert!(
        problem.contains("line 3") && problem.contains("much"),
        "{problem}"
    );
}

#[test]
fn other_files_and_versions_are_refused() {
    let refused = |text: &str| lines(text.as_bytes()).unwrap_err();
    assert!(refused("").contains("empty"));
    for foreign in ["\0asm\x01", "[server]\n", "{\"level\": \"INFO\"}\n", "\n"] {
        assert!(refused(foreign).starts_with("not a recording"), "{foreign:?}");
    }
    let [pool, _] = recorded(&decision([0.0; 4], 0, vec![]));
    assert!(refused(&text(&[pool])).starts_with("not a recording"));
    let later = "{\"recording\":{\"version\":2,\"more\":[]}}\n";
    assert_eq!(
        refused(later),
        "line 1: a recording of version 2; this is for version 1"
    );
    assert!(refused(&format!("{}{later}", text(&[head()]))).starts_with("line 2: a recording of version 2"));
}

#[test]
fn words_that_mean_nothing_are_named() {
    let good = decision_in(recording(&decision([0.0; 4], 0, vec![])).as_bytes());
    for entropy in [
        "",
        "12",
        "+00000000000000f",
        "000000000000000g",
        "00000000000000000",
    ] {
        let wrong = RecordedDecision {
            entropy: entropy.to_owned(),
            ..good.clone()
        };
        let problem = wrong.turn("small").unwrap_err();
        assert!(
            problem.contains(&format!("{entropy:?} is not 16 hexadecimal digits")),
            "{problem}"
        );
    }
    let wrong = RecordedDecision {
        operation: "images".to_owned(),
        ..good.clone()
    };
    assert_eq!(
        wrong.turn("small").unwrap_err(),
        "no operation is called \"images\""
    );
    let wrong = RecordedDecision {
        state: "%".to_owned(),
        ..good
    };
    assert!(wrong.state().unwrap_err().starts_with("state: "));
}
