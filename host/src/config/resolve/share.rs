//! How much of the traffic an account or a model gets: fields that both have, with the same meaning.

use crate::config::kinds::NAME;
use crate::config::reader::Section;

/// `weight`, `priority`, `tags` and `enabled`.
pub(super) struct Share {
    pub(super) weight: f64,
    pub(super) priority: i64,
    pub(super) tags: Vec<String>,
    pub(super) enabled: bool,
}

impl Share {
    /// Reads the four fields; those that are absent have their defaults.
    pub(super) fn read(section: &Section<'_>) -> Self {
        let default = Self::default();
        let tags = section
            .texts("tags", &NAME)
            .map(|tags| tags.into_iter().map(|tag| tag.value).collect());
        Self {
            weight: section.amount("weight").unwrap_or(default.weight),
            priority: section
                .whole("priority", i64::MIN..=i64::MAX)
                .unwrap_or(default.priority),
            tags: tags.unwrap_or(default.tags),
            enabled: section.flag("enabled").unwrap_or(default.enabled),
        }
    }
}

impl Default for Share {
    fn default() -> Self {
        Self {
            weight: 1.0,
            priority: 0,
            tags: Vec::new(),
            enabled: true,
        }
    }
}
