//! What opens, what does not, and what lies on the disk.

use super::*;

const TEXT: &str = "{\"api_key\":\"sk-hunter2-hunter2\"}";

fn configured(phrase: &str, salt: &[u8]) -> Sealer {
    Sealer::new(None, Some(&Secret::new(phrase.to_owned())), salt)
}

#[test]
fn only_the_same_key_at_the_same_place_opens() {
    let sealer = configured("a phrase that is long", b"salt");
    let sealed = sealer.seal("vendors.v.accounts.a", TEXT).unwrap();
    assert_eq!(sealer.open("vendors.v.accounts.a", &sealed).as_deref(), Ok(TEXT));
    let again = configured("a phrase that is long", b"salt");
    assert_eq!(again.open("vendors.v.accounts.a", &sealed).as_deref(), Ok(TEXT));
    // Moved to another account.
    assert_eq!(
        sealer.open("vendors.v.accounts.b", &sealed),
        Err(SealError::WrongKey)
    );
    for other in [
        configured("another phrase, as long", b"salt"),
        configured("a phrase that is long", b"pepper"),
    ] {
        assert_eq!(
            other.open("vendors.v.accounts.a", &sealed),
            Err(SealError::WrongKey)
        );
    }
}

#[test]
fn what_was_tampered_with_does_not_open() {
    let sealer = Sealer::new(None, None, b"");
    let sealed = sealer.seal("p", TEXT).unwrap();
    assert!(sealer.open("p", &sealed).is_ok());
    for at in 0..sealed.len() {
        let mut other = sealed.clone();
        other[at] ^= 1;
        assert_eq!(sealer.open("p", &other), Err(SealError::WrongKey), "byte {at}");
    }
    for length in 0..sealed.len() {
        assert!(sealer.open("p", &sealed[..length]).is_err(), "{length} bytes");
    }
    assert_ne!(sealer.seal("p", TEXT).unwrap(), sealed, "the same nonce twice");
    assert!(!sealed.windows(7).any(|window| window == b"hunter2"));
}

#[test]
fn the_key_file_is_made_when_it_is_needed_for_this_user_alone() {
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("p.db");
    let file = folder.path().join("p.db.key");
    let sealer = Sealer::new(Some(&database), None, b"");
    assert_eq!(
        sealer.open("p", b"\x01"),
        Err(SealError::NoFile { file: file.clone() })
    );
    assert!(!file.exists(), "made by reading");
    let sealed = sealer.seal("p", TEXT).unwrap();
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let open = || Sealer::new(Some(&database), None, b"").open("p", &sealed);
    assert_eq!(open().as_deref(), Ok(TEXT));
    assert_eq!(
        fs::read_dir(folder.path()).unwrap().count(),
        1,
        "something was left behind"
    );

    let kept = fs::read(&file).unwrap();
    fs::remove_file(&file).unwrap();
    let error = open().unwrap_err().to_string();
    assert!(
        error.contains("p.db.key is not there; put it back, or set"),
        "{error}"
    );
    // Another one in its place, as when the gateway was used on meanwhile.
    Sealer::new(Some(&database), None, b"").seal("q", "").unwrap();
    assert_eq!(open(), Err(SealError::WrongFile { file: file.clone() }));
    fs::write(&file, "not hex").unwrap();
    assert!(open().unwrap_err().to_string().contains("64 hex digits"));
    let error = Sealer::new(Some(&database), None, b"")
        .seal("p", TEXT)
        .unwrap_err();
    assert!(matches!(error, SealError::File { .. }), "written over");
    fs::write(&file, kept).unwrap();
    assert_eq!(open().as_deref(), Ok(TEXT));
}

#[test]
fn nothing_of_the_key_is_printed() {
    let folder = tempfile::tempdir().unwrap();
    let sealer = Sealer::new(Some(&folder.path().join("db")), None, b"");
    sealer.seal("p", "").unwrap();
    let key = fs::read_to_string(folder.path().join("db.key")).unwrap();
    assert!(!format!("{sealer:?}").contains(key.trim()));
}
