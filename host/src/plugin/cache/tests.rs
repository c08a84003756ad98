//! What is taken from the cache, and what is not.

use std::fs::OpenOptions;
use std::io::{Seek, SeekFrom};

use tempfile::TempDir;

use super::*;

/// A component with nothing in it, in the binary format: the magic number, version 13, layer 1.
const EMPTY: &[u8] = b"\0asm\x0d\0\x01\0";

struct Setting {
    folder: TempDir,
    engine: wasmtime::Engine,
    cache: Cache,
}

fn setting() -> Setting {
    let folder = TempDir::new().unwrap();
    let engine = wasmtime::Engine::default();
    let cache = Cache::new(Some(folder.path().join("cache")), &engine);
    Setting {
        folder,
        engine,
        cache,
    }
}

impl Setting {
    fn store(&self) {
        let component = Component::from_binary(&self.engine, EMPTY).unwrap();
        self.cache.store("abc", &component);
    }

    fn has(&self) -> bool {
        self.cache.load(&self.engine, "abc").is_some()
    }

    fn file(&self) -> PathBuf {
        let mut files = fs::read_dir(self.folder.path().join("cache")).unwrap();
        let file = files.next().unwrap().unwrap().path();
        assert!(files.next().is_none(), "nothing temporary is left");
        file
    }
}

#[test]
fn what_was_stored_is_found() {
    let setting = setting();
    assert!(!setting.has());
    setting.store();
    assert!(setting.has());
    assert!(
        setting.cache.load(&setting.engine, "abd").is_none(),
        "other content"
    );
    let other = Cache::new(
        setting.cache.folder.clone(),
        &wasmtime::Engine::new(wasmtime::Config::new().epoch_interruption(true)).unwrap(),
    );
    assert!(other.load(&setting.engine, "abc").is_none(), "other settings");
}

#[test]
fn a_damaged_file_counts_as_not_there_and_is_replaced() {
    let setting = setting();
    setting.store();
    let path = setting.file();
    let length = fs::metadata(&path).unwrap().len();
    for at in [0, MAGIC.len() as u64, length / 2, length - 1] {
        let mut file = OpenOptions::new().read(true).write(true).open(&path).unwrap();
        file.seek(SeekFrom::Start(at)).unwrap();
        let mut byte = [0];
        file.read_exact(&mut byte).unwrap();
        file.seek(SeekFrom::Start(at)).unwrap();
        file.write_all(&[byte[0] ^ 1]).unwrap();
        assert!(!setting.has(), "byte {at} of {length} is wrong");
        setting.store();
        assert!(setting.has());
    }
    OpenOptions::new()
        .write(true)
        .open(&path)
        .unwrap()
        .set_len(length / 2)
        .unwrap();
    assert!(!setting.has(), "cut");
    fs::write(&path, "").unwrap();
    assert!(!setting.has(), "empty");
}

#[test]
fn what_others_could_have_written_is_not_run() {
    let setting = setting();
    setting.store();
    let path = setting.file();
    fs::set_permissions(&path, Permissions::from_mode(0o666)).unwrap();
    assert!(!setting.has(), "a file that anybody may write to");
    fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
    assert!(setting.has());
    fs::set_permissions(path.parent().unwrap(), Permissions::from_mode(0o777)).unwrap();
    let later = Cache::new(setting.cache.folder.clone(), &setting.engine);
    assert!(
        later.load(&setting.engine, "abc").is_none(),
        "a folder that anybody may write to"
    );
}

#[test]
fn a_folder_that_cannot_be_made_keeps_nothing() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let engine = wasmtime::Engine::default();
    let cache = Cache::new(Some(file.path().join("cache")), &engine);
    cache.store("abc", &Component::from_binary(&engine, EMPTY).unwrap());
    assert!(cache.load(&engine, "abc").is_none());
}
