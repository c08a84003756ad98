//! One field: its value as what it should be, or a problem. Must never show what a variable expanded to.

use std::ops::RangeInclusive;

use serde_json::{Number, Value as Json};

use super::{Place, Report, Section, quoted};
use crate::config::environment;
use crate::config::kinds::{Kind, SIZE};
use crate::config::node::{Entry, Node, Value};
use crate::config::secret::Secret;

/// A value of the file and where it stands.
pub(in crate::config) struct Field<'a> {
    pub(in crate::config) place: Place,
    report: &'a Report<'a>,
    node: &'a Node,
}

/// A text of the file. Not printable: `value` may come from a variable, `written` is what may be shown.
#[derive(Clone)]
pub(in crate::config) struct Text {
    pub(in crate::config) value: String,
    pub(in crate::config) written: String,
    pub(in crate::config) place: Place,
}

impl Text {
    /// A text that stands in the file as it is, such as a key.
    pub(in crate::config) fn plain(text: &str, place: &Place) -> Self {
        Self {
            value: text.to_owned(),
            written: text.to_owned(),
            place: place.clone(),
        }
    }
}

impl<'a> Field<'a> {
    pub(super) fn new(report: &'a Report<'a>, place: Place, node: &'a Node) -> Self {
        // A table stands where its key stands, also when its header comes later in the file.
        let place = if matches!(node.value, Value::Table(_)) {
            place
        } else {
            place.on(&node.at)
        };
        Self { place, report, node }
    }

    pub(in crate::config) fn is_text(&self) -> bool {
        matches!(self.node.value, Value::Text(_))
    }

    /// Whether it is a list or a table without anything in it.
    pub(in crate::config) fn is_empty(&self) -> bool {
        match &self.node.value {
            Value::List(items) => items.is_empty(),
            Value::Table(entries) => entries.is_empty(),
            Value::Text(_) | Value::Whole(_) | Value::Number(_) | Value::Flag(_) => false,
        }
    }

    /// A text of a certain kind, with what it stands for.
    pub(in crate::config) fn text<T>(&self, kind: &Kind<T>) -> Option<(Text, T)> {
        let text = self.expanded(kind.what, kind.advice)?;
        let parsed = (kind.parse)(&text.value);
        if parsed.is_none() {
            self.wrong(
                format!("{} is not {}", quoted(&text.written), kind.what),
                kind.advice,
            );
        }
        Some((text, parsed?))
    }

    /// Any text, its variables replaced. The words are as in [`Kind`].
    pub(in crate::config) fn expanded(&self, what: &str, advice: &str) -> Option<Text> {
        let Value::Text(written) = &self.node.value else {
            return self.mismatch(what, advice);
        };
        match environment::expand(written, self.report.env) {
            Ok(value) => Some(Text {
                value,
                written: written.clone(),
                place: self.place.clone(),
            }),
            Err(faults) => {
                for fault in faults {
                    self.wrong(fault.to_string(), fault.suggestion());
                }
                None
            }
        }
    }

    /// A text that is not shown, not even as written, and not empty.
    pub(in crate::config) fn secret(&self) -> Option<Secret> {
        let text = self.expanded(
            "a string",
            "write for example \"${NAME}\", an environment variable",
        )?;
        if text.value.is_empty() {
            // Only variables expand to nothing, so what is written is no secret.
            match text.written.as_str() {
                "" => self.wrong(
                    "is empty",
                    "write a value or \"${NAME}\", an environment variable",
                ),
                written => self.wrong(
                    format!("{} is empty", quoted(written)),
                    "give the variable a value",
                ),
            }
            return None;
        }
        Some(Secret::new(text.value))
    }

    /// A size, as text or as a whole number of bytes.
    pub(in crate::config) fn bytes(&self) -> Option<usize> {
        let Value::Whole(number) = self.node.value else {
            return self.text(&SIZE).map(|(_, bytes)| bytes);
        };
        let bytes = usize::try_from(number).ok().filter(|bytes| *bytes > 0);
        if bytes.is_none() {
            self.wrong(format!("{number} is not {}", SIZE.what), SIZE.advice);
        }
        bytes
    }

    /// A whole number within `range`, which must fit a `T`.
    pub(in crate::config) fn whole<T: TryFrom<i64>>(&self, range: RangeInclusive<i64>) -> Option<T> {
        let wanted = match (*range.start(), *range.end()) {
            (i64::MIN, i64::MAX) => "a whole number".to_owned(),
            (least, most) => format!("a whole number from {least} to {most}"),
        };
        match self.node.value {
            Value::Whole(number) if range.contains(&number) => T::try_from(number).ok(),
            Value::Whole(number) => {
                self.wrong(format!("{number} is not {wanted}"), "");
                None
            }
            _ => self.mismatch(&wanted, ""),
        }
    }

    /// A finite number that is not negative.
    pub(in crate::config) fn amount(&self) -> Option<f64> {
        let number = match self.node.value {
            // Beyond 2^53 the nearest float is as good as any other.
            #[expect(
                clippy::cast_precision_loss,
                reason = "weights and prices are nowhere near 2^53"
            )]
            Value::Whole(number) => number as f64,
            Value::Number(number) => number,
            _ => return self.mismatch("a number", "write for example 0.5"),
        };
        if number.is_finite() && number >= 0.0 {
            return Some(number);
        }
        self.wrong(format!("{number} is not a number of at least 0"), "");
        None
    }

    pub(in crate::config) fn flag(&self) -> Option<bool> {
        match self.node.value {
            Value::Flag(flag) => Some(flag),
            _ => self.mismatch("true or false", "write true or false without quotes"),
        }
    }

    /// The items of a list. `advice` shows how to write it.
    pub(in crate::config) fn items(&self, advice: &str) -> Option<Vec<Field<'a>>> {
        let Value::List(nodes) = &self.node.value else {
            return self.mismatch("a list", advice);
        };
        let item = |(index, node): (usize, &'a Node)| {
            Field::new(self.report, self.place.item(index).on(&node.at), node)
        };
        Some(nodes.iter().enumerate().map(item).collect())
    }

    /// The members of a table whose keys are names of the author's choice.
    pub(in crate::config) fn members(&self, advice: &str) -> Option<Vec<(&'a str, Field<'a>)>> {
        let Value::Table(entries) = &self.node.value else {
            return self.mismatch("a table", advice);
        };
        let member = |entry: &'a Entry| {
            let place = self.place.child(&entry.key).on(&entry.at);
            (entry.key.as_str(), Field::new(self.report, place, &entry.node))
        };
        Some(entries.iter().map(member).collect())
    }

    /// A table of known fields.
    pub(in crate::config) fn section(&self, advice: &str) -> Option<Section<'a>> {
        match &self.node.value {
            Value::Table(entries) => Some(Section::new(self.report, self.place.clone(), entries)),
            _ => self.mismatch("a table", advice),
        }
    }

    /// Anything, as JSON.
    pub(in crate::config) fn json(&self) -> Option<Json> {
        match &self.node.value {
            Value::Text(_) => Some(Json::String(self.expanded("a string", "")?.value)),
            Value::Whole(number) => Some(Json::from(*number)),
            Value::Number(number) => {
                let json = Number::from_f64(*number).map(Json::Number);
                if json.is_none() {
                    self.wrong(
                        format!("{number} cannot be written as JSON"),
                        "use a finite number",
                    );
                }
                json
            }
            Value::Flag(flag) => Some(Json::Bool(*flag)),
            Value::List(_) => Some(Json::Array(
                self.items("")?.iter().filter_map(Field::json).collect(),
            )),
            Value::Table(_) => {
                let members = self.members("")?;
                let members = members
                    .iter()
                    .filter_map(|(key, field)| Some(((*key).to_owned(), field.json()?)));
                Some(Json::Object(members.collect()))
            }
        }
    }

    fn mismatch<T>(&self, wanted: &str, advice: &str) -> Option<T> {
        self.wrong(
            format!("expected {wanted}, found {}", self.node.value.noun()),
            advice,
        );
        None
    }

    pub(super) fn wrong(&self, message: impl Into<String>, suggestion: impl Into<String>) {
        self.report.error(&self.place, message, suggestion);
    }
}
