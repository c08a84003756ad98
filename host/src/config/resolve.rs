//! From the fields of the file to [`Settings`]: defaults, names and references. The one place that builds
//! them; everything is read even when something is wrong, so that all of it can be reported.

mod circuit;
mod keys;
mod limits;
mod plugins;
mod public;
mod server;
mod share;
mod vendors;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::kinds::{DURATION, FILE, Kind, MODEL_NAME, PERIOD, SWITCH, TIMEOUT};
use super::reader::{Field, Place, Report, Section, Text};
use super::secret::Secret;
use super::settings::{Decisions, Failover, Health, Recording, Server, Settings, Storage, Timeouts};
use super::suggest;
use keys::Keys;
use public::Public;
use share::Share;

/// Attempts per request.
const ATTEMPTS: u32 = 3;
const IDLE: Duration = Duration::from_secs(120);
const PROBES: Duration = Duration::from_secs(300);
const PROBE: Duration = Duration::from_secs(10);
const RETRY_DELAY: Duration = Duration::from_secs(1);
const DATABASE: &str = "patchbay.db";
/// Where a file could be named.
const NO_FILE: &str = "off";
/// Decisions in memory.
const KEPT: usize = 1_000;
const MOST_KEPT: i64 = 100_000;
/// Bytes of a recording.
const RECORDING: usize = 1 << 30;
/// Of `storage.key`, in characters.
const SHORTEST_KEY: usize = 16;

/// Reads the whole file. `folder` is where it lies. What comes back is only good when nothing was reported.
pub(super) fn settings(root: Section<'_>, folder: &Path) -> Settings {
    let server = server::read(root.section("server"));
    let drafts = vendors::read(&root);
    let public = public::read(&root, &drafts);
    let adapters = drafts.iter().map(|draft| draft.adapter.clone());
    let keys = keys::read(&root, &server, &public.written);
    check_callers(&root, &public, &keys);
    let used: Vec<Text> = adapters.chain(public.strategies).chain(keys.strategies).collect();
    let settings = Settings {
        keys: keys.keys,
        plugins: plugins::read(root.section("plugins"), folder, &used),
        storage: storage(root.section("storage"), folder),
        timeouts: timeouts(root.section("timeouts")),
        failover: failover(&root),
        decisions: decisions(root.section("decisions"), folder),
        rules: Arc::new(circuit::rules(&root)),
        default_model: default_model(&root, &public.written),
        health: health(root.section("health")),
        vendors: drafts
            .into_iter()
            .map(|draft| (draft.name.value.clone(), draft.into_vendor()))
            .collect(),
        models: public.models,
        server: server.settings,
    };
    root.finish();
    settings
}

/// Rules that name callers nobody is.
fn check_callers(root: &Section<'_>, public: &Public, keys: &Keys) {
    let known: Vec<&str> = keys.names.iter().map(|name| name.written.as_str()).collect();
    let unknown = public
        .callers
        .iter()
        .filter(|caller| !keys.names.iter().any(|name| name.value == caller.value));
    for caller in unknown {
        let message = format!("no key is called {:?}", caller.written);
        let advice = suggest::among(&caller.written, "keys", &known);
        root.report.error(&caller.place, message, advice);
    }
}

fn decisions(section: Section<'_>, folder: &Path) -> Decisions {
    let most = section.bytes("record_most").unwrap_or(RECORDING);
    let path = section.text("record", &FILE).filter(|path| path != NO_FILE);
    let decisions = Decisions {
        keep: section.whole("keep", 0..=MOST_KEPT).unwrap_or(KEPT),
        record: path.map(|path| Recording {
            path: folder.join(path),
            most: most as u64,
        }),
    };
    section.finish();
    decisions
}

/// Reads `[server]` alone.
pub(super) fn server(root: &Section<'_>) -> Server {
    server::read(root.section("server")).settings
}

fn storage(section: Section<'_>, folder: &Path) -> Storage {
    let own = section.text("path", &FILE);
    let key = section
        .field("key")
        .and_then(|field| storage_key(section.report, &field));
    section.finish();
    let path = match own.as_deref() {
        Some(NO_FILE) => None,
        own => Some(folder.join(own.unwrap_or(DATABASE))),
    };
    Storage { path, key }
}

/// Shorter ones could be guessed by whoever has a copy of the database.
fn storage_key(report: &Report<'_>, field: &Field<'_>) -> Option<Secret> {
    let secret = field.secret()?;
    if secret.expose().chars().count() < SHORTEST_KEY {
        report.error(
            &field.place,
            format!("shorter than {SHORTEST_KEY} characters"),
            "make one with: openssl rand -base64 32",
        );
    }
    Some(secret)
}

/// `public` are the public models: by name, how it may be shown.
fn default_model(root: &Section<'_>, public: &BTreeMap<String, String>) -> Option<String> {
    let (text, name) = root.field("default_model")?.text(&MODEL_NAME)?;
    if !public.contains_key(&name) {
        let known: Vec<&str> = public.values().map(String::as_str).collect();
        let message = format!("unknown public model {:?}", text.written);
        let advice = suggest::among(&text.written, "public models", &known);
        root.report.error(&text.place, message, advice);
    }
    Some(name)
}

fn timeouts(section: Section<'_>) -> Timeouts {
    let read = |name, default| {
        section
            .text(name, &TIMEOUT)
            .unwrap_or(Duration::from_secs(default))
    };
    let timeouts = Timeouts {
        connect: read("connect", 5),
        first_byte: section.text("first_byte", &PERIOD).flatten(),
        first_token: section.text("first_token", &PERIOD).flatten(),
        idle: section.text("idle", &PERIOD).unwrap_or(Some(IDLE)),
        total: read("total", 250),
        stream: read("stream", 1800),
    };
    section.finish();
    timeouts
}

fn health(section: Section<'_>) -> Health {
    let health = Health {
        probe: section.text("probe", &SWITCH).unwrap_or(true),
        interval: section.text("interval", &TIMEOUT).unwrap_or(PROBES),
        timeout: section.text("timeout", &TIMEOUT).unwrap_or(PROBE),
        verify: section.text("verify", &SWITCH).unwrap_or(true),
    };
    section.finish();
    health
}

fn failover(root: &Section<'_>) -> Failover {
    let section = root.section("failover");
    let failover = Failover {
        attempts: root.whole("attempts", 1..=100).unwrap_or(ATTEMPTS),
        retry_delay: section.text("retry_delay", &DURATION).unwrap_or(RETRY_DELAY),
        retry_reset: section.text("retry_reset", &SWITCH).unwrap_or(true),
        retry_malformed: section.text("retry_malformed", &SWITCH).unwrap_or(false),
    };
    section.finish();
    failover
}

/// Whether the key of a table is a name of this kind; reported when it is not.
fn check_key<T>(report: &Report<'_>, place: &Place, key: &str, kind: &Kind<T>) {
    if (kind.parse)(key).is_none() {
        report.error(place, format!("{key:?} is not {}", kind.what), kind.advice);
    }
}

/// Reports every name that was there before. `noun` says what bears it.
fn check_unique(report: &Report<'_>, noun: &str, names: &[Text]) {
    for (index, name) in names.iter().enumerate() {
        if let Some(first) = names[..index].iter().find(|earlier| earlier.value == name.value) {
            let message = format!(
                "another {noun} is called {:?}, in {}",
                name.written,
                first.place.mention()
            );
            report.error(&name.place, message, "rename one of the two");
        }
    }
}
