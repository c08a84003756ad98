//! What can be found out about a build without compiling.

use super::*;

#[test]
fn a_folder_without_a_crate_is_named() {
    let empty = tempfile::tempdir().unwrap();
    let error = build(empty.path(), empty.path()).unwrap_err();
    assert!(matches!(error, BuildError::NoManifest { .. }), "{error}");
    assert!(
        error.to_string().contains(empty.path().to_str().unwrap()),
        "{error}"
    );

    fs::write(empty.path().join("Cargo.toml"), "[workspace]\nmembers = []\n").unwrap();
    let error = build(empty.path(), empty.path()).unwrap_err();
    assert!(matches!(error, BuildError::NoPackage { .. }), "{error}");
}

#[test]
fn what_is_no_plugin_is_refused() {
    let empty_module = b"\0asm\x01\0\0\0";
    let empty_component = b"\0asm\x0d\0\x01\0";
    assert!(
        componentise(empty_module)
            .unwrap_err()
            .contains("patchbay:plugin")
    );
    assert!(
        componentise(empty_component)
            .unwrap_err()
            .contains("patchbay:plugin")
    );
    assert!(!componentise(b"not wasm at all").unwrap_err().is_empty());
}

#[test]
fn a_file_is_written_only_if_its_content_is_new() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("plugins/a.wasm");
    assert!(replace(&path, b"one").unwrap());
    assert!(!replace(&path, b"one").unwrap());
    assert!(replace(&path, b"two").unwrap());
    assert_eq!(fs::read(&path).unwrap(), b"two");
    assert_eq!(
        fs::read_dir(path.parent().unwrap()).unwrap().count(),
        1,
        "nothing temporary is left"
    );
}

#[test]
fn the_module_is_found_among_cargos_messages() {
    let artifact = |manifest: &str, kind: &str, file: &str| {
        serde_json::json!({
            "reason": "compiler-artifact", "manifest_path": manifest,
            "target": {"name": "x", "crate_types": [kind]}, "filenames": [file],
        })
        .to_string()
    };
    let messages = [
        r#"{"reason": "build-script-executed", "package_id": "x"}"#.to_owned(),
        artifact("/other/Cargo.toml", "cdylib", "/out/other.wasm"),
        artifact("/this/Cargo.toml", "rlib", "/out/this.rlib"),
        artifact("/this/Cargo.toml", "cdylib", "/out/this.wasm"),
        r#"{"reason": "build-finished", "success": true}"#.to_owned(),
    ]
    .join("\n");
    let find = |manifest: &str| module_of(messages.as_bytes(), Path::new(manifest));
    assert_eq!(find("/this/Cargo.toml"), Some(PathBuf::from("/out/this.wasm")));
    assert_eq!(find("/nowhere/Cargo.toml"), None);
}
