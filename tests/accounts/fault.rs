//! What goes wrong at one account, and what must become of it.

use std::time::{Duration, SystemTime};

use http::header::RETRY_AFTER;
use http::{HeaderName, HeaderValue, StatusCode};
use patchbay_simulator::{Operation, Reset, Rule};
use serde_json::json;

#[derive(Debug, Clone)]
pub(crate) struct Fault {
    pub(crate) account: &'static str,
    /// None: whichever it is asked for.
    pub(crate) model: Option<&'static str>,
    pub(crate) rule: Rule,
    pub(crate) fate: Fate,
    /// As the history has it: how it was classified, and where that led.
    pub(crate) class: &'static str,
    pub(crate) state: &'static str,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// The account is never asked again.
    Gone,
    /// The account, or the account with the model, is left alone, and asked again soon after.
    Left { until: Until, whole_account: bool },
    /// The account with the model is left alone for a moment after so many failures in a row.
    Circuit { failures: usize },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Until {
    After(Duration),
    /// Unix time in seconds.
    At(u64),
}

// === impl Fault ===

impl Fault {
    /// It says this to everything.
    pub(crate) fn gone(account: &'static str, status: u16, class: &'static str) -> Self {
        Self {
            rule: says(status),
            fate: Fate::Gone,
            class,
            state: "disabled by failure",
            ..Self::circuit(account, Rule::always(), 0, class)
        }
    }

    /// It says this to whoever asks for an answer.
    pub(crate) fn circuit(account: &'static str, rule: Rule, failures: usize, class: &'static str) -> Self {
        Self {
            account,
            model: None,
            rule: rule.operation(Operation::Chat),
            fate: Fate::Circuit { failures },
            class,
            state: "cooling down",
        }
    }

    /// The account with the model is left alone for so long.
    pub(crate) fn left(account: &'static str, rule: Rule, until: Until, class: &'static str) -> Self {
        Self {
            fate: Fate::Left {
                until,
                whole_account: false,
            },
            ..Self::circuit(account, rule, 0, class)
        }
    }

    pub(crate) fn for_model(self, model: &'static str) -> Self {
        Self {
            model: Some(model),
            rule: self.rule.model(model),
            ..self
        }
    }

    /// In force.
    pub(crate) fn rule(&self) -> Rule {
        self.rule.clone().account(self.account)
    }
}

pub(crate) fn says(status: u16) -> Rule {
    Rule::always().status(StatusCode::from_u16(status).unwrap())
}

/// "You have used up what you have paid for", in OpenAI's words.
pub(crate) fn no_quota() -> Rule {
    says(429).body(json!({"error": {
        "message": "You exceeded your current quota.", "type": "insufficient_quota", "param": null,
        "code": "insufficient_quota",
    }}))
}

pub(crate) fn come_back(status: u16, seconds: u64) -> Rule {
    says(status).header(RETRY_AFTER, HeaderValue::from(seconds))
}

pub(crate) fn come_back_millis(status: u16, millis: u64) -> Rule {
    says(status).header(
        HeaderName::from_static("retry-after-ms"),
        HeaderValue::from(millis),
    )
}

/// A date, and the rule that names it.
pub(crate) fn come_back_at(status: u16, after: Duration) -> (Rule, Until) {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    let at = (now + after).as_secs();
    let date = HeaderValue::from_str(&http_date(at)).unwrap();
    (says(status).header(RETRY_AFTER, date), Until::At(at))
}

pub(crate) fn resets() -> Rule {
    Rule::always().reset(Reset::BeforeHeaders)
}

/// `Sun, 06 Nov 1994 08:49:37 GMT` (RFC 9110, section 5.6.7). The day of the week is one that nobody reads.
fn http_date(unix: u64) -> String {
    const MONTHS: [&str; 12] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    let (mut days, seconds) = (unix / 86_400, unix % 86_400);
    let leap = |year: u64| year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let mut year = 1970;
    while days >= 365 + u64::from(leap(year)) {
        days -= 365 + u64::from(leap(year));
        year += 1;
    }
    let lengths = [
        31,
        28 + u64::from(leap(year)),
        31,
        30,
        31,
        30,
        31,
        31,
        30,
        31,
        30,
        31,
    ];
    let mut month = 0;
    while days >= lengths[month] {
        days -= lengths[month];
        month += 1;
    }
    let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    let (day, month) = (days + 1, MONTHS[month]);
    format!("Sun, {day:02} {month} {year} {hour:02}:{minute:02}:{second:02} GMT")
}
