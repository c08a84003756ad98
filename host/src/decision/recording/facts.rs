//! The numbers of recorded decisions, the same to the bit when they are read again.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

/// A row for each offered candidate: a list of numbers, `null` for one that is not known and `"inf"` for one that is
/// unlimited.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Facts(pub Vec<Vec<f64>>);

/// One number, as JSON knows it.
#[derive(Serialize)]
#[serde(untagged)]
enum Number {
    Known(f64),
    Word(&'static str),
}

// === impl Facts ===

impl Serialize for Facts {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let number = |number: &f64| match *number {
            number if number.is_nan() => None,
            f64::INFINITY => Some(Number::Word("inf")),
            f64::NEG_INFINITY => Some(Number::Word("-inf")),
            number => Some(Number::Known(number)),
        };
        let rows = self.0.iter();
        serializer.collect_seq(rows.map(|row| row.iter().map(number).collect::<Vec<_>>()))
    }
}

impl<'de> Deserialize<'de> for Facts {
    /// By the text of each number: the JSON library rounds some to a neighbour.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let rows: Vec<Vec<&'de RawValue>> = Deserialize::deserialize(deserializer)?;
        let number = |text: &RawValue| match text.get() {
            "null" => Ok(f64::NAN),
            "\"inf\"" => Ok(f64::INFINITY),
            "\"-inf\"" => Ok(f64::NEG_INFINITY),
            text => text
                .parse()
                .map_err(|_| D::Error::custom(format!("{text:?} is not a number"))),
        };
        let rows = rows.into_iter().map(|row| row.into_iter().map(number).collect());
        rows.collect::<Result<_, _>>().map(Self)
    }
}
