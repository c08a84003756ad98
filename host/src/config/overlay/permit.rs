//! Which settings may be changed at run time.
//!
//! Accounts, models, how they are chosen among, and vendors that the file does not have. Not where the file's
//! credentials are sent, who may call, and what plugins may do: those are decided by whoever may write the file.

use super::lay::Misfit;
use super::path::SettingPath;
use crate::config::suggest;

/// Tables and fields of the file that stay its own.
const FIXED: [&str; 11] = [
    "attempts",
    "circuit",
    "decisions",
    "failover",
    "health",
    "keys",
    "plugins",
    "recheck",
    "server",
    "storage",
    "timeouts",
];
const CHANGEABLE: [&str; 4] = ["default_model", "models", "routing", "vendors"];

/// # Errors
///
/// Why not, and what can be set instead.
pub(super) fn check(path: &SettingPath) -> Result<(), Misfit> {
    match path.keys()[..] {
        ["default_model"]
        | ["routing", "strategy"]
        | ["routing", "settings" | "shadow", ..]
        | ["models", _] => Ok(()),
        ["models", _, "strategy" | "targets" | "rules"] | ["models", _, "settings" | "shadow", ..] => Ok(()),
        ["vendors", _] => Ok(()),
        ["vendors", _, "accounts" | "models", _, "name", ..] => Err(Misfit::new(
            "cannot be changed",
            "add another one under the new name and remove this one",
        )),
        ["vendors", _, "accounts" | "models", _, ..] => Ok(()),
        ["vendors", vendor, list @ ("accounts" | "models")] => Err(Misfit::new(
            "is changed one by one",
            format!("write vendors.{vendor}.{list}.NAME"),
        )),
        ["vendors", vendor, "api_key" | "credentials", ..] => Err(Misfit::new(
            "stands for the account \"default\"",
            format!("write vendors.{vendor}.accounts.default.api_key"),
        )),
        ["vendors", _, ..] => Err(Misfit::new(
            "is for the file alone",
            "at run time a vendor's accounts and models can be changed, or a vendor added that the file does not have",
        )),
        ["vendors"] | ["models"] | ["routing"] => Err(Misfit::new(
            "is too much at once",
            format!(
                "write {path}.{}",
                if path.keys() == ["routing"] {
                    "strategy"
                } else {
                    "NAME"
                }
            ),
        )),
        ["models", _, field, ..] => Err(unknown(
            field,
            &["rules", "settings", "shadow", "strategy", "targets"],
        )),
        ["routing", field, ..] => Err(unknown(field, &["settings", "shadow", "strategy"])),
        [first, ..] if FIXED.contains(&first) => Err(Misfit::new(
            "is for the file alone",
            format!(
                "change it there; at run time these can be set: {}",
                CHANGEABLE.join(", ")
            ),
        )),
        [first, ..] => Err(unknown(first, &CHANGEABLE)),
        [] => Err(unknown("", &CHANGEABLE)),
    }
}

fn unknown(field: &str, known: &[&str]) -> Misfit {
    Misfit::new("unknown field", suggest::field(field, known))
}
