//! What a request says, beside its body, about how it wants to be routed: tags, and a strategy.

use super::refusal::Refusal;
use crate::config::{Strategy, is_name};
use crate::generation::Caller;

/// Tags of one request.
const MOST_TAGS: usize = 16;

/// As it came: header values, not yet looked at.
#[derive(Debug, Default, Clone, Copy)]
pub struct Wishes<'a> {
    /// Names, separated by commas.
    pub tags: Option<&'a [u8]>,
    /// A strategy's name.
    pub strategy: Option<&'a [u8]>,
}

/// What of it holds.
#[derive(Debug)]
pub(super) struct Granted {
    /// With those of the caller's key.
    pub(super) tags: Vec<String>,
    pub(super) strategy: Option<Strategy>,
}

// === impl Wishes ===

impl Wishes<'_> {
    pub(super) fn granted_to(self, caller: &Caller) -> Result<Granted, Refusal> {
        let mut tags = caller.tags.clone();
        for tag in names(self.tags.unwrap_or_default()) {
            let tag = tag.ok_or(Refusal::WrongTags)?;
            if !tags.contains(&tag) {
                tags.push(tag);
            }
        }
        if tags.len() > MOST_TAGS + caller.tags.len() {
            return Err(Refusal::WrongTags);
        }
        let strategy = self.strategy.map(|name| strategy(name, caller)).transpose()?;
        Ok(Granted { tags, strategy })
    }
}

/// Each is none if it is no name.
fn names(list: &[u8]) -> impl Iterator<Item = Option<String>> {
    let items = list.split(|byte| *byte == b',').map(<[u8]>::trim_ascii);
    items.filter(|item| !item.is_empty()).map(name)
}

fn name(text: &[u8]) -> Option<String> {
    std::str::from_utf8(text)
        .ok()
        .filter(|text| is_name(text))
        .map(str::to_owned)
}

fn strategy(named: &[u8], caller: &Caller) -> Result<Strategy, Refusal> {
    let found = name(named.trim_ascii()).and_then(|name| caller.strategy(&name));
    found.cloned().ok_or_else(|| {
        let allowed: Vec<&str> = caller.strategies().collect();
        Refusal::NotYours(if allowed.is_empty() {
            "name no strategy".to_owned()
        } else {
            format!("name one of these strategies: {}", allowed.join(", "))
        })
    })
}
