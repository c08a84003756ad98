//! Judges every cell by the same rules, whatever its fault:
//!
//! - the caller gets exactly one vendor's complete answer, or an error that nobody can overlook, in time;
//! - what it was told before an error is the beginning of the answer;
//! - no candidate is asked more often than it may be, nor sooner, and nobody is who could do no better;
//! - once the caller has its answer, or has left, nothing is asked, under way or left open for it;
//! - the gateway's own record says the same.

use std::collections::HashMap;
use std::time::Duration;

use patchbay_simulator::{How, Received, Simulator};
use patchbay_tests::{ApiError, Gateway};
use serde_json::Value;

use crate::caller::{Answer, Call};
use crate::cell::{Cell, Form, Outcome, Vendor};
use crate::fault::{Clock, Error};
use crate::reading::{Reading, brief};
use crate::stage::{Pace, well_said};

/// How long the vendor's work may go on, and its connection stay open, for nobody.
const STOPPED: Duration = Duration::from_secs(1);

/// What the vendors saw and what the gateway wrote down, of all cells.
#[derive(Debug)]
pub(crate) struct Witnesses {
    /// By prompt, oldest first.
    received: HashMap<String, Vec<Received>>,
    /// By request id.
    records: HashMap<String, Value>,
}

/// What came of a cell.
#[derive(Debug)]
pub(crate) struct Judgement {
    /// What the caller got, in a few words; if it left first, for how long anything went on.
    pub(crate) outcome: Result<String, Duration>,
    /// What is not as it must be.
    pub(crate) complaints: Vec<String>,
}

struct Case<'a> {
    cell: &'a Cell,
    call: &'a Call,
    pace: &'a Pace,
    received: &'a [Received],
    complaints: Vec<String>,
}

/// What the caller got.
enum Found<'a> {
    Complete(Vendor),
    Refused(u16, &'a ApiError),
    Broken(&'a ApiError),
}

// === impl Witnesses ===

impl Witnesses {
    pub(crate) fn hear(simulator: &Simulator, gateway: &Gateway) -> Self {
        let mut received: HashMap<String, Vec<Received>> = HashMap::new();
        for request in simulator.requests() {
            received.entry(prompt(&request.body)).or_default().push(request);
        }
        let records = gateway
            .log()
            .into_iter()
            .filter(|line| line["message"] == "request");
        let records = records.filter_map(|line| Some((line["request_id"].as_str()?.to_owned(), line)));
        Self {
            received,
            records: records.collect(),
        }
    }

    pub(crate) fn judge(&self, cell: &Cell, call: &Call, pace: &Pace) -> Judgement {
        let received = self.received.get(&call.prompt).map_or(&[][..], Vec::as_slice);
        let mut case = Case {
            cell,
            call,
            pace,
            received,
            complaints: Vec::new(),
        };
        case.counts();
        case.aftermath();
        let outcome = match &call.answer {
            None => Err(case.left()),
            Some(answer) => {
                let record = self.records.get(answer.header("x-request-id"));
                Ok(case.answered(answer, record))
            }
        };
        if !case.complaints.is_empty() {
            case.complaints.push(format!("known: {call:?}\n  {received:#?}"));
        }
        Judgement {
            outcome,
            complaints: case.complaints,
        }
    }
}

// === impl Case ===

impl Case<'_> {
    fn must(&mut self, holds: bool, complaint: impl FnOnce() -> String) {
        if !holds {
            self.complaints.push(complaint());
        }
    }

    fn of(&self, vendor: Vendor) -> impl Iterator<Item = &Received> {
        let name = match vendor {
            Vendor::Own => self.cell.name.as_str(),
            Vendor::Other => self.cell.dialect.other_vendor(),
        };
        self.received.iter().filter(move |request| request.vendor == name)
    }

    /// Who was asked, how often, and not too soon.
    fn counts(&mut self) {
        let due = self.cell.due();
        let (own, other) = (self.of(Vendor::Own).count(), self.of(Vendor::Other).count());
        let stayed = self.call.answer.is_some();
        let within =
            |count: usize, (least, most): (usize, usize)| count <= most && (count >= least || !stayed);
        self.must(within(own, due.own) && within(other, due.other), || {
            format!("its vendor was asked {own} times, the other {other} times")
        });
        self.must(own + other == self.received.len(), || {
            "somebody else was asked".to_owned()
        });
        let times: Vec<Duration> = self.of(Vendor::Own).map(|request| request.received).collect();
        for pair in times.windows(2) {
            let gap = pair[1] - pair[0];
            self.must(gap >= self.pace.retry_delay, || {
                format!("asked again after {gap:?}")
            });
        }
    }

    /// Nothing goes on for a caller that has its answer, or has left.
    fn aftermath(&mut self) {
        let over = self.call.ended + STOPPED;
        for request in self.received {
            self.must(request.received <= self.call.ended + self.pace.blur, || {
                "a vendor was asked after the end".to_owned()
            });
            let Some(ended) = request.ended else {
                self.must(false, || format!("{} still works", request.vendor));
                continue;
            };
            self.must(ended.at <= over, || {
                format!(
                    "{} worked on for {:?}",
                    request.vendor,
                    ended.at - self.call.ended
                )
            });
            let spoiled = self.cell.fault.spoils && request.vendor == self.cell.name;
            if ended.how != How::Completed || spoiled {
                let closed = request.disconnected.is_some_and(|at| at <= over);
                self.must(closed, || {
                    format!("the broken connection to {} was kept", request.vendor)
                });
            }
        }
    }

    /// How long anything went on after the caller had left.
    fn left(&self) -> Duration {
        let ends = self.received.iter().filter_map(|request| request.ended);
        let last = ends.map(|ended| ended.at.saturating_sub(self.call.ended)).max();
        last.unwrap_or_default()
    }

    fn answered(&mut self, answer: &Answer, record: Option<&Value>) -> String {
        let others = self.of(Vendor::Other).count().min(1);
        self.marks(answer, record, 1 + others);
        let reading = match &answer.reading {
            Ok(reading) => reading,
            Err(problem) => {
                self.must(false, || format!("its form is wrong: {problem}"));
                return "wrong form".to_owned();
            }
        };
        let outcome = record.map_or(Value::Null, |record| record["outcome"].clone());
        let said = reading
            .error
            .as_ref()
            .map_or("completed", |error| error.code.as_deref().unwrap_or_default());
        self.must(outcome == said, || {
            format!("the record says {outcome}, the caller was told {said}")
        });
        self.in_time(answer);
        let Some(found) = self.find(answer.status, reading) else {
            return "wrong text".to_owned();
        };
        let outcome = found.in_words();
        self.compare(&found, answer);
        outcome
    }

    /// The headers and the record name who served, or failed last.
    fn marks(&mut self, answer: &Answer, record: Option<&Value>, attempts: usize) {
        let vendor = if attempts > 1 {
            self.cell.dialect.other_vendor()
        } else {
            &self.cell.name
        };
        let marks = [
            answer.header("x-patchbay-vendor"),
            answer.header("x-patchbay-attempts"),
        ];
        self.must(marks == [vendor, &attempts.to_string()], || {
            format!("marked {marks:?}")
        });
        let same = record.is_some_and(|record| record["vendor"] == vendor && record["attempts"] == attempts);
        self.must(same, || format!("recorded {record:?}"));
    }

    /// Whose answer it is; a part of one is followed by an error.
    fn find<'a>(&mut self, status: u16, reading: &'a Reading) -> Option<Found<'a>> {
        let (own, own_tokens) = self.cell.fault.said(self.pace.tokens, self.cell.form);
        let well = well_said(self.pace.tokens);
        if let Some(error) = &reading.error {
            let begins = own.starts_with(&reading.text) || well.starts_with(&reading.text);
            self.must(begins, || {
                format!("said before the error: {:?}", brief(&reading.text))
            });
            return Some(if status >= 400 {
                Found::Refused(status, error)
            } else {
                Found::Broken(error)
            });
        }
        let (vendor, tokens) = if reading.text == own {
            (Vendor::Own, own_tokens)
        } else if reading.text == well {
            (Vendor::Other, u64::from(self.pace.tokens))
        } else {
            self.must(false, || {
                format!(
                    "said to be complete: {} bytes: {:?}",
                    reading.text.len(),
                    brief(&reading.text)
                )
            });
            return None;
        };
        if let Some(usage) = reading.usage {
            let estimated = self.cell.fault.uncounted && vendor == Vendor::Own;
            let sane = if estimated {
                usage.completion <= reading.text.len() as u64
            } else {
                usage.completion == tokens
            };
            let prompt = usage.prompt <= self.call.prompt.len() as u64 + 20;
            self.must(sane && prompt, || format!("{usage:?}, and not {tokens} tokens"));
        }
        Some(Found::Complete(vendor))
    }

    fn compare(&mut self, found: &Found<'_>, answer: &Answer) {
        let due = self.cell.due().outcome;
        match (found, &due) {
            (Found::Complete(found), Outcome::Complete(due)) if found == due => {}
            (Found::Complete(_) | Found::Broken(_), Outcome::Any) => {}
            (Found::Refused(..), Outcome::Any) if !self.cell.fallback => {}
            (Found::Refused(status, error), Outcome::Refused(due)) => {
                self.must(*status == due.status, || format!("status {status}"));
                self.error(error, due, answer);
                let come_back: Option<u64> = answer.header("retry-after").parse().ok();
                let fits = match &self.cell.fault.come_back {
                    None => come_back.is_none(),
                    Some(due) => come_back.is_some_and(|seconds| due.contains(&seconds)),
                };
                self.must(fits, || format!("retry-after {come_back:?}"));
            }
            (Found::Broken(error), Outcome::Broken(due)) => self.error(error, due, answer),
            _ => self.must(false, || {
                format!("it came to {} and not to {due:?}", found.in_words())
            }),
        }
    }

    /// The right error, and where a clock rang, that one at its time.
    fn error(&mut self, error: &ApiError, due: &Error, answer: &Answer) {
        self.must(error.code.as_deref() == Some(due.code), || {
            format!("{error:?} and not {}", due.code)
        });
        let Some(clock) = due.clock else { return };
        let setting = format!("timeouts.{}", clock.setting());
        self.must(error.message.contains(&setting), || {
            format!("{} and not {setting}", error.message)
        });
        let (rings, elapsed) = (self.pace.clock(clock), self.call.ended - self.call.asked);
        let waited = if clock == Clock::Idle && self.cell.form == Form::Streamed {
            answer.last_pause
        } else {
            elapsed
        };
        self.must(waited + self.pace.blur >= rings, || {
            format!("{setting} after {waited:?}")
        });
    }

    /// All of it together takes no longer than the clock that has to ring and what is said.
    fn in_time(&mut self, answer: &Answer) {
        let elapsed = self.call.ended - self.call.asked;
        let clock = self.cell.fault.expect(self.cell.form, self.cell.dialect).clock();
        let rings = clock.map_or(Duration::ZERO, |clock| self.pace.clock(clock));
        let said = self.pace.interval * u32::from(self.pace.tokens);
        let longest = rings + 2 * said + self.pace.retry_delay + self.pace.slack;
        self.must(elapsed <= longest, || {
            format!("status {} took {elapsed:?}, not {longest:?}", answer.status)
        });
    }
}

// === impl Found ===

impl Found<'_> {
    fn in_words(&self) -> String {
        let code = |error: &ApiError| error.code.clone().unwrap_or_default();
        match self {
            Self::Complete(Vendor::Own) => "ok".to_owned(),
            Self::Complete(Vendor::Other) => "other".to_owned(),
            Self::Refused(status, error) => format!("{status} {}", code(error)),
            Self::Broken(error) => format!("event {}", code(error)),
        }
    }
}

/// What the caller said, in either dialect.
fn prompt(body: &Value) -> String {
    let content = &body["messages"][0]["content"];
    let text = content.as_str().or_else(|| content[0]["text"].as_str());
    text.unwrap_or_default().to_owned()
}
