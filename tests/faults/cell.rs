//! One cell of the table: a fault met by one kind of request, with or without another candidate. It has a vendor and a
//! public model of its own, both called by its name.

use std::sync::Arc;
use std::time::Duration;

use crate::fault::{Error, Expect, Fault};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    Whole,
    Streamed,
}

/// What the vendor speaks: the canonical dialect, which passes through, or another one, which is translated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    Canonical,
    Translated,
}

pub(crate) const FORMS: [Form; 2] = [Form::Whole, Form::Streamed];
pub(crate) const DIALECTS: [Dialect; 2] = [Dialect::Canonical, Dialect::Translated];

#[derive(Debug)]
pub(crate) struct Cell {
    pub(crate) name: String,
    pub(crate) fault: Arc<Fault>,
    pub(crate) form: Form,
    pub(crate) dialect: Dialect,
    /// There is another candidate, which is well and speaks the other dialect.
    pub(crate) fallback: bool,
    /// The caller asks for the usage of a stream.
    pub(crate) usage: bool,
    /// When the caller leaves, if it does.
    pub(crate) leaves: Option<Duration>,
}

/// What must come of a cell.
#[derive(Debug, Clone)]
pub(crate) struct Due {
    pub(crate) outcome: Outcome,
    /// How often the cell's own vendor is asked, at least and at most.
    pub(crate) own: (usize, usize),
    /// How often the other one is.
    pub(crate) other: (usize, usize),
}

#[derive(Debug, Clone)]
pub(crate) enum Outcome {
    Complete(Vendor),
    /// Nothing but an error.
    Refused(Error),
    /// An error behind the first tokens of a stream.
    Broken(Error),
    /// A complete answer or an error: which one it is, depends.
    Any,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Vendor {
    /// The cell's own.
    Own,
    /// The one that is well.
    Other,
}

// === impl Dialect ===

impl Dialect {
    pub(crate) fn adapter(self) -> &'static str {
        match self {
            Self::Canonical => "openai",
            Self::Translated => "anthropic",
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Canonical => "canonical",
            Self::Translated => "translated",
        }
    }

    /// The vendor that is well and speaks the other dialect.
    pub(crate) fn other_vendor(self) -> &'static str {
        match self {
            Self::Canonical => "well-translated",
            Self::Translated => "well-canonical",
        }
    }
}

// === impl Form ===

impl Form {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Whole => "whole",
            Self::Streamed => "streamed",
        }
    }
}

// === impl Cell ===

impl Cell {
    pub(crate) fn new(fault: &Arc<Fault>, form: Form, dialect: Dialect, fallback: bool) -> Self {
        let company = if fallback { "backed" } else { "alone" };
        let name = format!("{} {} {} {company}", fault.name, form.name(), dialect.name());
        Self {
            name: slug(&name),
            fault: fault.clone(),
            form,
            dialect,
            fallback,
            usage: fallback == (dialect == Dialect::Canonical),
            leaves: None,
        }
    }

    /// The same with a caller who leaves.
    pub(crate) fn left_after(self, time: Duration) -> Self {
        Self {
            name: format!("{}-left", self.name),
            leaves: Some(time),
            ..self
        }
    }

    /// The same for another occasion.
    pub(crate) fn marked(self, mark: &str) -> Self {
        Self {
            name: format!("{}-{mark}", self.name),
            ..self
        }
    }

    /// What must come of it if the caller stays. If it leaves, so often may the vendors be asked.
    pub(crate) fn due(&self) -> Due {
        let (outcome, own, other) = match self.fault.expect(self.form, self.dialect) {
            Expect::Harmless => (Outcome::Complete(Vendor::Own), (1, 1), (0, 0)),
            Expect::Once if !self.fallback => (Outcome::Complete(Vendor::Own), (2, 2), (0, 0)),
            Expect::Once => (Outcome::Complete(Vendor::Other), (1, 1), (1, 1)),
            Expect::Hidden(_) if self.fallback => (Outcome::Complete(Vendor::Other), (1, 1), (1, 1)),
            Expect::Hidden(error) if self.fault.repeated => (Outcome::Refused(error), (2, 2), (0, 0)),
            Expect::Hidden(error) | Expect::Final(error) => (Outcome::Refused(error), (1, 1), (0, 0)),
            Expect::Broken(error) => (Outcome::Broken(error), (1, 1), (0, 0)),
            Expect::Either => (Outcome::Any, (1, 1), (0, usize::from(self.fallback))),
        };
        let own = if self.fault.place.is_reachable() {
            own
        } else {
            (0, 0)
        };
        Due { outcome, own, other }
    }
}

/// Fit for the name of a vendor.
fn slug(name: &str) -> String {
    let fit = |character: char| {
        if character.is_ascii_alphanumeric() {
            character.to_ascii_lowercase()
        } else {
            '-'
        }
    };
    let fitted: String = name.chars().map(fit).collect();
    let words: Vec<&str> = fitted.split('-').filter(|word| !word.is_empty()).collect();
    words.join("-")
}
