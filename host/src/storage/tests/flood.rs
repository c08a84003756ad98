//! More than can be written: too fast for the disk, too much for it, and many who read meanwhile.

use std::collections::HashMap;

use super::*;
use crate::storage::queue::MOST_EVENTS;

#[tokio::test]
async fn of_a_flood_the_newest_record_of_each_key_is_written() {
    const NOTES: u64 = 100_000;
    const KEYS: u64 = 64;
    let (_folder, path) = place();
    let storage = Storage::open(&path).unwrap();
    let name = |at: u64| key(&format!("account {}", at % KEYS), None);
    let began = Instant::now();
    for at in 0..NOTES {
        let newest = KeyRecord {
            since: at,
            ..record(name(at), "s")
        };
        storage.note(newest, Some(event(name(at), at)));
        let waiting = storage.0.queue.waiting();
        assert!(
            waiting.0 <= KEYS as usize && waiting.1 <= MOST_EVENTS,
            "{waiting:?} wait"
        );
    }
    let noted = began.elapsed();
    storage.flush().await.unwrap();
    println!("{NOTES} noted in {noted:?}, written after {:?}", began.elapsed());

    let since: HashMap<KeyName, u64> = storage
        .keys()
        .unwrap()
        .into_iter()
        .map(|record| (record.key, record.since))
        .collect();
    let expected: HashMap<KeyName, u64> = (NOTES - KEYS..NOTES).map(|at| (name(at), at)).collect();
    assert_eq!(since, expected);
    assert!(storage.dropped() > 0, "nothing was too much for the history");
    let kept = times(&storage, "account 7");
    assert!(!kept.is_empty() && kept.is_sorted_by(|newer, older| newer > older));
}

#[tokio::test]
async fn a_full_disk_is_told_and_what_was_not_written_is_written_later() {
    let connection = shared(schema::in_memory().unwrap());
    let reader = connection.clone();
    let storage = Storage::start(Path::new("/data/keys.db"), connection.clone(), reader).unwrap();
    let bound = |pages: i64| {
        // Answers with the bound; more pages than are in use already.
        let set = format!("PRAGMA max_page_count = {pages}");
        let set: i64 = lock(&connection).query_row(&set, [], |row| row.get(0)).unwrap();
        set
    };
    storage.keep(record(key("old", None), "s"), None).await.unwrap();
    bound(1);
    let refused = loop {
        let mut record = record(key(&format!("filler {}", crate::clock::entropy()), None), "s");
        record.message = Some("x".repeat(LONGEST_TEXT));
        if let Err(error) = storage.keep(record, None).await {
            break error;
        }
    };
    assert_eq!(
        refused.to_string(),
        "cannot write the database /data/keys.db: database or disk is full; make room on that disk"
    );
    storage.note(
        record(key("new", None), "first"),
        Some(event(key("new", None), 1)),
    );
    assert_eq!(storage.flush().await, Err(refused.clone()));
    storage.note(
        record(key("new", None), "second"),
        Some(event(key("new", None), 2)),
    );
    storage.forget(&key("old", None));
    assert_eq!(storage.flush().await, Err(refused));
    let of = |account: &str| {
        let keys = storage.keys().unwrap().into_iter();
        keys.filter(|record| record.key.account == account)
            .collect::<Vec<_>>()
    };
    assert_eq!((of("old").len(), of("new").len()), (1, 0));

    bound(1_000_000);
    // By itself: nobody asks for it.
    let began = Instant::now();
    while of("new").is_empty() {
        assert!(began.elapsed() < Duration::from_secs(5), "it was not tried again");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!((of("old").len(), of("new")[0].state.as_str()), (0, "second"));
    assert_eq!(times(&storage, "new"), [2, 1]);
}

#[tokio::test]
async fn nobody_waits_for_a_writer_that_has_ended() {
    let storage = Storage::in_memory();
    storage.0.queue.abandon();
    assert_eq!(
        storage.keep(record(key("a", None), "s"), None).await,
        Err(StorageError::Stopped)
    );
    assert_eq!(storage.flush().await, Err(StorageError::Stopped));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readers_see_whole_commits_while_others_are_made() {
    let (_folder, path) = place();
    let storage = Storage::open(&path).unwrap();
    storage
        .keep(record(key("a", None), "0"), Some(event(key("a", None), 0)))
        .await
        .unwrap();
    let readers: Vec<_> = (0..4)
        .map(|reader| {
            let own = reader % 2 == 0;
            let storage = if own {
                Storage::open(&path).unwrap()
            } else {
                storage.clone()
            };
            tokio::task::spawn_blocking(move || {
                let mut last = 0;
                while last < 200 {
                    let at = storage.history("v", "a", 1).unwrap()[0].at;
                    let state: u64 = storage.keys().unwrap()[0].state.parse().unwrap();
                    // The record is read after the event, so it is of the same commit or a later one.
                    assert!(last <= at && at <= state, "{last} {at} {state}");
                    last = at;
                }
            })
        })
        .collect();
    let began = Instant::now();
    for at in 1..=200 {
        let kept = storage.keep(
            record(key("a", None), &at.to_string()),
            Some(event(key("a", None), at)),
        );
        kept.await.unwrap();
    }
    println!("kept in {:?} each beside four readers", began.elapsed() / 200);
    for reader in readers {
        reader.await.unwrap();
    }
}
