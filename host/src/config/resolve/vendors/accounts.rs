//! The accounts of a vendor and their credentials. No credential may reach a problem.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Listing;
use crate::config::kinds::NAME;
use crate::config::reader::{Section, Text};
use crate::config::resolve::{Share, limits};
use crate::config::secret::Secret;
use crate::config::settings::Account;
use crate::pool::Bounds;

/// The account of a vendor that lists none.
const DEFAULT: &str = "default";
/// The credential field that may stand outside of `credentials`.
const API_KEY: &str = "api_key";

/// The listed accounts, or the one that `api_key` and `credentials` of the vendor itself describe.
pub(super) fn read(vendor: &Section<'_>) -> Listing<Account> {
    let credentials = credentials(vendor);
    let Some(listed) = vendor.field("accounts") else {
        let account = account(
            DEFAULT.to_owned(),
            credentials,
            Share::default(),
            Bounds::default(),
        );
        return Listing {
            names: vec![Text::plain(DEFAULT, &vendor.place)],
            items: vec![account],
            complete: true,
        };
    };
    for field in [API_KEY, "credentials"]
        .into_iter()
        .filter_map(|name| vendor.field(name))
    {
        vendor.report.error(
            &field.place,
            "accounts are listed as well",
            "move it into one of the accounts",
        );
    }
    if listed.is_empty() {
        let message = "there are none, so nothing will be sent to the vendor";
        vendor.report.warn(&listed.place, message, "add one");
    }
    let advice = format!(
        "write [[{}]] above name = \"...\" and api_key = \"${{...}}\"",
        listed.place.path()
    );
    Listing::of(listed.items(&advice), |item| read_one(item.section(&advice)?))
}

fn read_one(section: Section<'_>) -> Option<(Text, Account)> {
    let name = section
        .required("name", "add name = \"...\"")
        .and_then(|field| field.text(&NAME));
    let credentials = credentials(&section);
    let share = Share::read(&section);
    let limits = limits::read(&section, true);
    section.finish();
    let (text, name) = name?;
    Some((text, account(name, credentials, share, limits)))
}

fn account(name: String, credentials: BTreeMap<String, Secret>, share: Share, limits: Bounds) -> Account {
    let Share {
        weight,
        priority,
        tags,
        enabled,
    } = share;
    Account {
        name,
        credentials: Arc::new(credentials),
        weight,
        priority,
        tags,
        enabled,
        limits,
    }
}

/// `credentials` and, as one more of them, `api_key`.
fn credentials(section: &Section<'_>) -> BTreeMap<String, Secret> {
    let api_key = section.field(API_KEY);
    let members = section.members("credentials");
    if let Some((_, field)) = members
        .iter()
        .find(|(name, _)| *name == API_KEY && api_key.is_some())
    {
        section.report.error(
            &field.place,
            "api_key is set outside of credentials as well",
            "keep one of the two",
        );
    }
    let mut credentials = BTreeMap::new();
    for (name, field) in api_key.map(|field| (API_KEY, field)).into_iter().chain(members) {
        let Some(secret) = field.secret() else { continue };
        let text = secret.expose();
        // Inside, as in a private key of several lines, they are meant.
        if text.trim() != text && !text.trim().contains('\n') {
            let advice = "remove it unless it belongs to the credential";
            section
                .report
                .warn(&field.place, "begins or ends with white space", advice);
        }
        credentials.insert(name.to_owned(), secret);
    }
    credentials
}
