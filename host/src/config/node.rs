//! A configuration file as plain values with their lines. The only module that knows TOML; it gives nothing a
//! meaning.

use std::ops::Range;
use std::sync::Arc;

use toml::de::{DeInteger, DeTable, DeValue};

/// A file after parsing.
pub(super) struct Document {
    /// The top-level table.
    pub(super) entries: Vec<Entry>,
    /// What the parser complained about, one fault a line.
    pub(super) faults: Vec<Fault>,
    /// Whether `entries` is what the author meant despite the faults.
    pub(super) usable: bool,
}

/// A place where the text is not TOML.
pub(super) struct Fault {
    pub(super) line: usize,
    pub(super) message: String,
    pub(super) suggestion: &'static str,
}

/// Where something was said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Origin {
    /// Of the file, from 1.
    Line(usize),
    /// At run time, as the setting of this path.
    Change(Arc<str>),
}

/// A key of a table with its value; tables keep the order of the file.
#[derive(Clone)]
pub(super) struct Entry {
    pub(super) key: String,
    /// Where the key stands.
    pub(super) at: Origin,
    pub(super) node: Node,
}

/// A value and where it starts.
#[derive(Clone)]
pub(super) struct Node {
    pub(super) value: Value,
    pub(super) at: Origin,
}

#[derive(Clone)]
pub(super) enum Value {
    /// As written: variables are not yet replaced.
    Text(String),
    Whole(i64),
    Number(f64),
    Flag(bool),
    List(Vec<Node>),
    Table(Vec<Entry>),
}

/// Where each line of a text starts.
struct Lines(Vec<usize>);

impl Document {
    /// Reads as much of `text` as can be made sense of.
    pub(super) fn from_toml(text: &str) -> Self {
        let lines = Lines::of(text);
        let (table, mut errors) = DeTable::parse_recoverable(text);
        errors.sort_by_key(|error| error.span().map(|span| span.start));
        let mut usable = true;
        let mut faults: Vec<Fault> = Vec::new();
        for error in errors {
            let span = error.span().unwrap_or_default();
            usable &= leaves_structure_intact(error.message());
            let line = lines.at(&span);
            if faults.iter().all(|fault| fault.line != line) {
                let (message, suggestion) = reworded(error.message(), text.get(span).unwrap_or_default());
                faults.push(Fault {
                    line,
                    message,
                    suggestion,
                });
            }
            if may_go_on_for_lines(error.message()) {
                break;
            }
        }
        Self {
            entries: entries(table.get_ref(), &lines),
            faults,
            usable,
        }
    }
}

impl Value {
    /// What it is, for messages.
    pub(super) fn noun(&self) -> &'static str {
        match self {
            Self::Text(_) => "a string",
            Self::Whole(_) => "a whole number",
            Self::Number(_) => "a number",
            Self::Flag(_) => "a boolean",
            Self::List(_) => "a list",
            Self::Table(_) => "a table",
        }
    }
}

impl Lines {
    fn of(text: &str) -> Self {
        let starts = text
            .bytes()
            .enumerate()
            .filter(|(_, byte)| *byte == b'\n')
            .map(|(at, _)| at + 1);
        Self(std::iter::once(0).chain(starts).collect())
    }

    /// The line, from 1, that `span` starts on.
    fn at(&self, span: &Range<usize>) -> usize {
        self.0.partition_point(|start| *start <= span.start)
    }
}

const DUPLICATE: &str = "duplicate key";
const UNQUOTED: &str = "string values must be quoted";

/// After these the parser goes on in the right table with the right key, so the rest can be checked as well.
fn leaves_structure_intact(message: &str) -> bool {
    message == DUPLICATE || message.starts_with(UNQUOTED)
}

/// The most frequent mistakes with advice. Only a key may be quoted: a value could be a secret.
fn reworded(message: &str, at: &str) -> (String, &'static str) {
    if message == DUPLICATE {
        (format!("{at:?} is already set"), "keep one of the two")
    } else if message.starts_with(UNQUOTED) {
        (
            "not a value".to_owned(),
            "put text in quotes and write a number in digits alone",
        )
    } else if may_go_on_for_lines(message) {
        (
            message.to_owned(),
            "check that the list or table before it is closed",
        )
    } else {
        (message.to_owned(), "")
    }
}

/// What is not closed swallows the lines that follow, so the next faults would be echoes of this one.
fn may_go_on_for_lines(message: &str) -> bool {
    ["array", "inline table", "key-value pairs"]
        .iter()
        .any(|open| message.contains(open))
}

fn entries(table: &DeTable<'_>, lines: &Lines) -> Vec<Entry> {
    let mut spanned: Vec<_> = table.iter().collect();
    spanned.sort_by_key(|(key, _)| key.span().start);
    spanned
        .into_iter()
        .map(|(key, value)| Entry {
            key: key.get_ref().to_string(),
            at: Origin::Line(lines.at(&key.span())),
            node: Node {
                value: plain(value.get_ref(), lines),
                at: Origin::Line(lines.at(&value.span())),
            },
        })
        .collect()
}

fn plain(value: &DeValue<'_>, lines: &Lines) -> Value {
    match value {
        DeValue::String(text) => Value::Text(text.to_string()),
        DeValue::Integer(number) => whole(number),
        DeValue::Float(number) => Value::Number(number.as_str().parse().unwrap_or(f64::NAN)),
        DeValue::Boolean(flag) => Value::Flag(*flag),
        // No field is a date, so what looks like one was meant as text.
        DeValue::Datetime(date) => Value::Text(date.to_string()),
        DeValue::Array(items) => Value::List(
            items
                .iter()
                .map(|item| Node {
                    value: plain(item.get_ref(), lines),
                    at: Origin::Line(lines.at(&item.span())),
                })
                .collect(),
        ),
        DeValue::Table(table) => Value::Table(entries(table, lines)),
    }
}

/// Beyond 64 bits it is a number like any other, too large wherever a whole one is wanted.
fn whole(number: &DeInteger<'_>) -> Value {
    match i64::from_str_radix(number.as_str(), number.radix()) {
        Ok(whole) => Value::Whole(whole),
        Err(_) => Value::Number(number.as_str().parse().unwrap_or(f64::INFINITY)),
    }
}
