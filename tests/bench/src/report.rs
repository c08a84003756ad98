//! What was measured, beside its bars: a table for people, JSON for machines.
//!
//! Holds numbers and never takes any.

mod table;

use serde::Serialize;

pub(crate) use table::table;

/// Everything that one run found.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    pub(crate) cores: usize,
    pub(crate) quick: bool,
    pub(crate) sections: Vec<Section>,
}

/// One lane.
#[derive(Debug, Serialize)]
pub(crate) struct Section {
    pub(crate) name: &'static str,
    /// What was done, in a line.
    pub(crate) about: String,
    pub(crate) rows: Vec<Row>,
    /// Share of the machine that went to other programs meanwhile, 0 to 1.
    pub(crate) strangers: f64,
}

#[derive(Debug, Serialize)]
pub(crate) struct Row {
    pub(crate) measure: String,
    pub(crate) unit: Unit,
    /// One value, or as many as the measure names.
    pub(crate) bare: Vec<f64>,
    pub(crate) gateway: Vec<f64>,
    pub(crate) result: Option<Quantity>,
    pub(crate) bar: Option<Bar>,
    pub(crate) verdict: Option<Verdict>,
}

/// What a bar is held against.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Quantity {
    pub(crate) value: f64,
    pub(crate) unit: Unit,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Unit {
    /// Of the bare pass-through: 1.0 is as good as it.
    Ratio,
    PerSecond,
    Microseconds,
    /// More than the pass-through needs.
    AddedMicroseconds,
    Milliseconds,
    Mebibytes,
    Kibibytes,
    Count,
    Percent,
}

/// From the architecture document.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Bar {
    pub(crate) first: f64,
    pub(crate) goal: f64,
    pub(crate) better: Better,
}

#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Better {
    More,
    Less,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Verdict {
    Below,
    First,
    Goal,
}

// === impl Row ===

impl Row {
    pub(crate) fn new(measure: impl Into<String>, unit: Unit, bare: &[f64], gateway: &[f64]) -> Self {
        Self {
            measure: measure.into(),
            unit,
            bare: bare.to_vec(),
            gateway: gateway.to_vec(),
            result: None,
            bar: None,
            verdict: None,
        }
    }

    pub(crate) fn result(self, value: f64, unit: Unit) -> Self {
        Self {
            result: Some(Quantity { value, unit }),
            ..self
        }
    }

    /// The result is held against this bar.
    pub(crate) fn bar(self, bar: Bar) -> Self {
        let verdict = self.result.map(|result| bar.judge(result.value));
        Self {
            bar: Some(bar),
            verdict,
            ..self
        }
    }
}

// === impl Bar ===

impl Bar {
    pub(crate) const fn at_least(first: f64, goal: f64) -> Self {
        Self {
            first,
            goal,
            better: Better::More,
        }
    }

    pub(crate) const fn at_most(first: f64, goal: f64) -> Self {
        Self {
            first,
            goal,
            better: Better::Less,
        }
    }

    fn judge(&self, value: f64) -> Verdict {
        let reaches = |bar: f64| match self.better {
            Better::More => value >= bar,
            Better::Less => value <= bar,
        };
        match (reaches(self.first), reaches(self.goal)) {
            (_, true) => Verdict::Goal,
            (true, false) => Verdict::First,
            (false, false) => Verdict::Below,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_is_reached_from_its_better_side() {
        let more = Bar::at_least(0.5, 0.8);
        assert_eq!(
            [0.49, 0.5, 0.8].map(|value| more.judge(value)),
            [Verdict::Below, Verdict::First, Verdict::Goal]
        );
        let less = Bar::at_most(120.0, 60.0);
        assert_eq!(
            [121.0, 120.0, 60.0].map(|value| less.judge(value)),
            [Verdict::Below, Verdict::First, Verdict::Goal]
        );
        assert_eq!(less.judge(f64::NAN), Verdict::Below);
    }
}
