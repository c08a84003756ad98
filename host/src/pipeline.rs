//! The journey of a request, from top to bottom, in the order in which it happens.
//!
//! Each step is a module of its own and knows none of the others; they meet here. Knows no HTTP.

mod attempt;
mod attempts;
mod conversation;
mod drive;
mod events;
mod probe;
mod refusal;
mod verdict;
mod wishes;

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use tokio::time::{Instant, timeout, timeout_at};

pub(crate) use attempts::{Answer, BegunStream, Opened};
pub(crate) use drive::{Drive, Piece};
pub use probe::{PROBE, Probe};
pub use refusal::Refusal;
pub use wishes::Wishes;

use crate::app::Gateway;
use crate::chat::{ChatRequest, Operation};
use crate::clock;
use crate::config::Timeouts;
use crate::generation::{Caller, Generation};
use crate::pool::{Gate, Place};
use crate::route::{Asking, Plan, PlanError, Planned, Route};
use crate::stream::{CallerStream, Ending};
use crate::telemetry::StrategyFellBack;
use crate::usage::{Record, Trail};
use attempts::Attempts;

/// What came in.
#[derive(Debug)]
pub struct Incoming<'a, B> {
    pub operation: Operation,
    /// The key the caller presented.
    pub key: Option<&'a [u8]>,
    pub wishes: Wishes<'a>,
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
    /// SSE frames; its first token is there already, or the caller has waited so long that the rest of what there is
    /// to say is said in the stream.
    Stream(Box<CallerStream>),
}

/// Attempts under way, for a caller who waits for a stream.
pub(crate) type Opening = Pin<Box<dyn Future<Output = Opened> + Send>>;

/// Serves one request. Dropping the future stops everything under way for it.
pub async fn serve<B>(gateway: &Gateway, incoming: Incoming<'_, B>) -> Served
where
    B: Future<Output = Result<Bytes, Refusal>>,
{
    let mut record = Record::new(request_id(), incoming.operation);
    let (generation, caller, request, place, plan) = match admit(gateway, incoming, &mut record).await {
        Ok(admitted) => admitted,
        Err(refusal) => return refuse(record, refusal),
    };
    let settings = generation.settings.clone();
    let (streaming, trail, waited) = (request.streaming, record.trail.clone(), record.elapsed());
    // One candidate after the other, until one has something to show.
    let opening: Opening = Box::pin(
        Attempts {
            deadline: Instant::now() + settings.timeouts.total,
            generation,
            request,
            caller: caller.name,
            queue: VecDeque::from(plan.order),
            record,
            place,
            last: None,
            come_back: None,
            held: plan.held,
        }
        .run(),
    );
    let patience = settings.server.keep_alive.filter(|_| streaming);
    let timeouts = &settings.timeouts;
    match patience {
        None => open(opening.await, timeouts),
        Some(patience) => {
            let mut opening = opening;
            match timeout(patience.saturating_sub(waited), &mut opening).await {
                Ok(opened) => open(opened, timeouts),
                // From here on the caller is told in the stream.
                Err(_) => Served {
                    trail,
                    reply: Ok(Reply::Stream(Box::new(CallerStream::opening(opening, timeouts)))),
                },
            }
        }
    }
}

type Admitted = (Arc<Generation>, Caller, ChatRequest, Place, Plan);

/// Everything before the first attempt.
async fn admit<B>(
    gateway: &Gateway,
    incoming: Incoming<'_, B>,
    record: &mut Record,
) -> Result<Admitted, Refusal>
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
    let granted = incoming.wishes.granted_to(&caller)?;
    let default = generation.settings.default_model.as_deref();
    let mut request = ChatRequest::parse(incoming.operation, incoming.body.await?, default)?;
    generation.replace_default(&mut request.model);
    record.read(&request);
    // Whoever is one too many waits for a turn, or is sent away.
    let place = enter(gateway.entrance(), &generation, &caller).await?;
    // A strategy ranks those candidates that can serve this request.
    let asking = Asking {
        request: &request,
        request_id: &record.trail.request_id.clone(),
        caller: &caller.name,
        tags: &granted.tags,
        strategy: granted.strategy.as_ref(),
        deadline: clock::unix_millis().saturating_add(total(&generation)),
    };
    let route = route(&generation, &caller, &request)?;
    let patience = Instant::now() + generation.settings.server.admission.wait;
    let plan = plan_when_verified(gateway, route, asking, record, patience).await?;
    Ok((generation, caller, request, place, plan))
}

fn route<'a>(
    generation: &'a Generation,
    caller: &Caller,
    request: &ChatRequest,
) -> Result<&'a Route, Refusal> {
    let route = generation.route(&request.model);
    route
        .filter(|route| caller.may_use(&route.name))
        .ok_or_else(|| Refusal::UnknownModel(request.model.clone()))
}

/// Of all attempts together, in milliseconds.
fn total(generation: &Generation) -> u64 {
    u64::try_from(generation.settings.timeouts.total.as_millis()).unwrap_or(u64::MAX)
}

async fn enter(entrance: &Arc<Gate>, generation: &Generation, caller: &Caller) -> Result<Place, Refusal> {
    if let Some(place) = entrance.enter() {
        return Ok(place);
    }
    let admission = &generation.settings.server.admission;
    let waiter = entrance
        .queue(&caller.name, admission.queue)
        .ok_or(Refusal::Busy)?;
    timeout(admission.wait, waiter).await.map_err(|_| Refusal::Busy)
}

/// Where there is nobody but keys that are being verified, their probes are waited for.
async fn plan_when_verified(
    gateway: &Gateway,
    route: &Route,
    asking: Asking<'_>,
    record: &mut Record,
    until: Instant,
) -> Result<Plan, Refusal> {
    loop {
        let mut changed = std::pin::pin!(gateway.key_changed());
        let planned = route.plan(asking).await;
        tell(route, &planned);
        if let Err(PlanError::Held(held)) = &planned.plan
            && held.verifying
            && timeout_at(until, changed.as_mut()).await.is_ok()
        {
            continue;
        }
        if let Some(decision) = planned.decision {
            record.follow(decision, gateway.journal().clone());
        }
        return planned.plan.map_err(Refusal::NoCandidate);
    }
}

fn tell(route: &Route, planned: &Planned) {
    let decision = planned.decision.as_ref();
    if decision.is_some_and(|decision| decision.made.failed.is_some()) {
        StrategyFellBack {
            model: &route.name,
            error: planned.fell_back.as_ref(),
        }
        .emit();
    }
}

fn refuse(mut record: Record, refusal: Refusal) -> Served {
    record.end(&Ending::Failed(refusal.as_failure()));
    Served {
        trail: record.trail.clone(),
        reply: Err(refusal),
    }
}

/// What the caller gets when the attempts are over.
fn open(opened: Opened, timeouts: &Timeouts) -> Served {
    let Opened {
        mut record,
        place,
        result,
    } = opened;
    let answer = match result {
        Ok(answer) => answer,
        Err(refusal) => return refuse(record, refusal),
    };
    let trail = record.trail.clone();
    let reply = match answer {
        Answer::Whole(body) => {
            record.end(&Ending::Completed);
            Reply::Whole(body)
        }
        Answer::Stream(begun) => {
            Reply::Stream(Box::new(CallerStream::begun(*begun, record, place, timeouts)))
        }
    };
    Served {
        trail,
        reply: Ok(reply),
    }
}

fn request_id() -> String {
    format!("req_{:016x}{:016x}", clock::entropy(), clock::entropy())
}
