//! The parts of a message: text, images and documents.
//!
//! Long base64 is a marker here, which the host replaces by what it stands for: it is passed on as it is,
//! never looked into.

use patchbay_sdk::adapter::Failure;
use patchbay_sdk::canonical::{Content, Part};
use serde_json::{Value, json};

/// The vendor's blocks of a message's content. Empty texts are left out: the vendor refuses them.
pub(crate) fn blocks(content: Option<Content>) -> Result<Vec<Value>, Failure> {
    match content {
        None => Ok(Vec::new()),
        Some(Content::Text(text)) => Ok(text_block(&text).into_iter().collect()),
        Some(Content::Parts(parts)) => {
            let blocks = parts
                .into_iter()
                .enumerate()
                .map(|(at, part)| block(part).map_err(|failure| within(&format!("content[{at}]"), failure)));
            blocks.filter_map(Result::transpose).collect()
        }
    }
}

/// None for an empty text.
pub(crate) fn text_block(text: &str) -> Option<Value> {
    (!text.is_empty()).then(|| json!({"type": "text", "text": text}))
}

/// A failure whose `param` is a member of `place`.
pub(crate) fn within(place: &str, failure: Failure) -> Failure {
    let member = failure.param.as_deref().filter(|member| !member.is_empty());
    let param = member.map_or_else(|| place.to_owned(), |member| format!("{place}.{member}"));
    failure.param(param)
}

fn block(mut part: Part) -> Result<Option<Value>, Failure> {
    let cache_control = part.rest.remove("cache_control").filter(|value| !value.is_null());
    let block = match part.kind.as_str() {
        "text" => part.text.as_deref().and_then(text_block),
        "refusal" => part
            .rest
            .remove("refusal")
            .and_then(|text| text_block(text.as_str()?)),
        "image_url" => {
            let image = part
                .image_url
                .ok_or_else(|| Failure::invalid("image_url", "an image_url part needs image_url"))?;
            Some(json!({"type": "image", "source": image_source(&image.url)?}))
        }
        "file" => Some(document(&part.rest)?),
        other => {
            return Err(Failure::unfit(
                "type",
                format!("this vendor takes text, image_url and file parts, not {other}"),
            ));
        }
    };
    Ok(block.map(|mut block| {
        // Not canonical, but the only way to make the vendor cache a prompt.
        if let Some(cache_control) = cache_control {
            block["cache_control"] = cache_control;
        }
        block
    }))
}

fn image_source(url: &str) -> Result<Value, Failure> {
    if let Some(data) = DataUrl::parse(url) {
        let media_type = match data.media_type {
            "image/jpg" => "image/jpeg",
            other => other,
        };
        return Ok(json!({"type": "base64", "media_type": media_type, "data": data.base64}));
    }
    let scheme = url
        .split_once("://")
        .map(|(scheme, _)| scheme.to_ascii_lowercase());
    match scheme.as_deref() {
        Some("https" | "http") => Ok(json!({"type": "url", "url": url})),
        _ => Err(Failure::invalid(
            "image_url.url",
            "an image is a public http or https address or a data URL in base64",
        )),
    }
}

/// A PDF in the request itself. The vendor does not know files that were uploaded to another.
fn document(part: &patchbay_sdk::canonical::Rest) -> Result<Value, Failure> {
    let member = |name: &str| part.get("file")?.get(name)?.as_str();
    let data = member("file_data").and_then(DataUrl::parse);
    let Some(data) = data.filter(|data| data.media_type == "application/pdf") else {
        return Err(Failure::unfit(
            "file.file_data",
            "this vendor takes files only as a data URL in base64 of type application/pdf",
        ));
    };
    let source = json!({"type": "base64", "media_type": data.media_type, "data": data.base64});
    let mut document = json!({"type": "document", "source": source});
    if let Some(name) = member("filename").filter(|name| !name.is_empty()) {
        document["title"] = name.into();
    }
    Ok(document)
}

/// `data:image/png;base64,AAAA`
struct DataUrl<'a> {
    media_type: &'a str,
    base64: &'a str,
}

impl<'a> DataUrl<'a> {
    fn parse(url: &'a str) -> Option<Self> {
        let (head, base64) = url.split_at_checked(5)?.1.split_once(',')?;
        let is_data = url[..5].eq_ignore_ascii_case("data:");
        let (media_type, parameters) = head.split_once(';')?;
        let is_base64 = parameters
            .split(';')
            .any(|parameter| parameter.eq_ignore_ascii_case("base64"));
        (is_data && is_base64).then_some(Self { media_type, base64 })
    }
}
