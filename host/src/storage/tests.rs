//! What comes back of what was handed over: from a second connection, after the end, after a crash, and when the disk
//! takes no more.

mod changes;
mod files;
mod flood;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::queue::LONGEST_TEXT;
use super::rows::MOST_HISTORY;
use super::*;

fn place() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("patchbay.db");
    (folder, path)
}

fn key(account: &str, model: Option<&str>) -> KeyName {
    KeyName {
        vendor: "v".to_owned(),
        account: account.to_owned(),
        model: model.map(str::to_owned),
    }
}

/// The rarer fields are empty.
fn record(key: KeyName, state: &str) -> KeyRecord {
    KeyRecord {
        key,
        state: state.to_owned(),
        class: None,
        attempts: 0,
        until: None,
        since: 1_760_000_000_000,
        first_error: None,
        last_error: None,
        message: None,
        credential: None,
    }
}

/// The rarer fields are empty.
fn event(key: KeyName, at: u64) -> KeyEvent {
    KeyEvent {
        at,
        key,
        from: "ready".to_owned(),
        to: "waiting".to_owned(),
        class: None,
        message: None,
        vendor_code: None,
        until: None,
    }
}

/// Every field holds something.
fn full(key: KeyName) -> (KeyRecord, KeyEvent) {
    let text = |text: &str| Some(text.to_owned());
    let record = KeyRecord {
        class: text("insufficient_quota"),
        attempts: u32::MAX,
        until: Some(1_760_000_600_000),
        first_error: Some(1_759_999_999_999),
        last_error: Some(1_760_000_000_001),
        message: text("it's \"über\"\0 the limit\n"),
        credential: text("sha256:0011"),
        ..record(key.clone(), "disabled by failure")
    };
    let event = KeyEvent {
        class: text("insufficient_quota"),
        message: text("quota; DROP TABLE keys"),
        vendor_code: text("billing_hard_limit_reached"),
        until: Some(1_760_000_600_000),
        ..event(key, 1_760_000_000_001)
    };
    (record, event)
}

/// The times of an account's events, newest first.
fn times(storage: &Storage, account: &str) -> Vec<u64> {
    let events = storage.history("v", account, usize::MAX).unwrap();
    events.iter().map(|event| event.at).collect()
}

#[tokio::test]
async fn every_field_comes_back() {
    let (_folder, path) = place();
    let storage = Storage::open(&path).unwrap();
    let (whole, of_whole) = full(key("a", None));
    let (model, of_model) = full(key("a", Some("org/m:free")));
    let (bare, of_bare) = (record(key("b", None), ""), event(key("b", None), 0));
    for (record, event) in [(&model, &of_model), (&bare, &of_bare), (&whole, &of_whole)] {
        storage.keep(record.clone(), Some(event.clone())).await.unwrap();
    }
    for storage in [storage, Storage::open(&path).unwrap()] {
        let known = [whole.clone(), model.clone(), bare.clone()];
        assert_eq!(storage.keys().unwrap(), known);
        assert_eq!(
            storage.history("v", "a", 9).unwrap(),
            [of_whole.clone(), of_model.clone()]
        );
        assert_eq!(
            storage.history("v", "b", 9).unwrap(),
            std::slice::from_ref(&of_bare)
        );
        assert_eq!(storage.history("w", "a", 9).unwrap(), []);
    }
}

#[tokio::test]
async fn a_note_is_written_within_a_tenth_of_a_second() {
    let (_folder, path) = place();
    let storage = Storage::open(&path).unwrap();
    let second = Storage::open(&path).unwrap();
    // The machine may be busy with something else now and then, but not each time.
    let mut took = Vec::new();
    for at in 0..5 {
        let noted = Instant::now();
        storage.note(record(key("a", None), "waiting"), Some(event(key("a", None), at)));
        while times(&second, "a").first() != Some(&at) {
            assert!(noted.elapsed() < Duration::from_secs(5), "it was not written");
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        took.push(noted.elapsed());
    }
    println!("written after {took:?}");
    assert!(
        *took.iter().min().unwrap() < Duration::from_millis(100),
        "{took:?}"
    );
}

#[tokio::test]
async fn the_last_handle_writes_what_is_left() {
    let (folder, path) = place();
    let storage = Storage::open(&path).unwrap();
    let clone = storage.clone();
    drop(storage);
    clone.note(record(key("a", None), "one"), None);
    let kept = clone.keep(record(key("b", None), "two"), None);
    drop(clone);
    kept.await.unwrap();
    let states: Vec<String> = Storage::open(&path)
        .unwrap()
        .keys()
        .unwrap()
        .into_iter()
        .map(|record| record.state)
        .collect();
    assert_eq!(states, ["one", "two"]);
    let left = std::fs::read_dir(folder.path()).unwrap().count();
    assert_eq!(left, 1, "files beside the database");
}

#[tokio::test]
async fn changes_take_the_order_of_the_calls() {
    let storage = Storage::in_memory();
    storage.note(record(key("a", None), "1"), Some(event(key("a", None), 1)));
    let kept = storage.keep(record(key("a", None), "2"), Some(event(key("a", None), 2)));
    storage.note(record(key("a", None), "3"), Some(event(key("a", None), 3)));
    kept.await.unwrap();
    storage.flush().await.unwrap();
    assert_eq!(storage.keys().unwrap()[0].state, "3");
    assert_eq!(times(&storage, "a"), [3, 2, 1]);
}

#[tokio::test]
async fn forgetting_an_account_takes_its_models_along_and_nothing_else() {
    let storage = Storage::in_memory();
    let names = [
        key("a", None),
        key("a", Some("m")),
        key("a", Some("n")),
        key("b", None),
        key("b", Some("m")),
    ];
    let note_all = || {
        for name in &names {
            storage.note(record(name.clone(), "s"), Some(event(name.clone(), 1)));
        }
    };
    let left = || -> Vec<KeyName> {
        let keys = storage.keys().unwrap().into_iter();
        keys.map(|record| record.key).collect()
    };
    // Once from the disk, and once before it gets there.
    for written in [true, false] {
        note_all();
        if written {
            storage.flush().await.unwrap();
        }
        storage.forget(&key("a", None));
        storage.forget(&key("b", Some("m")));
        storage.flush().await.unwrap();
        assert_eq!(left(), [key("b", None)]);
        assert_eq!((times(&storage, "a").len(), times(&storage, "b").len()), (0, 1));
        storage.forget(&key("b", None));
    }
    note_all();
    storage.forget(&key("a", None));
    storage.note(record(key("a", Some("n")), "again"), None);
    storage.flush().await.unwrap();
    assert_eq!(left(), [key("a", Some("n")), key("b", None), key("b", Some("m"))]);
    assert_eq!(storage.keys().unwrap()[0].state, "again");
}

fn quota(key: KeyName, tokens: u64) -> QuotaRecord {
    QuotaRecord {
        key: Arc::new(key),
        day: 1_760_000_000_000,
        day_tokens: tokens,
        day_cost: 0.1 + 0.2,
        month: 1_759_000_000_000,
        month_tokens: tokens * 2,
        month_cost: 1e-9,
    }
}

#[tokio::test]
async fn what_is_used_of_quotas_comes_back_and_is_forgotten_with_its_key() {
    let (_folder, path) = place();
    let storage = Storage::open(&path).unwrap();
    for tokens in 0..100 {
        storage.note_quota(quota(key("a", None), tokens));
    }
    storage.note_quota(quota(key("a", Some("m")), 7));
    storage.note_quota(quota(key("b", None), u64::MAX / 4));
    drop(storage);
    let storage = Storage::open(&path).unwrap();
    let all = [
        quota(key("a", None), 99),
        quota(key("a", Some("m")), 7),
        quota(key("b", None), u64::MAX / 4),
    ];
    assert_eq!(storage.quotas().unwrap(), all);
    storage.forget(&key("a", None));
    storage.note_quota(quota(key("c", None), 1));
    storage.forget(&key("c", None));
    storage.flush().await.unwrap();
    assert_eq!(storage.quotas().unwrap(), [quota(key("b", None), u64::MAX / 4)]);
}

#[tokio::test]
async fn the_history_of_a_key_keeps_its_newest_events() {
    let storage = Storage::in_memory();
    let most = u64::try_from(MOST_HISTORY).unwrap();
    for at in 0..most + 250 {
        let at = at + 1;
        storage.note(
            record(key("a", Some("m")), "s"),
            Some(event(key("a", Some("m")), at)),
        );
        if at % 100 == 0 {
            storage.flush().await.unwrap();
        }
    }
    // The oldest by far, and of another key; and a clock that was set back.
    storage.note(record(key("a", None), "s"), Some(event(key("a", None), 5)));
    storage.flush().await.unwrap();
    let kept = times(&storage, "a");
    let expected: Vec<u64> = std::iter::once(5).chain((251..=most + 250).rev()).collect();
    assert_eq!(kept, expected);
    assert_eq!(storage.history("v", "a", 2).unwrap().len(), 2);
    assert_eq!(storage.history("v", "a", 0).unwrap().len(), 0);
}

#[tokio::test]
async fn texts_from_outside_are_cut() {
    let storage = Storage::in_memory();
    let long = Some(format!("x{}", "ä".repeat(LONGEST_TEXT)));
    let (mut record, mut event) = full(key("a", None));
    (record.message, event.message, event.vendor_code) = (long.clone(), long.clone(), long);
    storage.keep(record, Some(event)).await.unwrap();
    let (record, event) = (
        &storage.keys().unwrap()[0],
        &storage.history("v", "a", 1).unwrap()[0],
    );
    for text in [&record.message, &event.message, &event.vendor_code] {
        assert_eq!(text.as_ref().unwrap().len(), LONGEST_TEXT - 1);
    }
}
