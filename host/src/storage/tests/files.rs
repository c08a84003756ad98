//! The file itself: made, brought up to date, refused, and what a killed process leaves in it.

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::process::{Command, Stdio};

use super::*;

/// Tells [`a_process_that_is_killed`] where to write.
const PLACE: &str = "PATCHBAY_TEST_DATABASE";
const KEPT: &str = "kept on the disk";

fn said(path: &Path) -> String {
    Storage::open(path).unwrap_err().to_string()
}

#[tokio::test]
async fn what_was_kept_survives_a_kill() {
    let (_folder, path) = place();
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "storage::tests::files::a_process_that_is_killed"])
        .args(["--ignored", "--nocapture"])
        .env(PLACE, &path)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let kept = lines.any(|line| line.unwrap().contains(KEPT));
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(kept, "the child has ended early");
    let storage = Storage::open(&path).unwrap();
    let (record, event) = full(key("a", None));
    assert_eq!(storage.keys().unwrap(), [record]);
    assert_eq!(storage.history("v", "a", 9).unwrap(), [event]);
}

#[tokio::test]
#[ignore = "the other process of the test above, which starts it"]
async fn a_process_that_is_killed() {
    let path = std::env::var(PLACE).expect("is started by another test");
    let storage = Storage::open(Path::new(&path)).unwrap();
    let (record, event) = full(key("a", None));
    storage.keep(record, Some(event)).await.unwrap();
    println!("{KEPT}");
    std::future::pending::<()>().await;
}

#[test]
fn only_this_user_may_read_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("deep/er/keys.db");
    let storage = Storage::open(&path).unwrap();
    storage.note(record(key("a", None), "s"), None);
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let beside = |ending: &str| PathBuf::from(format!("{}{ending}", path.display()));
    for file in [path.clone(), beside("-wal"), beside("-shm")] {
        assert_eq!(mode(&file), 0o600, "{}", file.display());
    }
    assert_eq!(mode(path.parent().unwrap()), 0o700);
}

#[test]
fn an_empty_file_becomes_a_database() {
    let (_folder, path) = place();
    fs::write(&path, "").unwrap();
    drop(Storage::open(&path).unwrap());
    let connection = Connection::open(&path).unwrap();
    let number = |name: &str| -> i64 {
        connection
            .pragma_query_value(None, name, |row| row.get(0))
            .unwrap()
    };
    assert_eq!(number("user_version"), schema::STEPS.len() as i64);
    assert_eq!(number("application_id"), schema::APPLICATION);
    assert_eq!(Storage::open(&path).unwrap().keys().unwrap(), []);
}

#[test]
fn only_steps_that_are_missing_are_taken_and_all_of_them_or_none() {
    let mut connection = Connection::open_in_memory().unwrap();
    let first = "CREATE TABLE one (x)";
    let second = "ALTER TABLE one ADD COLUMN y";
    schema::migrate(&mut connection, &[first]).unwrap();
    schema::migrate(&mut connection, &[first, second, "nonsense"]).unwrap_err();
    let version = |connection: &Connection| -> i64 {
        connection
            .pragma_query_value(None, "user_version", |row| row.get(0))
            .unwrap()
    };
    assert_eq!(version(&connection), 1);
    assert!(connection.prepare("SELECT y FROM one").is_err());
    for _ in 0..2 {
        schema::migrate(&mut connection, &[first, second]).unwrap();
        assert_eq!(version(&connection), 2);
        assert!(connection.prepare("SELECT y FROM one").is_ok());
    }
}

#[test]
fn a_newer_database_is_refused() {
    let (_folder, path) = place();
    drop(Storage::open(&path).unwrap());
    let connection = Connection::open(&path).unwrap();
    connection.pragma_update(None, "user_version", 42).unwrap();
    drop(connection);
    let before = fs::read(&path).unwrap();
    assert_eq!(
        said(&path),
        format!(
            "the database {} has version 42, and this patchbay knows versions up to {}; start the newer patchbay \
             that wrote it, or name another file in [storage] path",
            path.display(),
            schema::STEPS.len()
        )
    );
    assert_eq!(fs::read(&path).unwrap(), before);
}

#[test]
fn what_is_not_ours_is_left_alone() {
    let (folder, path) = place();
    let refusal = format!(
        "{} is not a database of patchbay and stays as it is; move it away, or name another file in [storage] path",
        path.display()
    );
    let other = folder.path().join("other.db");
    let connection = Connection::open(&other).unwrap();
    connection.execute_batch("CREATE TABLE theirs (x)").unwrap();
    drop(connection);
    let other = fs::read(&other).unwrap();
    for content in [&b"x"[..], b"attempts = 3\n", &[0; 5_000], &[0xff; 100], &other] {
        fs::write(&path, content).unwrap();
        assert_eq!(said(&path), refusal);
        assert_eq!(fs::read(&path).unwrap(), content);
    }
}

#[test]
fn where_nothing_can_be_made_the_message_says_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file/patchbay.db");
    fs::write(folder.path().join("file"), "").unwrap();
    let said_of = |path: &Path| {
        let said = said(path);
        assert!(
            said.starts_with(&format!("cannot open the database {}: ", path.display())),
            "{said}"
        );
        let advice = "; name a file in [storage] path that this user may write to, or set it to \"off\"";
        assert!(said.ends_with(advice), "{said}");
    };
    said_of(&path);
    let taken = folder.path().join("folder.db");
    fs::DirBuilder::new().mode(0o700).create(&taken).unwrap();
    said_of(&taken);
}
