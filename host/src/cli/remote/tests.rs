//! Which gateway is asked, with which key.

use std::fs;

use super::*;

const FILE: &str =
    "[server]\nlisten = \"0.0.0.0:9000\"\nadmin_key = \"${KEY}\"\n[vendors.a]\nwrong = \"${ABSENT}\"\n";

fn env(name: &str) -> Option<String> {
    let value = match name {
        "KEY" => "from-the-file",
        ADMIN_KEY => "from-the-environment",
        URL => "http://10.0.0.1:7000/behind/a/proxy/",
        _ => return None,
    };
    Some(value.to_owned())
}

fn no_url(name: &str) -> Option<String> {
    env(name).filter(|_| name != URL)
}

/// Where and with which key, or why not.
fn found(
    config: Option<&Path>,
    url: Option<&str>,
    env: &dyn Fn(&str) -> Option<String>,
) -> Result<String, String> {
    let remote = Remote {
        config: config.map(Path::to_owned),
        url: url.map(str::to_owned),
    };
    let running = remote.find_with(env).map_err(|error| format!("{error:#}"))?;
    Ok(format!("{} {}", running.url, running.key.expose()))
}

#[test]
fn options_come_before_the_environment_and_that_before_the_usual_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("patchbay.toml");
    fs::write(&file, FILE).unwrap();
    let file = Some(file.as_path());
    let said = |text: &str| Ok(text.to_owned());
    assert_eq!(
        found(file, None, &env),
        said("http://127.0.0.1:9000/ from-the-file")
    );
    assert_eq!(
        found(file, Some("[::1]:80"), &env),
        said("http://[::1]/ from-the-file")
    );
    assert_eq!(
        found(None, Some("https://gateway.example"), &env),
        said("https://gateway.example/ from-the-environment")
    );
    assert_eq!(
        found(None, None, &env),
        said("http://10.0.0.1:7000/behind/a/proxy/ from-the-environment")
    );
    assert_eq!(
        found(None, None, &no_url).unwrap_err().lines().next(),
        Some("patchbay.toml: no such file, copy examples/minimal.toml to start with")
    );
}

#[test]
fn what_is_missing_or_wrong_is_said_without_showing_it() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("patchbay.toml");
    fs::write(&file, "[server]\n").unwrap();
    let why = found(Some(&file), None, &env).unwrap_err();
    assert!(why.starts_with("server.admin_key is not set in "), "{why}");
    fs::write(&file, FILE).unwrap();
    let why = found(Some(&file), None, &|_| None).unwrap_err();
    assert!(why.contains("environment variable KEY is not set"), "{why}");
    assert!(!why.contains("ABSENT") && !why.contains("vendors"), "{why}");
    let why = found(None, Some("127.0.0.1:1"), &|_| None).unwrap_err();
    assert!(why.starts_with("no admin key: set PATCHBAY_ADMIN_KEY"), "{why}");
    for wrong in [
        "ftp://x",
        "http://",
        "http://user:secret-word@x",
        "a b",
        "https://:secret-word@x:1",
    ] {
        let why = found(Some(&file), Some(wrong), &env).unwrap_err();
        assert!(
            why.contains("must look like") && !why.contains("secret-word"),
            "{why}"
        );
    }
}

#[test]
fn segments_are_escaped_and_lead_nowhere_else() {
    let mut url = address("http://h:1/base/").unwrap();
    url.path_segments_mut()
        .unwrap()
        .pop_if_empty()
        .extend(["admin", "a/b?c", ".."]);
    assert_eq!(url.as_str(), "http://h:1/base/admin/a%2Fb%3Fc");
}
