//! Judges by the simulator's log alone whether an account that is not to be asked is left alone, and is asked again
//! when it may be.

use std::time::Duration;

use patchbay_simulator::{Operation, Received, Simulator};

use crate::fault::{Fate, Fault, Until};
use crate::stage::{Clock, MODELS, calls};

/// Whoever had decided to ask before the failure was known may do so.
pub(crate) const GRACE: Duration = Duration::from_millis(200);
/// How soon an account is asked again that may be, under steady traffic.
pub(crate) const SOON: Duration = Duration::from_millis(1500);
/// By how much the vendor's clock and the gateway's may differ.
const BLUR: Duration = Duration::from_millis(5);
/// How long after each other those end that are under way together.
const TOGETHER: Duration = Duration::from_millis(50);
/// What has happened so short before a power cut need not have been written, unless a vendor has asked for it.
const UNWRITTEN: Duration = Duration::from_millis(200);

/// What happened when, by the simulator's clock.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Times {
    /// Everything begins to fail, and is well again.
    pub(crate) broken: Duration,
    pub(crate) healed: Duration,
    /// The power cut, and the gateway's return.
    pub(crate) cut: Duration,
    pub(crate) back: Duration,
    /// The shortest time for which a circuit opens, and the longest.
    pub(crate) shortest: Duration,
    pub(crate) longest: Duration,
}

/// One fault in front of the log.
pub(crate) struct Case<'a> {
    pub(crate) fault: &'a Fault,
    pub(crate) times: Times,
    pub(crate) clock: Clock,
}

// === impl Case ===

impl Case<'_> {
    /// What was not as it must be.
    pub(crate) fn judge(&self, simulator: &Simulator) -> Vec<String> {
        let of_model = |model: Option<&str>| calls(simulator, self.fault.account, model);
        let models: Vec<&str> = self.fault.model.map_or(MODELS.to_vec(), |model| vec![model]);
        let mut complaints = match self.fault.fate {
            Fate::Gone => self.judge_gone(&of_model(None)),
            Fate::Left {
                until,
                whole_account: true,
            } => self.judge_left(&of_model(None), until),
            Fate::Left { until, .. } => each(&models, |model| self.judge_left(&of_model(Some(model)), until)),
            Fate::Circuit { failures } => each(&models, |model| {
                self.judge_circuit(&of_model(Some(model)), failures)
            }),
        };
        for complaint in &mut complaints {
            *complaint = format!("{} ({}): {complaint}", self.fault.account, self.fault.class);
        }
        complaints
    }

    fn failed(&self, call: &Received) -> bool {
        let fails = call.operation == Operation::Chat || self.fault.fate == Fate::Gone;
        fails && call.received >= self.times.broken && call.received < self.times.healed
    }

    fn judge_gone(&self, calls: &[Received]) -> Vec<String> {
        let Some(known) = calls.iter().filter(|call| self.failed(call)).map(end).min() else {
            return vec!["it was never asked while it was broken".to_owned()];
        };
        let late = calls.iter().filter(|call| call.received > known + GRACE);
        late.map(|call| format!("asked {:?} after it was refused for good", call.received - known))
            .collect()
    }

    fn judge_left(&self, calls: &[Received], until: Until) -> Vec<String> {
        let due = |call: &Received| match until {
            Until::After(time) => end(call) + time,
            Until::At(seconds) => self.clock.of_unix(seconds * 1000),
        };
        // Of two that fail together the first one starts the gateway's own clock; a vendor's date is a date.
        let blur = match until {
            Until::After(_) => TOGETHER,
            Until::At(_) => BLUR,
        };
        let cut = self.times.cut;
        let known = |call: &&Received| self.failed(call) && (call.received > cut || end(call) < cut);
        let failed: Vec<&Received> = calls.iter().filter(known).collect();
        let Some(last) = failed.iter().map(|call| due(call)).max() else {
            return vec!["it was never asked while it was broken".to_owned()];
        };
        let mut complaints = Vec::new();
        for call in calls {
            let at = call.received;
            let barred = |failed: &&&Received| end(failed) + GRACE < at && at + blur < due(failed);
            if let Some(failed) = failed.iter().find(barred) {
                complaints.push(format!("{} asked {:?} too early", call.model, due(failed) - at));
            }
        }
        let from = last.max(self.times.back);
        let soon = |call: &&Received| call.received + BLUR >= last && call.received <= from + SOON;
        if !calls.iter().any(|call| soon(&call)) {
            complaints.push(format!("not asked within {SOON:?} of {from:?}, when it could be"));
        }
        complaints
    }

    fn judge_circuit(&self, calls: &[Received], failures: usize) -> Vec<String> {
        let Times {
            cut, back, healed, ..
        } = self.times;
        let mut by_end: Vec<&Received> = calls
            .iter()
            .filter(|call| call.operation == Operation::Chat)
            .collect();
        // What was under way in the power cut, the gateway knows nothing of.
        by_end.retain(|call| call.received > cut || end(call) < cut);
        by_end.sort_by_key(|call| end(call));
        let (mut complaints, mut streak, mut opened) = (Vec::new(), 0, 0);
        let (mut restarted, mut kept, mut opened_at) = (false, false, Duration::ZERO);
        for call in &by_end {
            if !restarted && call.received >= back {
                restarted = true;
                streak = if kept { streak } else { 0 };
                opened_at = if kept { opened_at } else { Duration::ZERO };
            }
            streak = if self.failed(call) { streak + 1 } else { 0 };
            let at = end(call);
            opened += usize::from(streak >= failures);
            // What was under way when the circuit opened changes nothing.
            if streak < failures || (streak > failures && call.received < opened_at + GRACE) {
                continue;
            }
            opened_at = at;
            kept = at > cut || at + UNWRITTEN < cut;
            if !kept {
                continue;
            }
            let closed = at + GRACE..at + self.times.shortest - BLUR;
            let early = by_end.iter().filter(|call| closed.contains(&call.received));
            complaints.extend(early.map(|call| {
                format!(
                    "{} asked {:?} after failure {streak} in a row",
                    call.model,
                    call.received - at
                )
            }));
        }
        if opened == 0 {
            complaints.push(format!("it never failed {failures} times in a row"));
        }
        let again = healed..healed + self.times.longest + SOON;
        if !calls.iter().any(|call| again.contains(&call.received)) {
            complaints.push(format!("not asked in {again:?}, when it was well again"));
        }
        complaints
    }
}

/// When the caller knew of it.
pub(crate) fn end(call: &Received) -> Duration {
    let ended = call.ended.map(|ended| ended.at);
    ended.or(call.answered).unwrap_or(call.received)
}

fn each(models: &[&str], judge: impl FnMut(&str) -> Vec<String>) -> Vec<String> {
    models.iter().copied().flat_map(judge).collect()
}
