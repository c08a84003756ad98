//! A table of known fields: hands them out by name and reports the others at the end.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use super::{Field, Place, Report, Text};
use crate::config::kinds::Kind;
use crate::config::node::Entry;
use crate::config::suggest;

/// A table being read. Ask for every field it may have, then call [`Self::finish`].
pub(in crate::config) struct Section<'a> {
    pub(in crate::config) place: Place,
    pub(in crate::config) report: &'a Report<'a>,
    entries: &'a [Entry],
    asked: RefCell<Vec<&'static str>>,
}

impl<'a> Section<'a> {
    pub(in crate::config) fn root(report: &'a Report<'a>, entries: &'a [Entry]) -> Self {
        Self::new(report, Place::root(), entries)
    }

    pub(super) fn new(report: &'a Report<'a>, place: Place, entries: &'a [Entry]) -> Self {
        Self {
            place,
            report,
            entries,
            asked: RefCell::default(),
        }
    }

    /// The field `name`, if it is there.
    pub(in crate::config) fn field(&self, name: &'static str) -> Option<Field<'a>> {
        self.asked.borrow_mut().push(name);
        let entry = self.entries.iter().find(|entry| entry.key == name)?;
        Some(Field::new(
            self.report,
            self.place.child(name).on(&entry.at),
            &entry.node,
        ))
    }

    /// Like [`Self::field`], reported when it is not there.
    pub(in crate::config) fn required(&self, name: &'static str, advice: &str) -> Option<Field<'a>> {
        let field = self.field(name);
        if field.is_none() {
            self.report
                .error(&self.place, format!("{name} is missing"), advice);
        }
        field
    }

    /// Where the field `name` stands, or would stand.
    pub(in crate::config) fn place_of(&self, name: &'static str) -> Place {
        self.field(name)
            .map_or_else(|| self.place.child(name), |field| field.place)
    }

    /// A text of a certain kind.
    pub(in crate::config) fn text<T>(&self, name: &'static str, kind: &Kind<T>) -> Option<T> {
        self.field(name)?.text(kind).map(|(_, parsed)| parsed)
    }

    /// A size in bytes.
    pub(in crate::config) fn bytes(&self, name: &'static str) -> Option<usize> {
        self.field(name)?.bytes()
    }

    pub(in crate::config) fn bytes_up_to(&self, name: &'static str, most: usize) -> Option<usize> {
        let field = self.field(name)?;
        let bytes = field.bytes()?;
        if bytes > most {
            field.wrong(
                format!("{bytes} bytes are more than the {most} that are possible"),
                "",
            );
            return None;
        }
        Some(bytes)
    }

    pub(in crate::config) fn whole<T: TryFrom<i64>>(
        &self,
        name: &'static str,
        range: RangeInclusive<i64>,
    ) -> Option<T> {
        self.field(name)?.whole(range)
    }

    /// A finite number that is not negative.
    pub(in crate::config) fn amount(&self, name: &'static str) -> Option<f64> {
        self.field(name)?.amount()
    }

    pub(in crate::config) fn flag(&self, name: &'static str) -> Option<bool> {
        self.field(name)?.flag()
    }

    /// A list of texts of a certain kind; those that are not are reported and left out.
    pub(in crate::config) fn texts<T>(&self, name: &'static str, kind: &Kind<T>) -> Option<Vec<Text>> {
        let items = self
            .field(name)?
            .items(&format!("each item is {}, so write [\"...\"]", kind.what))?;
        Some(
            items
                .iter()
                .filter_map(|item| item.text(kind))
                .map(|(text, _)| text)
                .collect(),
        )
    }

    /// A table of known fields; an empty one when it is not there.
    pub(in crate::config) fn section(&self, name: &'static str) -> Section<'a> {
        let absent = || Section::new(self.report, self.place.child(name), &[]);
        self.field(name)
            .and_then(|field| field.section(&format!("write [{name}]")))
            .unwrap_or_else(absent)
    }

    /// The members of a table whose keys are names of the author's choice.
    pub(in crate::config) fn members(&self, name: &'static str) -> Vec<(&'a str, Field<'a>)> {
        let advice = format!("write {name} = {{ ... }}");
        self.field(name)
            .and_then(|field| field.members(&advice))
            .unwrap_or_default()
    }

    /// A table of anything, as JSON text by member.
    pub(in crate::config) fn json_members(&self, name: &'static str) -> BTreeMap<String, String> {
        let members = self.members(name).into_iter();
        members
            .filter_map(|(key, field)| Some((key.to_owned(), field.json()?.to_string())))
            .collect()
    }

    /// A table of anything, as the text of a JSON object.
    pub(in crate::config) fn json_object(&self, name: &'static str) -> Option<String> {
        let field = self.field(name)?;
        field.members(&format!("write {name} = {{ ... }}"))?;
        Some(field.json()?.to_string())
    }

    /// Reports every field that nobody asked for.
    pub(in crate::config) fn finish(self) {
        let mut known = self.asked.into_inner();
        known.sort_unstable();
        known.dedup();
        for entry in self
            .entries
            .iter()
            .filter(|entry| !known.contains(&entry.key.as_str()))
        {
            let place = self.place.child(&entry.key).on(&entry.at);
            self.report
                .error(&place, "unknown field", suggest::field(&entry.key, &known));
        }
    }
}
