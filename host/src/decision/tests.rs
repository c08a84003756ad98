//! Decisions that nobody made, for tests; and what is kept of them.

use std::fs;
use std::path::Path;
use std::time::Duration;

use super::recording::{Line, RecordedDecision, read};
use super::*;
use crate::chat::Operation;
use crate::config::{Decisions, Recording};

/// Two candidates, of which only the second can be asked.
pub(super) fn pool(number: u64) -> Arc<Pool> {
    let member = |account: &str| PoolMember {
        vendor: "v".to_owned(),
        account: account.to_owned(),
        model: "m".to_owned(),
        tags: Vec::new(),
    };
    Arc::new(Pool {
        number,
        model: "m".to_owned(),
        candidates: vec![member("a"), member("b")],
        facts: &["available", "weight"],
        deciders: vec![Decider {
            strategy: "s".to_owned(),
            identity: "s@1".to_owned(),
            settings: "{}".to_owned(),
            wants: Vec::new(),
        }],
    })
}

pub(super) fn decision(number: u64, pool: &Arc<Pool>, shadow: Option<Arc<Shadow>>) -> Arc<Decision> {
    let turn = Turn {
        operation: Operation::Chat,
        model: "m".to_owned(),
        caller: "c".to_owned(),
        tags: Vec::new(),
        streaming: false,
        input_tokens: 7,
        sequence: number,
        entropy: u64::MAX - number,
        now: 1,
        deadline: 2,
    };
    let given = Given {
        turn,
        offered: vec![0, 1],
        facts: vec![0.0, 1.5, 1.0, f64::NAN],
    };
    let made = Made {
        decider: Some(0),
        order: vec![0, 1],
        ..Made::default()
    };
    let id = format!("req_{number}");
    Arc::new(Decision::new(
        number,
        id,
        pool.clone(),
        Arc::new(given),
        made,
        shadow,
    ))
}

fn kept(journal: &Journal) -> Vec<u64> {
    journal
        .latest(100, |_| true)
        .iter()
        .map(|decision| decision.number)
        .collect()
}

/// Which decisions a file holds, a pool as its number with a minus, a head as 0.
fn written(path: &Path) -> Vec<i64> {
    let file = fs::read(path).unwrap();
    let lines = read::<RecordedDecision>(file.as_slice()).map(|line| line.unwrap().what);
    lines
        .map(|line| match line {
            Line::Recording(_) => 0,
            Line::Pool(pool) => -i64::try_from(pool.number).unwrap(),
            Line::Decision(decision) => i64::try_from(decision.number).unwrap(),
        })
        .collect()
}

fn record(journal: &Journal, path: &Path, most: u64) {
    journal.configure(&Decisions {
        keep: 10,
        record: Some(Recording {
            path: path.to_owned(),
            most,
        }),
    });
}

#[test]
fn the_latest_are_kept_and_the_oldest_forgotten() {
    let journal = Journal::default();
    let pool = pool(1);
    let keep = |keep| journal.configure(&Decisions { keep, record: None });
    keep(3);
    for number in 1..=5 {
        journal.keep(decision(number, &pool, None));
    }
    assert_eq!(kept(&journal), [5, 4, 3]);
    assert_eq!(journal.latest(1, |decision| decision.number < 5).len(), 1);
    assert!(journal.find("req_4").is_some() && journal.find("req_2").is_none());
    keep(1);
    assert_eq!(kept(&journal), [5]);
    keep(0);
    journal.keep(decision(6, &pool, None));
    assert!(kept(&journal).is_empty());
}

#[test]
fn what_can_be_asked_is_known_from_the_facts() {
    let decision = decision(1, &pool(1), None);
    assert_eq!(decision.askable(&[0, 1]), [1]);
    assert_eq!(decision.askable(&[9]), [] as [u32; 0]);
    assert_eq!(decision.given.row(1)[0], 1.0);
    assert!(decision.given.row(2).is_empty());
}

#[test]
fn an_attempt_has_one_outcome() {
    let decision = decision(1, &pool(1), None);
    decision.asks(0);
    assert_eq!(decision.course().attempts[0].outcome, UNDER_WAY);
    decision.came("timeout", Duration::from_millis(5));
    decision.came("completed", Duration::from_millis(9));
    decision.asks(1);
    decision.came("completed", Duration::from_millis(2));
    let attempts = decision.course().attempts;
    let outcomes: Vec<_> = attempts
        .iter()
        .map(|tried| (tried.candidate, tried.outcome.as_str()))
        .collect();
    assert_eq!(outcomes, [(0, "timeout"), (1, "completed")]);
    assert_eq!(attempts[0].took_ms, Some(5.0));
}

#[test]
fn a_pool_is_written_once_and_a_file_goes_on_with_a_new_head() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("decisions.jsonl");
    let (one, two) = (pool(1), pool(2));
    for _ in 0..2 {
        let journal = Journal::default();
        record(&journal, &path, 1 << 20);
        for (number, pool) in [(1, &one), (2, &one), (3, &two), (4, &one)] {
            journal.ended(&decision(number, pool, None));
        }
        journal.close();
    }
    let once = [0, -1, 1, 2, -2, 3, 4];
    assert_eq!(written(&path), once.repeat(2));
}

#[test]
fn a_decision_waits_for_its_shadow_but_not_for_ever() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("decisions.jsonl");
    let journal = Journal::default();
    record(&journal, &path, 1 << 20);
    let mark = Arc::new(Shadow::new(0));
    journal.ended(&decision(1, &pool(1), Some(mark.clone())));
    std::thread::park_timeout(Duration::from_millis(50));
    mark.settle(Verdict {
        decided: Ok((vec![1, 0], Some("why".to_owned()))),
        agreed: true,
        same_order: true,
        took: Duration::from_micros(3),
    });
    journal.ended(&decision(2, &pool(1), Some(Arc::new(Shadow::new(0)))));
    journal.close();
    let file = fs::read(&path).unwrap();
    let shadows: Vec<_> = read::<RecordedDecision>(file.as_slice())
        .filter_map(|line| match line.unwrap().what {
            Line::Decision(decision) => Some(decision.shadow),
            _ => None,
        })
        .collect();
    let told = shadows[0].as_ref().unwrap();
    assert_eq!(
        (told.order.as_slice(), told.note.as_deref()),
        (&[1, 0][..], Some("why"))
    );
    assert!(shadows[1].is_none(), "it had not decided");
}

#[test]
fn a_file_of_the_largest_size_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("decisions.jsonl");
    let journal = Journal::default();
    record(&journal, &path, 1000);
    for number in 1..=20 {
        journal.ended(&decision(number, &pool(1), None));
    }
    journal.close();
    let size = fs::metadata(&path).unwrap().len();
    assert!((1000..2000).contains(&size), "{size}");
    assert_eq!(written(&path)[..3], [0, -1, 1]);
}

#[test]
fn another_file_can_be_named_while_decisions_come() {
    let folder = tempfile::tempdir().unwrap();
    let [first, second] = ["first", "second"].map(|name| folder.path().join(name));
    let journal = Journal::default();
    record(&journal, &first, 1 << 20);
    journal.ended(&decision(1, &pool(1), None));
    record(&journal, &second, 1 << 20);
    journal.ended(&decision(2, &pool(1), None));
    journal.configure(&Decisions {
        keep: 10,
        record: None,
    });
    journal.ended(&decision(3, &pool(1), None));
    assert_eq!(written(&first), [0, -1, 1]);
    assert_eq!(written(&second), [0, -1, 2]);
    record(&journal, &folder.path().join("no/such/folder"), 1 << 20);
    journal.ended(&decision(4, &pool(1), None));
    journal.close();
}
