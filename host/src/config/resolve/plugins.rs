//! `[plugins]`: where they lie, how much each may use and where it may call.

use std::path::Path;
use std::time::Duration;

use super::check_key;
use crate::config::kinds::{FOLDER, HOST, NAME, TIMEOUT};
use crate::config::reader::{Section, Text};
use crate::config::settings::{Grants, LARGEST_MEMORY, Limits, Plugins};
use crate::config::suggest;

const FOLDER_NAME: &str = "plugins";

/// Reads the table. `folder` is where the file lies, `used` are the plugins that vendors and models name.
pub(super) fn read(section: Section<'_>, folder: &Path, used: &[Text]) -> Plugins {
    let own = section.text("folder", &FOLDER);
    let plugins = Plugins {
        folder: folder.join(own.as_deref().unwrap_or(FOLDER_NAME)),
        limits: limits(section.section("limits")),
        grants: section
            .members("grants")
            .into_iter()
            .filter_map(|(name, field)| {
                let grants = grants(
                    field.section(&format!("write [plugins.grants.{name}]"))?,
                    name,
                    used,
                );
                Some((name.to_owned(), grants))
            })
            .collect(),
    };
    section.finish();
    plugins
}

fn limits(section: Section<'_>) -> Limits {
    let limits = Limits {
        memory: section.bytes_up_to("memory", LARGEST_MEMORY).unwrap_or(64 << 20),
        table_elements: section
            .whole("table_elements", 1..=i64::from(u32::MAX))
            .unwrap_or(20_000),
        instances: section
            .whole("instances", 1..=i64::from(u32::MAX))
            .unwrap_or(1_000),
        call: section
            .text("call", &TIMEOUT)
            .unwrap_or(Duration::from_millis(250)),
        output: section.bytes("output").unwrap_or(64 << 20),
        component: section.bytes("component").unwrap_or(64 << 20),
    };
    section.finish();
    limits
}

fn grants(section: Section<'_>, plugin: &str, used: &[Text]) -> Grants {
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
    let reuse = section.flag("reuse").unwrap_or(false);
    section.finish();
    Grants { hosts, reuse }
}
