//! What was set at run time: all of it or nothing, and there again when the file is opened again.

use super::*;

fn change(path: &str, at: u64, value: KeptValue) -> KeptChange {
    KeptChange {
        path: path.to_owned(),
        at,
        value,
    }
}

#[test]
fn changes_come_back_in_their_order_until_they_are_gone() {
    let (_folder, path) = place();
    let storage = Storage::open(&path).unwrap();
    let open = |at| change("z.open", at, KeptValue::Open("{\"a\":1}".to_owned()));
    let sealed = change("b.sealed", 2, KeptValue::Sealed(vec![0, 1, 255]));
    let removed = change("a.removed", 3, KeptValue::Removed);
    storage
        .change(&[], &[removed.clone(), open(1), sealed.clone()])
        .unwrap();
    let salt = storage.salt().unwrap();
    drop(storage);
    let storage = Storage::open(&path).unwrap();
    assert_eq!(
        storage.changes().unwrap(),
        [open(1), sealed.clone(), removed.clone()]
    );
    assert_eq!(
        (storage.salt().unwrap().len(), storage.salt().unwrap()),
        (16, salt)
    );
    assert_eq!(storage.file(), Some(&*path));
    // What is gone goes first, so that it can come back in the same step.
    let gone = ["z.open".to_owned(), "b.sealed".to_owned()];
    storage.change(&gone, &[open(9)]).unwrap();
    assert_eq!(storage.changes().unwrap(), [removed, open(9)]);
}

#[tokio::test]
async fn what_the_disk_does_not_take_never_appears_later() {
    let connection = shared(schema::in_memory().unwrap());
    let reader = connection.clone();
    let storage = Storage::start(Path::new("/data/p.db"), connection.clone(), reader).unwrap();
    storage
        .change(&[], &[change("a", 1, KeptValue::Removed)])
        .unwrap();
    let bound = |pages: i64| {
        let set = format!("PRAGMA max_page_count = {pages}");
        let _: i64 = lock(&connection).query_row(&set, [], |row| row.get(0)).unwrap();
    };
    bound(1);
    let large = change("b", 2, KeptValue::Open("x".repeat(1 << 20)));
    let refused = storage.change(&["a".to_owned()], &[large]).unwrap_err();
    assert!(
        refused.to_string().contains("make room on that disk"),
        "{refused}"
    );
    bound(1_000_000);
    storage.keep(record(key("k", None), "s"), None).await.unwrap();
    let left: Vec<String> = storage
        .changes()
        .unwrap()
        .into_iter()
        .map(|change| change.path)
        .collect();
    assert_eq!(left, ["a"]);
    assert_eq!(storage.file(), None, "nothing of it lasts");
}
