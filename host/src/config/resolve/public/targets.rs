//! What serves a public model: `"vendor/model"`, or a table that also picks accounts. Finds each in the
//! vendors of the file.

use crate::config::kinds::{Kind, MODEL_NAME, NAME};
use crate::config::reader::{Field, Report, Section, Text};
use crate::config::resolve::vendors::VendorDraft;
use crate::config::settings::Target;
use crate::config::suggest;

pub(super) const ADVICE: &str = "write targets = [\"vendor/model\"]";

/// The model is everything after the first slash, since models may have slashes in their names.
const TARGET: Kind<(String, String)> = Kind {
    what: "a vendor and a model",
    advice: "write \"vendor/model\"",
    parse: |text| {
        text.split_once('/')
            .map(|(vendor, model)| (vendor.to_owned(), model.to_owned()))
    },
};

/// A target by names, not yet found.
struct Names {
    vendor: Text,
    model: Text,
    /// `None` is all of them.
    accounts: Option<Vec<Text>>,
}

/// Reads the list of targets of one public model.
pub(super) fn read(report: &Report<'_>, field: &Field<'_>, vendors: &[VendorDraft]) -> Vec<Target> {
    if field.is_empty() {
        report.error(
            &field.place,
            "there is none, so nothing could serve the model",
            ADVICE,
        );
    }
    let mut targets: Vec<Target> = Vec::new();
    for item in field.items(ADVICE).unwrap_or_default() {
        let names = if item.is_text() {
            short(&item)
        } else {
            item.section(ADVICE).and_then(detailed)
        };
        let Some(target) = names.and_then(|names| find(report, names, vendors)) else {
            continue;
        };
        if targets.iter().any(|earlier| overlap(earlier, &target)) {
            report.error(
                &item.place,
                "a target before has the same vendor, model and account",
                "remove one",
            );
        }
        targets.push(target);
    }
    targets
}

fn short(item: &Field<'_>) -> Option<Names> {
    let (text, (vendor, model)) = item.text(&TARGET)?;
    // Where the slash comes from a variable, the whole is what was written for either.
    let written = text
        .written
        .split_once('/')
        .unwrap_or((&text.written, &text.written));
    let part = |value, written: &str| Text {
        value,
        written: written.to_owned(),
        place: text.place.clone(),
    };
    Some(Names {
        vendor: part(vendor, written.0),
        model: part(model, written.1),
        accounts: None,
    })
}

fn detailed(section: Section<'_>) -> Option<Names> {
    let vendor = section
        .required("vendor", "add vendor = \"...\"")
        .and_then(|field| field.text(&NAME));
    let model = section
        .required("model", "add model = \"...\"")
        .and_then(|field| field.text(&MODEL_NAME));
    let accounts = section.texts("accounts", &NAME);
    if section.field("accounts").is_some_and(|field| field.is_empty()) {
        section.report.error(
            &section.place_of("accounts"),
            "allows no account",
            "leave it out to allow all",
        );
    }
    section.finish();
    Some(Names {
        vendor: vendor?.0,
        model: model?.0,
        accounts,
    })
}

fn find(report: &Report<'_>, names: Names, vendors: &[VendorDraft]) -> Option<Target> {
    let Names {
        vendor,
        model,
        accounts,
    } = names;
    let Some(draft) = vendors.iter().find(|draft| draft.name.value == vendor.value) else {
        let known: Vec<&str> = vendors.iter().map(|draft| draft.name.written.as_str()).collect();
        let message = format!("unknown vendor {:?}", vendor.written);
        report.error(
            &vendor.place,
            message,
            suggest::among(&vendor.written, "vendors", &known),
        );
        return None;
    };
    let model_index = draft.models.position(&model.value);
    if model_index.is_none() && draft.models.complete {
        let message = format!("vendor {:?} has no model {:?}", vendor.written, model.written);
        report.error(
            &model.place,
            message,
            suggest::among(&model.written, "models", &draft.models.written()),
        );
    }
    let find_account = |account: &Text| {
        let index = draft.accounts.position(&account.value);
        if index.is_none() && draft.accounts.complete {
            let message = format!("vendor {:?} has no account {:?}", vendor.written, account.written);
            let known = draft.accounts.written();
            report.error(
                &account.place,
                message,
                suggest::among(&account.written, "accounts", &known),
            );
        }
        index
    };
    let accounts = match &accounts {
        Some(accounts) => accounts.iter().filter_map(find_account).collect(),
        None => (0..draft.accounts.items.len()).collect(),
    };
    Some(Target {
        vendor: vendor.value,
        model: model_index?,
        accounts,
    })
}

fn overlap(one: &Target, other: &Target) -> bool {
    one.vendor == other.vendor
        && one.model == other.model
        && one
            .accounts
            .iter()
            .any(|account| other.accounts.contains(account))
}
