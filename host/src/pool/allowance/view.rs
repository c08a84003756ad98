//! The state of limits as plain data, for whoever shows it.

use serde::{Deserialize, Serialize};

use super::bounds::{Bound, Unit};
use super::counts::Counts;
use super::measure::{Measure, Now};
use super::{Allowance, now};
use crate::lock::lock;
use crate::pool::Millis;
use crate::telemetry::METRICS;

/// One limit of an account, or of one of its models.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LimitView {
    /// "concurrency" or another name from the configuration; for one that a vendor has reported its word: "requests",
    /// "tokens", "balance", ...
    pub name: String,
    /// "requests", "tokens", "dollars" or "attempts"; the vendor's own word where it is none of these.
    pub unit: String,
    /// What is under way included, by estimate. None where a vendor does not say.
    pub used: Option<f64>,
    pub most: Option<f64>,
    pub remaining: Option<f64>,
    /// Unix time in milliseconds: when all of it is there again.
    pub resets_at: Option<Millis>,
    /// A vendor has reported it; else it is configured.
    pub learned: bool,
    /// So much is used that it is warned of.
    pub warned: bool,
}

// === impl Allowance ===

impl Allowance {
    /// Every limit there is.
    pub fn view(&self) -> Vec<LimitView> {
        let now = now();
        let mut counts = lock(&self.counts);
        let mut views: Vec<LimitView> = self.places(&counts).into_iter().collect();
        views.extend(Bound::ALL.iter().filter_map(|bound| counts.view(*bound, now)));
        views.extend(counts.learned_views(now));
        views
    }

    /// Sets the metrics of what is configured; what vendors call their limits is no label.
    pub(in crate::pool) fn measure(&self) {
        let name = &self.name;
        let model = name.model.as_deref().unwrap_or_default();
        for view in self.view().iter().filter(|view| !view.learned) {
            if let (Some(used), Some(most)) = (view.used, view.most) {
                let labels = [&name.vendor, &name.account, model, &view.name];
                let share = if most > 0.0 { used / most } else { 1.0 };
                METRICS.limit_used.with_label_values(&labels).set(share);
            }
        }
    }

    fn places(&self, counts: &Counts) -> Option<LimitView> {
        let most = f64::from(counts.bounds.concurrency?);
        #[expect(clippy::cast_precision_loss, reason = "places are few")]
        let used = self.gate.taken() as f64;
        Some(LimitView {
            name: "concurrency".to_owned(),
            unit: "attempts".to_owned(),
            used: Some(used),
            most: Some(most),
            remaining: Some((most - used).max(0.0)),
            resets_at: None,
            learned: false,
            warned: used >= most * counts.bounds.warn_at,
        })
    }
}

// === impl Counts ===

impl Counts {
    fn view(&mut self, bound: Bound, now: Now) -> Option<LimitView> {
        let measure = self.measure(bound, now)?;
        let Measure { most, used, reserved } = measure;
        let resets_in = self.falls_to(bound, now, 0.0);
        Some(LimitView {
            name: bound.name().to_owned(),
            unit: match bound.unit() {
                Unit::Requests => "requests",
                Unit::Tokens => "tokens",
                Unit::Dollars => "dollars",
            }
            .to_owned(),
            used: Some(used + reserved),
            most: Some(most),
            remaining: Some((most - used - reserved).max(0.0)),
            resets_at: (resets_in > 0).then_some(now.unix + resets_in),
            learned: false,
            warned: measure.used_share() >= self.bounds.warn_at,
        })
    }

    fn learned_views(&self, now: Now) -> Vec<LimitView> {
        let known = self.learned().known(now.unix);
        known
            .map(|(name, known)| {
                let remaining = known.remaining.map(|remaining| remaining.max(0.0));
                let used = known.capacity.zip(remaining).map(|(most, left)| most - left);
                let warn_from = known.capacity.map(|most| most * self.bounds.warn_at);
                LimitView {
                    name: name.to_owned(),
                    unit: name.to_owned(),
                    used: used.map(|used| used.max(0.0)),
                    most: known.capacity,
                    remaining,
                    resets_at: (known.until > now.unix).then_some(known.until),
                    learned: true,
                    warned: used.zip(warn_from).is_some_and(|(used, from)| used >= from),
                }
            })
            .collect()
    }
}
