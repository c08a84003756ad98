//! Recorded decisions, made again by a strategy: where does it agree, whom would it have asked, at what cost.
//!
//! Takes two passes over the recording. The first notes where each decision stands (some 30 bytes for each) and who the
//! pools are; the second reads the decisions one by one in the order in which they were made. So a recording of any size
//! needs little memory, and must be a file. Asks nobody but the strategy, and knows no command line.

mod index;
mod report;
mod stage;
mod tally;

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::Arc;

pub use report::{Agreement, Calls, Chosen, Difference, Expected, Failure, ModelCount, RecordedBy, Report};

use crate::decision::recording::{Line, RecordedDecision, RecordingError};
use crate::plugin::StrategyPlugin;
use index::{Index, Place, Section};
use stage::Stage;
use tally::{Case, Tally};

/// Calls that go wrong one after the other and end a replay: each may take as long as `plugins.limits.call` allows.
const FAULTS_IN_A_ROW: u32 = 20;

/// What is to be replayed, and with what.
#[derive(Debug)]
pub struct Replay<'a> {
    pub strategy: Arc<StrategyPlugin>,
    /// A JSON object. Without it those that were recorded for a strategy of this name, or none.
    pub settings: Option<&'a str>,
    /// Only the decisions of this public model.
    pub model: Option<&'a str>,
}

/// Why decisions cannot be replayed.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    #[error(transparent)]
    Unreadable(#[from] io::Error),
    #[error("it must be a file, because it is read twice")]
    NoFile,
    #[error(transparent)]
    Recording(#[from] RecordingError),
    #[error("it holds no decisions yet; they are written when their requests have ended")]
    NoDecisions,
    #[error("it holds no decisions of a model {wanted:?}; there are those of {}", found.join(", "))]
    NoSuchModel { wanted: String, found: Vec<String> },
    #[error("the settings do not fit {strategy}: {problem}")]
    Settings { strategy: String, problem: String },
    #[error(
        "the settings that were recorded for model {model} do not fit {strategy}: {problem}; give others with --settings"
    )]
    RecordedSettings {
        model: String,
        strategy: String,
        problem: String,
    },
    #[error("{problem}: it cannot be configured for model {model}; try other --settings or another --model")]
    Configure { model: String, problem: String },
    #[error(
        "stopped at line {line} after {FAULTS_IN_A_ROW} failures in a row; the last: {last}; `patchbay plugin test` tries \
         the plugin by itself"
    )]
    Failing { line: usize, last: String },
}

// === impl Replay ===

impl Replay<'_> {
    /// Replays a recording. `progress`: is told how many of how many decisions are done.
    pub fn run(&self, recording: &Path, mut progress: impl FnMut(u64, u64)) -> Result<Report, ReplayError> {
        if let Some(settings) = self.settings {
            let checked = self.strategy.settings().check(settings);
            checked.map_err(|problem| ReplayError::Settings {
                strategy: self.strategy.identity().to_owned(),
                problem,
            })?;
        }
        let mut file = open(recording)?;
        let index = Index::of(BufReader::new(&file), self.model)?;
        let all = index.decisions()?;
        let mut tally = Tally::default();
        for section in &index.sections {
            // A gateway that starts remembers nothing.
            let mut stage = Stage::new(self);
            for place in &section.decisions {
                let decision = read(&mut file, place)?;
                let case = Self::replay(section, &mut stage, place, &decision)?;
                if let (Err(last), FAULTS_IN_A_ROW) = (&case.replayed, stage.faults()) {
                    return Err(ReplayError::Failing {
                        line: place.line,
                        last: last.clone(),
                    });
                }
                tally.add(&case);
                progress(tally.decisions(), all);
            }
        }
        Ok(tally.report(self.strategy.identity()))
    }

    fn replay<'a, 'd>(
        section: &'a Section,
        stage: &mut Stage<'a>,
        place: &Place,
        decision: &'d RecordedDecision,
    ) -> Result<Case<'d>, ReplayError>
    where
        'a: 'd,
    {
        let wrong = |problem| RecordingError::Wrong {
            line: place.line,
            problem,
        };
        let pool = section
            .pools
            .get(&decision.pool)
            .ok_or_else(|| wrong(index::no_such_pool(decision.pool)))?;
        index::check(pool, decision).map_err(wrong)?;
        let turn = decision.turn(&pool.model).map_err(wrong)?;
        let state = decision.state().map_err(wrong)?;
        let (replayed, took) = stage.decide(pool, decision, &turn, state)?;
        Ok(Case {
            line: place.line,
            pool,
            decision,
            replayed,
            took,
        })
    }
}

fn open(recording: &Path) -> Result<File, ReplayError> {
    let file = File::open(recording)?;
    if file.metadata()?.is_file() {
        Ok(file)
    } else {
        Err(ReplayError::NoFile)
    }
}

/// Reads the decision that stands there.
fn read(file: &mut File, place: &Place) -> Result<Box<RecordedDecision>, ReplayError> {
    let mut text = vec![0; place.length];
    file.seek(SeekFrom::Start(place.offset))?;
    file.read_exact(&mut text)?;
    let line = place.line;
    match serde_json::from_slice(&text) {
        Ok(Line::Decision(decision)) => Ok(decision),
        Ok(Line::Recording(_) | Line::Pool(_)) => {
            let problem = "it is no decision any more; the file has been changed meanwhile".to_owned();
            Err(RecordingError::Wrong { line, problem }.into())
        }
        Err(source) => Err(RecordingError::Foreign { line, source }.into()),
    }
}

#[cfg(test)]
mod tests;
