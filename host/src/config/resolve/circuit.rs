//! `[circuit]` and `[recheck]`: how soon a key that fails is tried again.

use std::collections::BTreeMap;

use super::check_key;
use crate::config::kinds::{NAME, PERIOD, SWITCH, TIMEOUT};
use crate::config::reader::Section;
use crate::pool::{Rules, Schedule};

pub(super) fn rules(root: &Section<'_>) -> Rules {
    let usual = Rules::default();
    let circuit = root.section("circuit");
    let recheck = root.section("recheck");
    let rules = Rules {
        enabled: circuit.text("enabled", &SWITCH).unwrap_or(usual.enabled),
        failures: circuit.whole("failures", 1..=1000).unwrap_or(usual.failures),
        first: circuit.text("first", &TIMEOUT).unwrap_or(usual.first),
        longest: circuit.text("longest", &TIMEOUT).unwrap_or(usual.longest),
        trials: circuit.whole("trials", 1..=1000).unwrap_or(usual.trials),
        model_not_found: circuit
            .text("model_not_found", &PERIOD)
            .unwrap_or(usual.model_not_found),
        longest_recheck: recheck.text("longest", &TIMEOUT).unwrap_or(usual.longest_recheck),
        disabled_recheck: recheck
            .text("disabled", &TIMEOUT)
            .unwrap_or(usual.disabled_recheck),
        schedules: schedules(&recheck),
    };
    circuit.finish();
    recheck.finish();
    rules
}

/// By class of failure, the plugins' own among them.
fn schedules(recheck: &Section<'_>) -> BTreeMap<String, Schedule> {
    let mut schedules = BTreeMap::new();
    for (class, field) in recheck.members("classes") {
        check_key(recheck.report, &field.place, class, &NAME);
        let Some(section) = field.section(&format!("write [recheck.classes.{class}]")) else {
            continue;
        };
        let after = section
            .required("after", "add after = \"5m\"")
            .and_then(|field| field.text(&TIMEOUT));
        let attempts = section
            .required("attempts", "add attempts = 5")
            .and_then(|field| field.whole(0..=1000));
        section.finish();
        if let (Some((_, after)), Some(attempts)) = (after, attempts) {
            schedules.insert(class.to_owned(), Schedule { after, attempts });
        }
    }
    schedules
}
