//! `[[models.*.rules]]`: what a request is like chooses among the targets. The first rule that fits applies.

use super::targets;
use crate::config::kinds::NAME;
use crate::config::reader::{Field, Section, Text};
use crate::config::resolve::vendors::VendorDraft;
use crate::config::settings::{Chooses, Rule, Target};

const ADVICE: &str =
    "write [[models.NAME.rules]] above tags, tools or the like, and only = [\"vendor/model\"]";
/// Tokens.
const LONGEST: i64 = u32::MAX as i64;

/// Reads the rules of a public model with these targets. The callers they name are added to `callers`.
pub(super) fn read(
    model: &Section<'_>,
    own: &[Target],
    vendors: &[VendorDraft],
    callers: &mut Vec<Text>,
) -> Vec<Rule> {
    let items = model.field("rules").and_then(|field| field.items(ADVICE));
    let items = items.unwrap_or_default();
    let sections = items.iter().filter_map(|item| item.section(ADVICE));
    let rules = sections.filter_map(|section| {
        let rule = rule(&section, own, vendors, callers);
        section.finish();
        rule
    });
    rules.collect()
}

fn rule(
    section: &Section<'_>,
    own: &[Target],
    vendors: &[VendorDraft],
    callers: &mut Vec<Text>,
) -> Option<Rule> {
    let values = |texts: Vec<Text>| texts.into_iter().map(|text| text.value).collect();
    let named = section.texts("callers", &NAME).unwrap_or_default();
    callers.extend(named.iter().cloned());
    let (least_input, most_input) = (
        section.whole("min_input_tokens", 0..=LONGEST),
        section.whole("max_input_tokens", 0..=LONGEST),
    );
    if let (Some(least), Some(most)) = (least_input, most_input)
        && least > most
    {
        let place = section.place_of("max_input_tokens");
        let message = format!("less than min_input_tokens, {least}, so the rule never applies");
        section.report.error(&place, message, "");
    }
    let rule = Rule {
        tags: section.texts("tags", &NAME).map(values).unwrap_or_default(),
        callers: values(named),
        least_input,
        most_input,
        tools: section.flag("tools"),
        images: section.flag("images"),
        chooses: Chooses::Only,
        targets: Vec::new(),
    };
    let (chooses, field) = chosen(section)?;
    if field.is_empty() {
        let message = "chooses no target, so nothing could serve the request";
        section
            .report
            .error(&field.place, message, "name one of the model's targets");
        return None;
    }
    let targets = targets::read(section.report, &field, vendors);
    check_own(section, &field, &targets, own);
    Some(Rule {
        chooses,
        targets,
        ..rule
    })
}

/// The one of `only` and `first` that is there.
fn chosen<'a>(section: &Section<'a>) -> Option<(Chooses, Field<'a>)> {
    match (section.field("only"), section.field("first")) {
        (Some(only), None) => Some((Chooses::Only, only)),
        (None, Some(first)) => Some((Chooses::First, first)),
        (None, None) => {
            section.report.error(
                &section.place,
                "chooses nothing",
                "add only = [\"vendor/model\"], or first = [...] to fall back to the other targets",
            );
            None
        }
        (Some(_), Some(first)) => {
            section
                .report
                .error(&first.place, "there is `only` as well", "remove one of the two");
            None
        }
    }
}

fn check_own(section: &Section<'_>, field: &Field<'_>, chosen: &[Target], own: &[Target]) {
    let covers = |own: &Target, target: &Target, account: usize| {
        own.vendor == target.vendor && own.model == target.model && own.accounts.contains(&account)
    };
    for target in chosen {
        let accounts = target.accounts.iter();
        let foreign = accounts.filter(|account| !own.iter().any(|own| covers(own, target, **account)));
        if foreign.count() > 0 {
            let message = format!(
                "chooses what is not among the targets of the model, at vendor {:?}",
                target.vendor
            );
            section
                .report
                .error(&field.place, message, "add it to the targets of the model");
        }
    }
}
