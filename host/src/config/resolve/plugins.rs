//! `[plugins]`: where they lie, how much each may use and where it may call.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::check_key;
use crate::config::kinds::{FOLDER, HOST, NAME, PERIOD, TIMEOUT};
use crate::config::reader::{Section, Text};
use crate::config::settings::{Grants, LARGEST_MEMORY, LARGEST_TABLE, Limits, Plugins, Rollback};
use crate::config::suggest;

const FOLDER_NAME: &str = "plugins";
/// `cache = "off"`
const NO_CACHE: &str = "off";

/// Address space for so many is kept.
const MOST_INSTANCES: u32 = 20_000;
/// More would not fit on a thread beside the host's own frames.
const LARGEST_STACK: usize = 1 << 20;

/// If nothing is configured.
const LIMITS: Limits = Limits {
    memory: 64 << 20,
    memories: 8,
    tables: 16,
    table_elements: 20_000,
    core_instances: 64,
    call: Duration::from_millis(250),
    host_data: 64 << 20,
    handles: 1024,
    log: 64 << 10,
    headers: 32 << 10,
    body: 32 << 20,
    chunks: 10_000,
    events: 256,
    instances: 3_000,
    threads: 1,
    component: 64 << 20,
};

/// Reads the table. `folder` is where the file lies, `used` are the plugins that vendors and models name.
pub(super) fn read(section: Section<'_>, folder: &Path, used: &[Text]) -> Plugins {
    let own = section.text("folder", &FOLDER);
    let cache = section.text("cache", &FOLDER);
    let limits = limits(section.section("limits"), &LIMITS);
    let grants = section.members("grants").into_iter().filter_map(|(name, field)| {
        let written = field.section(&format!("write [plugins.grants.{name}]"))?;
        Some((name.to_owned(), grants(written, name, used, &limits)))
    });
    let usual = Plugins::default();
    let plugins = Plugins {
        grants: grants.collect(),
        ungranted: Grants {
            limits: Arc::new(limits.clone()),
            ..usual.ungranted
        },
        folder: folder.join(own.as_deref().unwrap_or(FOLDER_NAME)),
        cache: match cache.as_deref() {
            Some(NO_CACHE) => None,
            Some(own) => Some(folder.join(own)),
            None => usual_cache(section.report.env),
        },
        poll: section.text("poll", &PERIOD).flatten(),
        instances: section
            .whole("instances", 1..=i64::from(MOST_INSTANCES))
            .unwrap_or(usual.instances),
        stack: section.bytes_up_to("stack", LARGEST_STACK).unwrap_or(usual.stack),
        rollback: rollback(section.section("rollback")),
    };
    section.finish();
    plugins
}

impl Default for Plugins {
    /// As if the table were empty; nothing is cached.
    fn default() -> Self {
        let limits = Arc::new(LIMITS);
        Self {
            folder: PathBuf::from(FOLDER_NAME),
            cache: None,
            poll: None,
            instances: 4_000,
            stack: 512 << 10,
            rollback: Rollback::default(),
            ungranted: Grants {
                hosts: Vec::new(),
                reuse: false,
                trusted: false,
                limits,
            },
            grants: BTreeMap::new(),
        }
    }
}

impl Default for Rollback {
    fn default() -> Self {
        Self {
            traps: 3,
            within: Duration::from_secs(60),
            attempts: 50,
            share: 0.2,
            times: 3.0,
        }
    }
}

/// Where programs of one person keep what they can make again (XDG base directories).
fn usual_cache(env: &dyn Fn(&str) -> Option<String>) -> Option<PathBuf> {
    let named = |name| env(name).filter(|path| Path::new(path).is_absolute());
    let home = || Some(Path::new(&named("HOME")?).join(".cache"));
    let base = named("XDG_CACHE_HOME").map(PathBuf::from).or_else(home)?;
    Some(base.join("patchbay"))
}

/// What is not written is as in `usual`.
fn limits(section: Section<'_>, usual: &Limits) -> Limits {
    let count = |name, most, usual: usize| section.whole(name, 1..=most).unwrap_or(usual);
    let bytes = |name, usual| section.bytes(name).unwrap_or(usual);
    let limits = Limits {
        memory: section
            .bytes_up_to("memory", LARGEST_MEMORY)
            .unwrap_or(usual.memory),
        memories: count("memories", 100, usual.memories),
        tables: count("tables", 100, usual.tables),
        table_elements: count("table_elements", LARGEST_TABLE as i64, usual.table_elements),
        core_instances: count("core_instances", 1_000, usual.core_instances),
        call: section.text("call", &TIMEOUT).unwrap_or(usual.call),
        host_data: bytes("host_data", usual.host_data),
        handles: count("handles", 1_000_000, usual.handles),
        log: bytes("log", usual.log),
        headers: bytes("headers", usual.headers),
        body: bytes("body", usual.body),
        chunks: count("chunks", 10_000_000, usual.chunks),
        events: count("events", 1_000_000, usual.events),
        instances: section
            .whole("instances", 1..=i64::from(MOST_INSTANCES))
            .unwrap_or(usual.instances),
        threads: section.whole("threads", 1..=256).unwrap_or(usual.threads),
        component: bytes("component", usual.component),
    };
    section.finish();
    limits
}

fn rollback(section: Section<'_>) -> Rollback {
    let usual = Rollback::default();
    let rollback = Rollback {
        traps: section.whole("traps", 0..=1_000).unwrap_or(usual.traps),
        within: section.text("within", &TIMEOUT).unwrap_or(usual.within),
        attempts: section.whole("attempts", 0..=1_000_000).unwrap_or(usual.attempts),
        share: section.amount("share").unwrap_or(usual.share),
        times: section.amount("times").unwrap_or(usual.times),
    };
    section.finish();
    rollback
}

fn grants(section: Section<'_>, plugin: &str, used: &[Text], usual: &Limits) -> Grants {
    check_key(section.report, &section.place, plugin, &NAME);
    if used.iter().all(|text| text.value != plugin) {
        let written: Vec<&str> = used.iter().map(|text| text.written.as_str()).collect();
        let suggestion = suggest::among(plugin, "plugins", &written);
        section.report.warn(
            &section.place,
            "no vendor and no model uses this plugin",
            suggestion,
        );
    }
    let hosts = section
        .field("hosts")
        .and_then(|field| field.items("write hosts = [\"api.example.com\"]"));
    let hosts = hosts
        .unwrap_or_default()
        .iter()
        .filter_map(|item| item.text(&HOST))
        .map(|(_, host)| host)
        .collect();
    let grants = Grants {
        hosts,
        reuse: section.flag("reuse").unwrap_or(false),
        trusted: section.flag("trusted").unwrap_or(false),
        limits: Arc::new(limits(section.section("limits"), usual)),
    };
    section.finish();
    grants
}
