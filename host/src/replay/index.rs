//! The first pass over a recording: who the pools are, and where each decision stands.

use std::collections::{BTreeSet, HashMap};
use std::io::BufRead;

use serde::Deserialize;

use super::ReplayError;
use crate::decision::recording::{Line, Read, RecordedDecision, RecordedPool, RecordingError, read};

#[derive(Debug, Default)]
pub(super) struct Index {
    pub(super) sections: Vec<Section>,
    /// The public models of all decisions, also of those that are not wanted.
    models: BTreeSet<String>,
    wanted: Option<String>,
}

/// What one gateway has recorded from its start to its end.
#[derive(Debug, Default)]
pub(super) struct Section {
    pub(super) pools: HashMap<u64, RecordedPool>,
    /// In the order in which they were made.
    pub(super) decisions: Vec<Place>,
}

/// Where a decision stands.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    /// The decision's number.
    pub(super) number: u64,
    /// Of the file, from 1.
    pub(super) line: usize,
    /// In bytes.
    pub(super) offset: u64,
    pub(super) length: usize,
}

/// What is wanted of a decision here; the rest of it is passed over quickly.
#[derive(Debug, Deserialize)]
struct Numbered {
    number: u64,
    pool: u64,
}

// === impl Index ===

impl Index {
    /// `model`: only the decisions of this public model.
    pub(super) fn of(recording: impl BufRead, model: Option<&str>) -> Result<Self, RecordingError> {
        let mut index = Self {
            wanted: model.map(str::to_owned),
            ..Self::default()
        };
        for read in read::<Numbered>(recording) {
            index.add(read?)?;
        }
        for section in &mut index.sections {
            section.decisions.sort_by_key(|place| place.number);
        }
        Ok(index)
    }

    fn add(&mut self, read: Read<Numbered>) -> Result<(), RecordingError> {
        let wrong = |problem| RecordingError::Wrong {
            line: read.line,
            problem,
        };
        let Some(section) = self.sections.last_mut() else {
            // The first line is a head.
            self.sections.push(Section::default());
            return Ok(());
        };
        match read.what {
            Line::Recording(_) => self.sections.push(Section::default()),
            Line::Pool(pool) => {
                let number = pool.number;
                if section.pools.insert(number, pool).is_some() {
                    return Err(wrong(format!("pool {number} has been described before")));
                }
            }
            Line::Decision(Numbered { number, pool }) => {
                let known = section.pools.get(&pool);
                let model = &known.ok_or_else(|| wrong(no_such_pool(pool)))?.model;
                if !self.models.contains(model) {
                    self.models.insert(model.clone());
                }
                if self.wanted.as_ref().is_none_or(|wanted| wanted == model) {
                    section.decisions.push(Place {
                        number,
                        line: read.line,
                        offset: read.offset,
                        length: read.length,
                    });
                }
            }
        }
        Ok(())
    }

    /// How many there are.
    pub(super) fn decisions(&self) -> Result<u64, ReplayError> {
        let all = self
            .sections
            .iter()
            .map(|section| section.decisions.len() as u64)
            .sum();
        match (all, &self.wanted) {
            (0, Some(wanted)) if !self.models.is_empty() => Err(ReplayError::NoSuchModel {
                wanted: wanted.clone(),
                found: self.models.iter().cloned().collect(),
            }),
            (0, _) => Err(ReplayError::NoDecisions),
            (all, _) => Ok(all),
        }
    }
}

pub(super) fn no_such_pool(number: u64) -> String {
    format!("a decision about pool {number}, which no line before it describes")
}

/// Whether a decision fits its pool.
pub(super) fn check(pool: &RecordedPool, decision: &RecordedDecision) -> Result<(), String> {
    let lists = [
        ("offered", &decision.offered),
        ("order", &decision.order),
        ("preferred", &decision.preferred),
    ];
    for (what, list) in lists {
        let strange = list
            .iter()
            .find(|index| pool.candidates.get(**index as usize).is_none());
        if let Some(strange) = strange {
            let most = pool.candidates.len();
            return Err(format!("{what}: candidate {strange} of {most}, counted from 0"));
        }
    }
    let (rows, columns) = (decision.offered.len(), pool.facts.len());
    let facts = &decision.facts.0;
    if facts.len() != rows || facts.iter().any(|row| row.len() != columns) {
        return Err(format!("facts: not {rows} rows of {columns} numbers"));
    }
    match decision.strategy {
        Some(strategy) if strategy >= pool.strategies.len() => Err(format!(
            "strategy {strategy} of {}, counted from 0",
            pool.strategies.len()
        )),
        _ => Ok(()),
    }
}
