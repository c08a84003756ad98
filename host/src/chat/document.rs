//! A JSON object that keeps its bytes: top-level members can be read, set and removed without touching the rest,
//! so unknown fields, number formats and key order survive.
//!
//! Never re-serialises what it was not asked to change.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

use bytes::Bytes;
use serde::Deserialize;
use serde::de::{Deserializer, Error as _, MapAccess, Visitor};
use serde_json::value::RawValue;

/// A valid JSON object and where its top-level members stand.
#[derive(Debug, Clone)]
pub struct Document {
    bytes: Bytes,
    members: Vec<Member>,
}

/// Sets (to valid JSON) or removes one top-level member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    pub member: String,
    pub value: Option<Vec<u8>>,
}

#[derive(Debug, Clone)]
struct Member {
    name: String,
    value: Range<usize>,
}

/// The members in order, borrowed from the text.
struct Members<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

// === impl Document ===

impl Document {
    /// Parses the whole text. A member that stands twice is refused: readers disagree on which one counts, and
    /// what was checked must be what is sent.
    pub fn parse(bytes: Bytes) -> Result<Self, serde_json::Error> {
        let Members(found) = serde_json::from_slice(&bytes)?;
        let start = bytes.as_ptr() as usize;
        let members = found
            .into_iter()
            .map(|(name, raw)| {
                let from = raw.get().as_ptr() as usize - start;
                Member {
                    name: name.into_owned(),
                    value: from..from + raw.get().len(),
                }
            })
            .collect();
        Ok(Self { bytes, members })
    }

    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// The JSON text of a member's value.
    pub fn get(&self, name: &str) -> Option<&[u8]> {
        let member = self.members.iter().find(|member| member.name == name)?;
        Some(&self.bytes[member.value.clone()])
    }

    /// The same object with the edits made, in their order; a new member goes to the end.
    #[must_use]
    pub fn edited(&self, edits: &[Edit]) -> Self {
        if edits.is_empty() {
            return self.clone();
        }
        let mut members: Vec<(&str, &[u8])> = self
            .members
            .iter()
            .map(|m| (m.name.as_str(), &self.bytes[m.value.clone()]))
            .collect();
        for edit in edits {
            let at = members.iter().position(|(name, _)| *name == edit.member);
            match (at, &edit.value) {
                (Some(at), Some(value)) => members[at].1 = value,
                (Some(at), None) => drop(members.remove(at)),
                (None, Some(value)) => members.push((&edit.member, value)),
                (None, None) => {}
            }
        }
        Self::write(&members)
    }

    /// The edits that remove every member but these.
    pub fn remove_all_but(&self, keep: &[&str]) -> Vec<Edit> {
        let others = self
            .members
            .iter()
            .filter(|member| !keep.contains(&member.name.as_str()));
        others
            .map(|member| Edit {
                member: member.name.clone(),
                value: None,
            })
            .collect()
    }

    fn write(members: &[(&str, &[u8])]) -> Self {
        let size = members
            .iter()
            .map(|(name, value)| name.len() + value.len() + 8)
            .sum::<usize>();
        let mut out = Vec::with_capacity(size + 2);
        let mut placed = Vec::with_capacity(members.len());
        out.push(b'{');
        for (position, (name, value)) in members.iter().enumerate() {
            if position > 0 {
                out.push(b',');
            }
            // Writing a string into a Vec cannot fail.
            let _ = serde_json::to_writer(&mut out, name);
            out.push(b':');
            placed.push(Member {
                name: (*name).to_owned(),
                value: out.len()..out.len() + value.len(),
            });
            out.extend_from_slice(value);
        }
        out.push(b'}');
        Self {
            bytes: out.into(),
            members: placed,
        }
    }
}

// === impl Members ===

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Collect;

        impl<'de> Visitor<'de> for Collect {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members: Vec<(Cow<'de, str>, &'de RawValue)> = Vec::with_capacity(12);
                while let Some(Name(name)) = map.next_key()? {
                    if members.iter().any(|(known, _)| *known == name) {
                        return Err(A::Error::custom(format_args!("member {name:?} stands twice")));
                    }
                    members.push((name, map.next_value()?));
                }
                Ok(Members(members))
            }
        }

        deserializer.deserialize_map(Collect)
    }
}

#[derive(Deserialize)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &'static str) -> Document {
        Document::parse(Bytes::from_static(text.as_bytes())).unwrap()
    }

    #[test]
    fn edits_leave_the_rest_as_it_was_written() {
        let document =
            parse(r#" {"model": "a", "seed": 1.50e3,"x":{"model":"inner"}, "st\u0072eam":true } "#);
        let edited = document.edited(&[
            Edit {
                member: "model".into(),
                value: Some(b"\"b\"".to_vec()),
            },
            Edit {
                member: "stream".into(),
                value: None,
            },
            Edit {
                member: "new \"one\"".into(),
                value: Some(b"[1]".to_vec()),
            },
        ]);
        assert_eq!(
            edited.bytes(),
            r#"{"model":"b","seed":1.50e3,"x":{"model":"inner"},"new \"one\"":[1]}"#
        );
        assert_eq!(document.get("seed").unwrap(), b"1.50e3");
        assert_eq!(document.get("stream").unwrap(), b"true");
        assert_eq!(document.edited(&[]).bytes(), document.bytes());
    }

    #[test]
    fn what_is_not_one_object_is_refused() {
        for text in [
            "",
            "[]",
            "1",
            "{",
            r#"{"a":}"#,
            "{}{}",
            r#"{"a":1,"\u0061":2}"#,
            "{\"a\":\"\u{1}\"}",
        ] {
            assert!(
                Document::parse(Bytes::from_static(text.as_bytes())).is_err(),
                "{text}"
            );
        }
        assert!(Document::parse(Bytes::from_static(b"{\"a\":\"\xff\"}")).is_err());
    }

    #[test]
    fn an_empty_object_can_be_filled() {
        let filled = parse("{}").edited(&[Edit {
            member: "a".into(),
            value: Some(b"1".to_vec()),
        }]);
        assert_eq!(filled.bytes(), r#"{"a":1}"#);
        assert_eq!(filled.get("a").unwrap(), b"1");
    }
}
