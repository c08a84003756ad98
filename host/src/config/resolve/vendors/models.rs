//! The models of a vendor: what they can do and what they cost.

use std::collections::BTreeMap;

use super::Listing;
use crate::config::kinds::{Kind, MODEL_NAME};
use crate::config::reader::{Field, Section, Text};
use crate::config::resolve::{Share, limits};
use crate::config::settings::{Capabilities, Model, Price};
use crate::config::suggest;
use crate::pool::Bounds;

const CAPABILITY: Kind<String> = Kind {
    what: "a capability",
    advice: CAPABILITIES_ADVICE,
    parse: |text| Some(text.to_owned()),
};
const CAPABILITIES_ADVICE: &str = "known are \"chat\", \"streaming\", \"tools\", \"vision\", \"embeddings\"";

/// Without a list: everything that most models of today can do.
const DEFAULT_CAPABILITIES: Capabilities = Capabilities {
    chat: true,
    streaming: true,
    tools: true,
    vision: true,
    embeddings: false,
};
const NO_CAPABILITIES: Capabilities = Capabilities {
    chat: false,
    streaming: false,
    tools: false,
    vision: false,
    embeddings: false,
};
const NO_PRICE: Price = Price {
    input: None,
    output: None,
    cached_input: None,
    cache_write: None,
    reasoning: None,
};

/// The models of a vendor, each a name or a table.
pub(super) fn read(vendor: &Section<'_>) -> Listing<Model> {
    let field = vendor.field("models");
    if field.as_ref().is_none_or(Field::is_empty) {
        let advice = "add models = [\"...\"]";
        vendor.report.warn(
            &vendor.place,
            "has no models, so nothing will be sent to it",
            advice,
        );
    }
    let path = vendor.place.path();
    let advice = format!("write models = [\"...\"], or [[{path}.models]] above name = \"...\"");
    let items = match field {
        Some(field) => field.items(&advice),
        None => Some(Vec::new()),
    };
    Listing::of(items, |item| {
        if item.is_text() {
            plain(item)
        } else {
            detailed(item.section(&advice)?)
        }
    })
}

fn plain(item: &Field<'_>) -> Option<(Text, Model)> {
    let (text, name) = item.text(&MODEL_NAME)?;
    let Share {
        weight,
        priority,
        tags,
        enabled,
    } = Share::default();
    let model = Model {
        name,
        capabilities: DEFAULT_CAPABILITIES,
        context_length: None,
        max_output_tokens: None,
        parameters: BTreeMap::new(),
        price: NO_PRICE,
        limits: Bounds::default(),
        weight,
        priority,
        tags,
        enabled,
    };
    Some((text, model))
}

fn detailed(section: Section<'_>) -> Option<(Text, Model)> {
    let tokens = |name| section.whole(name, 1..=i64::from(u32::MAX));
    let name = section
        .required("name", "add name = \"...\"")
        .and_then(|field| field.text(&MODEL_NAME));
    let Share {
        weight,
        priority,
        tags,
        enabled,
    } = Share::read(&section);
    let model = Model {
        name: name.as_ref().map(|(_, name)| name.clone()).unwrap_or_default(),
        capabilities: capabilities(&section),
        context_length: tokens("context_length"),
        max_output_tokens: tokens("max_output_tokens"),
        parameters: section.json_members("parameters"),
        price: price(section.section("price")),
        limits: Bounds {
            concurrency: section.whole("concurrency", 1..=i64::from(u32::MAX)),
            ..limits::read(&section, false)
        },
        weight,
        priority,
        tags,
        enabled,
    };
    section.finish();
    Some((name?.0, model))
}

fn capabilities(section: &Section<'_>) -> Capabilities {
    let Some(texts) = section.texts("capabilities", &CAPABILITY) else {
        return DEFAULT_CAPABILITIES;
    };
    let mut known = NO_CAPABILITIES;
    for text in texts {
        let flag = match text.value.as_str() {
            "chat" => &mut known.chat,
            "streaming" => &mut known.streaming,
            "tools" => &mut known.tools,
            "vision" => &mut known.vision,
            "embeddings" => &mut known.embeddings,
            _ => {
                let names = ["chat", "streaming", "tools", "vision", "embeddings"];
                let message = format!("unknown capability {:?}", text.written);
                section.report.error(
                    &text.place,
                    message,
                    suggest::among(&text.written, "capabilities", &names),
                );
                continue;
            }
        };
        *flag = true;
    }
    known
}

fn price(section: Section<'_>) -> Price {
    let price = Price {
        input: section.amount("input"),
        output: section.amount("output"),
        cached_input: section.amount("cached_input"),
        cache_write: section.amount("cache_write"),
        reasoning: section.amount("reasoning"),
    };
    section.finish();
    price
}
