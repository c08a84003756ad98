//! The house rules that a compiler does not check.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot read the sources has failed"
)]

use std::fs;
use std::path::{Path, PathBuf};

/// Where each foreign library may be named: everywhere else its types have no business.
const HOMES: [(&str, &[&str]); 6] = [
    ("axum", &["http.rs", "http/"]),
    ("wasmtime", &["plugin/"]),
    ("reqwest", &["upstream.rs", "upstream/"]),
    ("rusqlite", &["storage.rs", "storage/"]),
    ("notify", &["app/watch.rs"]),
    ("prometheus", &["telemetry/metrics.rs"]),
];

/// Vendors and strategies are components; the host knows none by name.
const VENDORS: [&str; 12] = [
    "anthropic",
    "claude",
    "gemini",
    "deepseek",
    "moonshot",
    "dashscope",
    "ernie",
    "hunyuan",
    "zhipu",
    "siliconflow",
    "modelscope",
    "ollama",
];

fn sources(below: &str) -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join(below);
    let mut files = Vec::new();
    walk(&root, &mut files);
    assert!(!files.is_empty(), "no sources below {}", root.display());
    let name = |path: &PathBuf| path.strip_prefix(&root).unwrap().to_str().unwrap().to_owned();
    files
        .iter()
        .map(|path| (name(path), fs::read_to_string(path).unwrap()))
        .collect()
}

fn walk(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && !path.ends_with("target") {
            walk(&path, files);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            files.push(path);
        }
    }
}

/// Everything of our own: the host, the guests, the tests.
fn everywhere() -> Vec<(String, String)> {
    ["src", "../plugins", "../tests"]
        .into_iter()
        .flat_map(sources)
        .collect()
}

#[test]
fn every_module_says_what_it_is_for() {
    let silent: Vec<String> = everywhere()
        .into_iter()
        .filter(|(_, text)| !text.starts_with("//!"))
        .map(|(name, _)| name)
        .collect();
    assert!(
        silent.is_empty(),
        "modules that do not open with `//!`: {silent:?}"
    );
}

#[test]
fn each_foreign_library_has_one_home() {
    let mut strays = Vec::new();
    for (name, text) in sources("src") {
        for (library, homes) in HOMES {
            let at_home = homes.iter().any(|home| name.starts_with(home));
            let path = format!("{library}::");
            let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
            let named = code.into_iter().any(|line| {
                line.split(&path).skip(1).count() > 0
                    && !line.contains(&format!("_{path}"))
                    && !line.contains(&format!("::{path}"))
                    && !line.contains(&format!(".{path}"))
            });
            if named && !at_home {
                strays.push(format!("{name} names {library}"));
            }
        }
    }
    assert!(strays.is_empty(), "{strays:?}");
}

#[test]
fn the_host_names_no_vendor() {
    let mut named = Vec::new();
    for (name, text) in sources("src") {
        let text = text.to_ascii_lowercase();
        named.extend(
            VENDORS
                .iter()
                .filter(|vendor| text.contains(**vendor))
                .map(|vendor| (name.clone(), *vendor)),
        );
    }
    assert!(named.is_empty(), "{named:?}");
}

#[test]
fn files_stay_short_enough_to_read() {
    let long: Vec<String> = everywhere()
        .into_iter()
        .filter(|(_, text)| text.lines().count() > 400)
        .map(|(name, text)| format!("{name}: {}", text.lines().count()))
        .collect();
    assert!(long.is_empty(), "files over 400 lines: {long:?}");
}

#[test]
fn no_line_ends_in_white_space() {
    let untidy: Vec<String> = everywhere()
        .into_iter()
        .filter(|(_, text)| text.lines().any(|line| line.ends_with([' ', '\t'])))
        .map(|(name, _)| name)
        .collect();
    assert!(untidy.is_empty(), "{untidy:?}");
}

/// Whoever copies from the guide has what is built and tested, and it stays as short as the guide promises.
#[test]
fn the_guide_shows_the_examples_as_they_are() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let guide = fs::read_to_string(root.join("docs/strategies.md")).unwrap();
    let examples = root.join("examples/plugins");
    let strategies = ["thrifty/src/lib.rs", "javascript/strategy.js"];
    let beside = ["thrifty/src/settings.schema.json", "thrifty/src/tests.rs"];
    for file in strategies.into_iter().chain(beside) {
        let text = fs::read_to_string(examples.join(file)).unwrap();
        assert!(
            guide.contains(&format!("\n{text}```")),
            "the guide shows another {file}"
        );
        assert!(!strategies.contains(&file) || text.lines().count() < 40, "{file}");
    }
}
