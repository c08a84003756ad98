//! The journey of a request, from top to bottom, in the order in which it happens.
//!
//! Each step is a module of its own and knows none of the others; they meet here. Knows no HTTP.

mod conversation;
mod drive;
mod events;
mod refusal;

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use tokio::time::{Instant, timeout_at};

pub(crate) use drive::{Drive, Piece};
pub use refusal::Refusal;

use crate::app::Gateway;
use crate::chat::{ChatRequest, Operation};
use crate::clock;
use crate::failure::{Failure, Kind, Scope};
use crate::generation::{Caller, Generation};
use crate::plugin::Call;
use crate::pool::Lease;
use crate::route::{Candidate, Plan};
use crate::stream::{CallerStream, Ending};
use crate::telemetry::{AttemptFailed, StrategyFellBack};
use crate::usage::{Record, Trail};

/// What came in.
#[derive(Debug)]
pub struct Incoming<'a, B> {
    pub operation: Operation,
    /// The key the caller presented.
    pub key: Option<&'a [u8]>,
    /// Resolves to the body; not read before the caller is known.
    pub body: B,
}

/// What goes out, and how it was made.
#[derive(Debug)]
pub struct Served {
    pub trail: Trail,
    pub reply: Result<Reply, Refusal>,
}

#[derive(Debug)]
pub enum Reply {
    /// An answer in canonical JSON.
    Whole(Bytes),
    /// SSE frames; its first token is there already.
    Stream(Box<CallerStream>),
}

/// An attempt that can no longer fail unseen.
enum Answer {
    Whole(Bytes),
    Stream {
        held: VecDeque<Bytes>,
        drive: Box<Drive>,
        lease: Lease,
        deadline: Instant,
    },
}

/// Serves one request. Dropping the future stops everything under way for it.
pub async fn serve<B>(gateway: &Gateway, incoming: Incoming<'_, B>) -> Served
where
    B: Future<Output = Result<Bytes, Refusal>>,
{
    let mut record = Record::new(request_id(), incoming.operation);
    let answer = journey(gateway, incoming, &mut record).await;
    let trail = record.trail.clone();
    let reply = match answer {
        Ok(Answer::Whole(body)) => {
            record.end(&Ending::Completed);
            Ok(Reply::Whole(body))
        }
        Ok(Answer::Stream {
            held,
            drive,
            lease,
            deadline,
        }) => Ok(Reply::Stream(Box::new(CallerStream::new(
            held, *drive, lease, record, deadline,
        )))),
        Err(refusal) => {
            record.end(&Ending::Failed(refusal.as_failure()));
            Err(refusal)
        }
    };
    Served { trail, reply }
}

async fn journey<B>(
    gateway: &Gateway,
    incoming: Incoming<'_, B>,
    record: &mut Record,
) -> Result<Answer, Refusal>
where
    B: Future<Output = Result<Bytes, Refusal>>,
{
    // One generation from here to the end of the answer: whatever is reloaded meanwhile, this request sees one
    // configuration and one version of each plugin.
    let generation = gateway.current();
    // Before anything is read, so that strangers cost us nothing.
    let caller = generation
        .authenticate(incoming.key)
        .ok_or(Refusal::Unauthenticated)?;
    record.caller.clone_from(&caller.name);
    let request = ChatRequest::parse(incoming.operation, incoming.body.await?)?;
    record.read(&request);
    // A strategy ranks those candidates that can serve this request.
    let plan = plan(&generation, &caller, &request, record).await?;
    // One candidate after the other, until one has something to show.
    attempts(&generation, &request, plan, record).await
}

async fn plan(
    generation: &Generation,
    caller: &Caller,
    request: &ChatRequest,
    record: &mut Record,
) -> Result<Plan, Refusal> {
    let unknown = || Refusal::UnknownModel(request.model.clone());
    let route = generation
        .route(&request.model)
        .filter(|route| caller.may_use(&route.name));
    let route = route.ok_or_else(unknown)?;
    let total = u64::try_from(generation.settings.timeouts.total.as_millis()).unwrap_or(u64::MAX);
    let deadline = clock::unix_millis().saturating_add(total);
    let plan = route.plan(request, &caller.name, deadline).await?;
    if let Some(error) = &plan.fell_back {
        StrategyFellBack {
            model: &route.name,
            error,
        }
        .emit();
    }
    record.trail.strategy = Some(plan.strategy.clone());
    Ok(plan)
}

/// At most so many attempts, each on a different candidate, within one deadline.
async fn attempts(
    generation: &Arc<Generation>,
    request: &ChatRequest,
    plan: Plan,
    record: &mut Record,
) -> Result<Answer, Refusal> {
    let deadline = Instant::now() + generation.settings.timeouts.total;
    let mut queue = VecDeque::from(plan.order);
    let mut last = None;
    while record.trail.attempts < generation.settings.attempts {
        let Some(candidate) = queue.pop_front() else { break };
        record.attempt(&candidate);
        let failure = match attempt(generation, request, &candidate, record, deadline).await {
            Ok(answer) => return Ok(answer),
            Err(failure) => failure,
        };
        AttemptFailed {
            trail: &record.trail,
            failure: &failure,
        }
        .emit();
        if !failure.worth_another_candidate() || Instant::now() >= deadline {
            return Err(Refusal::Failed(failure));
        }
        spare(&mut queue, &candidate, &failure);
        last = Some(failure);
    }
    Err(last.map_or(Refusal::OutOfCandidates, Refusal::Failed))
}

/// One attempt, up to a whole answer or the first token of a stream. Until then a failure is invisible to the
/// caller; afterwards nothing is tried again.
async fn attempt(
    generation: &Arc<Generation>,
    request: &ChatRequest,
    candidate: &Arc<Candidate>,
    record: &mut Record,
    deadline: Instant,
) -> Result<Answer, Failure> {
    let lease = candidate.state.lease();
    let started = Instant::now();
    let begun = timeout_at(deadline, begin(generation, request, candidate, record, deadline)).await;
    let result = begun.unwrap_or_else(|_| {
        let message = "no answer within timeouts.total";
        Err(Failure::new(Kind::Timeout, Scope::Endpoint, message))
    });
    if let Some(way) = &candidate.way {
        let failed = result.as_ref().is_err_and(Failure::counts_against_candidate);
        way.adapter.attempted(failed);
    }
    match result {
        Ok(Begun::Whole(body)) => {
            lease.succeeded(started.elapsed(), None);
            Ok(Answer::Whole(body))
        }
        Ok(Begun::Stream { held, drive }) => {
            record.first_token = Some(record.elapsed());
            let deadline = started + generation.settings.timeouts.stream;
            Ok(Answer::Stream {
                held,
                drive,
                lease,
                deadline,
            })
        }
        Err(failure) => {
            if failure.counts_against_candidate() {
                lease.failed();
            }
            Err(failure)
        }
    }
}

enum Begun {
    Whole(Bytes),
    Stream {
        held: VecDeque<Bytes>,
        drive: Box<Drive>,
    },
}

async fn begin(
    generation: &Arc<Generation>,
    request: &ChatRequest,
    candidate: &Arc<Candidate>,
    record: &mut Record,
    deadline: Instant,
) -> Result<Begun, Failure> {
    let way = candidate.way.as_ref().ok_or_else(|| {
        Failure::new(
            Kind::ServiceUnavailable,
            Scope::Candidate,
            "the candidate is not available",
        )
    })?;
    let now = clock::unix_millis();
    let left = u64::try_from((deadline - Instant::now()).as_millis()).unwrap_or(u64::MAX);
    let call = Call {
        operation: request.operation,
        model: candidate.model.clone(),
        streaming: request.streaming,
        request_id: record.trail.request_id.clone(),
        attempt: record.trail.attempts,
        now,
        deadline: now.saturating_add(left),
        entropy: clock::entropy(),
    };
    let payload = request.for_upstream(&candidate.model, candidate.parameters.iter());
    let upstream = generation.upstream.clone();
    let mut drive =
        Box::new(Drive::start(candidate, way, &call, payload, request.include_usage, upstream).await?);
    let mut held = VecDeque::new();
    let mut whole = None;
    while let Some(piece) = drive.next().await? {
        match piece {
            Piece::Whole(body) => whole = Some(body),
            Piece::Chunks(chunks) => {
                held.push_back(chunks.frames.freeze());
                if chunks.token {
                    // Nothing has reached the caller yet: a failure that came with the first token stays unseen.
                    return drive.doomed().map_or(Ok(Begun::Stream { held, drive }), Err);
                }
            }
        }
    }
    record.tokens = drive.usage();
    Ok(match whole {
        Some(body) => Begun::Whole(body),
        None => Begun::Stream { held, drive },
    })
}

/// Puts candidates that share what has just failed behind all others; they stay, because they may be the only
/// ones left.
fn spare(queue: &mut VecDeque<Arc<Candidate>>, failed: &Candidate, failure: &Failure) {
    let shares = |other: &Candidate| {
        other.vendor == failed.vendor
            && match failure.scope {
                Scope::Request | Scope::Candidate => false,
                Scope::Model => other.model == failed.model,
                Scope::Account => other.account == failed.account,
                Scope::Endpoint => true,
            }
    };
    queue.make_contiguous().sort_by_key(|candidate| shares(candidate));
    if failure.kind == Kind::ContextLength {
        let larger = |other: &Candidate| other.context_length > failed.context_length;
        queue.retain(|candidate| larger(candidate));
    }
}

fn request_id() -> String {
    format!("req_{:016x}{:016x}", clock::entropy(), clock::entropy())
}
