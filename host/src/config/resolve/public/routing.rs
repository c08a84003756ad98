//! How the candidates of a model are ordered: a strategy plugin, or the host's own order. Names no plugin.

use crate::config::kinds::NAME;
use crate::config::reader::{Field, Section, Text};
use crate::config::settings::{BUILT_IN, Strategy};
use crate::config::suggest;

pub(in crate::config::resolve) const ADVICE: &str =
    "write \"NAME\", or { strategy = \"NAME\", settings = { ... } }";
/// Where a shadow could be named.
const NO_SHADOW: &str = "off";

/// A strategy by name, with what it is told.
#[derive(Clone)]
pub(in crate::config::resolve) struct Named {
    pub(in crate::config::resolve) name: Text,
    /// JSON object.
    settings: Option<String>,
}

/// A strategy, another one in its shadow, and what they are told.
#[derive(Clone, Default)]
pub(super) struct Routing {
    /// `None` is the host's own order.
    pub(super) strategy: Option<Named>,
    pub(super) shadow: Option<Named>,
}

// === impl Routing ===

impl Routing {
    /// Reads `strategy`, `settings` and `shadow`. Without a strategy it is the `default` one with its settings, or with
    /// the settings that stand here.
    pub(super) fn read(section: &Section<'_>, default: &Self) -> Self {
        let own = section.json_object("settings");
        let strategy = match section.field("strategy") {
            Some(field) => {
                let name = field.text(&NAME).map(|(text, _)| text);
                name.filter(|text| text.value != BUILT_IN)
                    .map(|name| Named { name, settings: own })
            }
            None => default.strategy.clone().map(|named| Named {
                settings: own.or(named.settings),
                name: named.name,
            }),
        };
        let shadow = match section.field("shadow") {
            Some(field) => Named::read(&field).filter(|named| named.name.value != NO_SHADOW),
            None => default.shadow.clone(),
        };
        let routing = Self { strategy, shadow };
        routing.check(section);
        routing
    }

    /// The strategy plugins that are named.
    pub(super) fn plugins(&self) -> impl Iterator<Item = Text> {
        let named = [&self.strategy, &self.shadow].into_iter().flatten();
        named.filter_map(|named| named.plugin().cloned())
    }

    fn check(&self, section: &Section<'_>) {
        match &self.strategy {
            Some(Named { name, .. }) if suggest::nearest(&name.written, &[BUILT_IN]).is_some() => {
                let message = format!("{:?} would be a plugin", name.written);
                section.report.warn(
                    &name.place,
                    message,
                    "write \"built-in\" for the order that needs none",
                );
            }
            None if section.field("settings").is_some_and(|field| !field.is_empty()) => {
                let place = section.place_of("settings");
                section
                    .report
                    .warn(&place, "the built-in order has no settings", "name a strategy");
            }
            _ => {}
        }
        if let Some(Named { name, .. }) = &self.shadow
            && name.value == BUILT_IN
        {
            section.report.error(
                &name.place,
                "the built-in order cannot be a shadow",
                "name a plugin, or write \"off\"",
            );
        }
    }
}

// === impl Named ===

impl Named {
    /// A name alone, or a table that also tells the settings.
    pub(in crate::config::resolve) fn read(field: &Field<'_>) -> Option<Self> {
        if field.is_text() {
            let (name, _) = field.text(&NAME)?;
            return Some(Self { name, settings: None });
        }
        let section = field.section(ADVICE)?;
        let name = section.required("strategy", "add strategy = \"...\"");
        let name = name.and_then(|field| field.text(&NAME));
        let settings = section.json_object("settings");
        section.finish();
        Some(Self {
            name: name?.0,
            settings,
        })
    }

    /// None is the host's own order.
    pub(in crate::config::resolve) fn plugin(&self) -> Option<&Text> {
        Some(&self.name).filter(|name| name.value != BUILT_IN)
    }

    pub(in crate::config::resolve) fn into_strategy(self) -> Strategy {
        Strategy {
            name: self.name.value,
            settings: self.settings.unwrap_or_else(|| "{}".to_owned()),
        }
    }
}
