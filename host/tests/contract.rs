//! Released versions of the WIT package stay as they are: components were built against them.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot read the contract has failed"
)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use patchbay::plugin::contract_versions;
use sha2::{Digest, Sha256};

fn wit() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../wit")
}

/// Each version's folder and the SHA-256 of all its files, names and contents, in the order of their names.
fn folders() -> BTreeMap<String, String> {
    let folders = fs::read_dir(wit()).unwrap().map(|entry| entry.unwrap().path());
    let hashed = folders.filter(|path| path.is_dir()).map(|folder| {
        let mut files: Vec<PathBuf> = fs::read_dir(&folder)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        files.sort();
        let mut hash = Sha256::new();
        for file in files {
            hash.update(file.file_name().unwrap().as_encoded_bytes());
            hash.update([0]);
            hash.update(fs::read(file).unwrap());
        }
        let version = folder.file_name().unwrap().to_str().unwrap().to_owned();
        (version, format!("{:x}", hash.finalize()))
    });
    hashed.collect()
}

#[test]
fn a_released_version_does_not_change() {
    let released = fs::read_to_string(wit().join("released.txt")).unwrap();
    let released: BTreeMap<String, String> = released
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| line.split_once(' ').unwrap())
        .map(|(version, hash)| (version.to_owned(), hash.to_owned()))
        .collect();
    assert_eq!(
        folders(),
        released,
        "wit/ is not what wit/released.txt says: put the change into a folder of a new version, with a module of its \
         own in host/src/plugin/bindings, and list it"
    );
}

#[test]
fn every_version_is_served_and_says_which_it_is() {
    let mut served: Vec<&str> = contract_versions().collect();
    served.sort_unstable();
    assert_eq!(served, folders().into_keys().collect::<Vec<_>>());
    for version in served {
        let types = fs::read_to_string(wit().join(version).join("types.wit")).unwrap();
        assert!(
            types.contains(&format!("package patchbay:plugin@{version};")),
            "wit/{version} is the package of another version"
        );
    }
}
