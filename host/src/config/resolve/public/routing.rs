//! How the candidates of a model are ordered: a strategy plugin, or the host's own order. Names no plugin.

use crate::config::kinds::NAME;
use crate::config::reader::{Section, Text};
use crate::config::suggest;

/// What stands for the host's own order where a strategy is named.
const BUILT_IN: &str = "built-in";

/// A strategy and what it is told.
#[derive(Clone, Default)]
pub(super) struct Routing {
    /// `None` is the host's own order.
    pub(super) strategy: Option<Text>,
    /// JSON object.
    pub(super) settings: Option<String>,
}

impl Routing {
    /// Reads `strategy` and `settings`. Without a strategy it is the `default` one with its settings, or with
    /// the settings that stand here.
    pub(super) fn read(section: &Section<'_>, default: &Self) -> Self {
        let own_settings = section.json_object("settings");
        let routing = match section.field("strategy") {
            Some(field) => {
                let strategy = field
                    .text(&NAME)
                    .map(|(text, _)| text)
                    .filter(|text| text.value != BUILT_IN);
                Self {
                    strategy,
                    settings: own_settings,
                }
            }
            None => Self {
                strategy: default.strategy.clone(),
                settings: own_settings.or_else(|| default.settings.clone()),
            },
        };
        routing.check(section);
        routing
    }

    fn check(&self, section: &Section<'_>) {
        match &self.strategy {
            Some(text) if suggest::nearest(&text.written, &[BUILT_IN]).is_some() => {
                let message = format!("{:?} would be a plugin", text.written);
                section.report.warn(
                    &text.place,
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
    }
}
