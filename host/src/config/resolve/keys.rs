//! `[[keys]]`: who may call. Keys are compared with each other and never shown.

use std::collections::BTreeMap;

use super::check_unique;
use super::public::routing::{self, Named};
use super::server::ServerDraft;
use crate::config::kinds::{MODEL_NAME, NAME};
use crate::config::reader::{Field, Report, Section, Text};
use crate::config::secret::Secret;
use crate::config::settings::CallerKey;
use crate::config::suggest;

/// Shortest key, in bytes: fewer are a slip, not a key.
const SHORTEST: usize = 4;

/// The keys, with what other parts of the file are checked against.
pub(super) struct Keys {
    pub(super) keys: Vec<CallerKey>,
    pub(super) names: Vec<Text>,
    /// The strategy plugins that are named.
    pub(super) strategies: Vec<Text>,
}

/// A key as read.
struct Draft {
    name: Text,
    key: Option<Secret>,
    models: Option<Vec<Text>>,
    strategies: Vec<Named>,
    tags: Vec<String>,
}

/// Reads the keys. `public` are the public models: by name, how it may be shown.
pub(super) fn read(root: &Section<'_>, server: &ServerDraft, public: &BTreeMap<String, String>) -> Keys {
    let advice = "write [[keys]] above name = \"...\" and key = \"${...}\"";
    let items = match root.field("keys") {
        Some(field) => field.items(advice),
        None => Some(Vec::new()),
    };
    if server.settings.authentication && items.as_ref().is_some_and(Vec::is_empty) {
        let how = "add [[keys]] with name = \"me\" and key = \"${PATCHBAY_KEY}\"";
        root.report.error(
            &root.place_of("keys"),
            "there are none, so nobody could call",
            how,
        );
    }
    let items = items.unwrap_or_default();
    let drafts: Vec<Draft> = items
        .iter()
        .filter_map(|item| draft(item.section(advice)?))
        .collect();
    let names: Vec<Text> = drafts.iter().map(|draft| draft.name.clone()).collect();
    check_unique(root.report, "key", &names);
    check_distinct(root.report, &drafts, server);
    for text in drafts.iter().filter_map(|draft| draft.models.as_ref()).flatten() {
        check_public(root.report, text, public);
    }
    let strategies = drafts.iter().flat_map(|draft| &draft.strategies);
    Keys {
        strategies: strategies.filter_map(|named| named.plugin().cloned()).collect(),
        names,
        keys: drafts.into_iter().filter_map(caller_key).collect(),
    }
}

/// A key that callers present as a bearer token, so made of what can stand in a header.
pub(super) fn caller_secret(report: &Report<'_>, field: &Field<'_>) -> Option<Secret> {
    let secret = field.secret()?;
    let text = secret.expose();
    if text.len() < SHORTEST {
        report.error(
            &field.place,
            format!("shorter than {SHORTEST} characters"),
            "use a longer key",
        );
    } else if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        let message = "holds a space, a line break or a character outside of ASCII";
        report.error(&field.place, message, "callers could not send it in a header");
    }
    Some(secret)
}

fn draft(section: Section<'_>) -> Option<Draft> {
    let name = section
        .required("name", "add name = \"...\"")
        .and_then(|field| field.text(&NAME));
    let key = section.required("key", "add key = \"${...}\"");
    let key = key.and_then(|field| caller_secret(section.report, &field));
    let models = section.texts("models", &MODEL_NAME);
    if section.field("models").is_some_and(|field| field.is_empty()) {
        let place = section.place_of("models");
        section
            .report
            .error(&place, "allows no model", "leave it out to allow every model");
    }
    let tags = section.texts("tags", &NAME).unwrap_or_default();
    let strategies = strategies(&section);
    section.finish();
    Some(Draft {
        name: name?.0,
        key,
        models,
        strategies,
        tags: tags.into_iter().map(|tag| tag.value).collect(),
    })
}

/// Those that a request may name, each once.
fn strategies(section: &Section<'_>) -> Vec<Named> {
    let items = section
        .field("strategies")
        .and_then(|field| field.items(routing::ADVICE));
    let mut strategies: Vec<Named> = Vec::new();
    for named in items.unwrap_or_default().iter().filter_map(Named::read) {
        if strategies
            .iter()
            .any(|earlier| earlier.name.value == named.name.value)
        {
            let message = format!("{:?} is there already", named.name.written);
            section
                .report
                .error(&named.name.place, message, "remove one of the two");
        }
        strategies.push(named);
    }
    strategies
}

fn caller_key(draft: Draft) -> Option<CallerKey> {
    let models = draft
        .models
        .map(|models| models.into_iter().map(|text| text.value).collect());
    Some(CallerKey {
        name: draft.name.value,
        key: draft.key?,
        models,
        strategies: draft.strategies.into_iter().map(Named::into_strategy).collect(),
        tags: draft.tags,
    })
}

/// The same key twice would make it unclear who calls.
fn check_distinct<'a>(report: &Report<'_>, drafts: &'a [Draft], server: &ServerDraft) {
    let holder = |drafts: &'a [Draft], key: &Secret| {
        let holds = |draft: &&Draft| {
            draft
                .key
                .as_ref()
                .is_some_and(|own| own.matches(key.expose().as_bytes()))
        };
        drafts.iter().find(holds).map(|draft| draft.name.written.as_str())
    };
    if let Some(name) = server
        .settings
        .admin_key
        .as_ref()
        .and_then(|key| holder(drafts, key))
    {
        let message = format!("the same as the key of {name:?}");
        report.error(&server.admin_key, message, "callers must not be administrators");
    }
    for (index, draft) in drafts.iter().enumerate() {
        if let Some(first) = draft.key.as_ref().and_then(|key| holder(&drafts[..index], key)) {
            let message = format!("{:?} has the same key as {first:?}", draft.name.written);
            report.error(&draft.name.place, message, "give each its own");
        }
    }
}

fn check_public(report: &Report<'_>, text: &Text, public: &BTreeMap<String, String>) {
    if !public.contains_key(&text.value) {
        let written: Vec<&str> = public.values().map(String::as_str).collect();
        let message = format!("unknown public model {:?}", text.written);
        report.error(
            &text.place,
            message,
            suggest::among(&text.written, "public models", &written),
        );
    }
}
