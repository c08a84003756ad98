//! One request's life: find the vendor, read the request, ask the rules, write the reply, play it. Must
//! never leave an exchange without an end: whoever drops it early is a caller who left.

use std::sync::{Arc, OnceLock};

use axum::body::{Body, to_bytes};
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, Request, StatusCode};
use hyper::body::Incoming;

use crate::answer::Draft;
use crate::ask::Ask;
use crate::playback::Playback;
use crate::record::{Ended, Entry, How};
use crate::reply::Reply;
use crate::rules::Subject;
use crate::state::State;
use crate::tally::Tally;
use crate::vendors::{Refusal, Route, Stamp, route};
use crate::wire::Wire;

/// The largest request read, in bytes; larger than any vendor takes.
const LARGEST_REQUEST: usize = 128 * 1024 * 1024;
const ANONYMOUS: &str = "anonymous";

/// A request from its arrival to its end, which is noted exactly once.
#[derive(Debug)]
pub(crate) struct Exchange {
    state: Arc<State>,
    tally: Arc<Tally>,
    wire: Arc<Wire>,
    entry: Option<Arc<Entry>>,
    events: u32,
    ended: bool,
}

/// Answers everything that is not the control API.
pub(crate) async fn answer(state: &Arc<State>, wire: &Arc<Wire>, request: Request<Incoming>) -> Response {
    let received = state.now();
    let (parts, body) = request.into_parts();
    let Some(route) = route(&parts.method, parts.uri.path(), &parts.headers) else {
        return (
            StatusCode::NOT_FOUND,
            "the simulator has no such path; see its documentation\n",
        )
            .into_response();
    };
    let Ok(body) = to_bytes(Body::new(body), LARGEST_REQUEST).await else {
        return (
            StatusCode::PAYLOAD_TOO_LARGE,
            "the request is too large or broke off\n",
        )
            .into_response();
    };

    let account = route
        .format
        .account(&parts.headers)
        .map_or(ANONYMOUS, |key| key.split('.').next().unwrap_or(key))
        .to_owned();
    let asked = route.format.read(route.operation, route.path, &body);
    let sequence = state.next_sequence();
    let reply = reply(state, &route, &account, &asked, sequence);
    let exchange = Exchange::begin(state, wire, &route, &account, || Entry {
        sequence,
        received,
        vendor: route.vendor.to_owned(),
        account: account.clone(),
        model: asked.as_ref().map_or("", Ask::model).to_owned(),
        operation: route.operation,
        streaming: asked.as_ref().is_ok_and(Ask::streams),
        status: reply.status,
        body,
        method: parts.method.clone(),
        uri: parts.uri.clone(),
        headers: parts.headers.clone(),
        wire: Arc::clone(wire),
        answered: OnceLock::new(),
        ended: OnceLock::new(),
    });
    respond(reply, exchange).await
}

/// What the vendor's format and the rules make of the request.
fn reply(
    state: &State,
    route: &Route<'_>,
    account: &str,
    asked: &Result<Ask, Refusal>,
    sequence: u64,
) -> Reply {
    let model = asked.as_ref().map_or("", Ask::model);
    let subject = Subject {
        vendor: route.vendor,
        account,
        model,
        operation: route.operation,
    };
    let behaviour = state.rules.behaviour(subject);
    let mut reply = match asked {
        Ok(ask) => {
            let mut draft = Draft::new(ask);
            behaviour.effects().for_each(|effect| effect.shape(&mut draft));
            route.format.write(ask, &draft, &Stamp { sequence, account })
        }
        Err(refusal) => Reply::whole(
            refusal.status,
            route.format.error(refusal.status, &refusal.message),
            1,
        ),
    };
    behaviour
        .effects()
        .for_each(|effect| effect.alter(&mut reply, route.format));
    if let Ok(id) = HeaderValue::try_from(format!("req-{sequence}")) {
        reply.headers.entry(route.format.request_id()).or_insert(id);
    }
    reply
}

/// Comes to the head of the answer in its time, if ever; the body then plays by itself.
async fn respond(mut reply: Reply, mut exchange: Exchange) -> Response {
    if !reply.informational.is_empty() {
        exchange.wire.announce(&reply.informational);
    }
    if !reply.latency.is_zero() {
        tokio::time::sleep(reply.latency).await;
    }
    if reply.headless {
        exchange.reset();
        // The connection is about to drop this.
        std::future::pending::<()>().await;
    }
    if let Some(length) = reply.claimed {
        exchange.wire.claim(length);
    }
    exchange.answered();
    let mut response = Response::new(Body::empty());
    *response.status_mut() = reply.status;
    *response.headers_mut() = std::mem::take(&mut reply.headers);
    *response.body_mut() = Body::new(Playback::new(reply, exchange));
    response
}

// === impl Exchange ===

impl Exchange {
    fn begin(
        state: &Arc<State>,
        wire: &Arc<Wire>,
        route: &Route<'_>,
        account: &str,
        entry: impl FnOnce() -> Entry,
    ) -> Self {
        let tally = state.tallies.of(route.vendor, account);
        tally.begin();
        Self {
            state: Arc::clone(state),
            tally,
            wire: Arc::clone(wire),
            entry: state.recorder.keep(entry),
            events: 0,
            ended: false,
        }
    }

    /// Notes that the head of the answer is sent now.
    fn answered(&self) {
        if let Some(entry) = &self.entry {
            entry.answered.get_or_init(|| self.state.now());
        }
    }

    /// Ends with a reset of the connection.
    pub(crate) fn reset(&mut self) {
        self.end(How::Cut);
        self.wire.reset();
    }

    pub(crate) fn sent(&mut self, events: u32) {
        self.events += events;
    }

    /// Notes the end; a later one is not heard.
    pub(crate) fn end(&mut self, how: How) {
        if std::mem::replace(&mut self.ended, true) {
            return;
        }
        self.tally.end(how);
        if let Some(entry) = &self.entry {
            let ended = Ended {
                at: self.state.now(),
                how,
                events: self.events,
            };
            entry.ended.get_or_init(|| ended);
        }
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        self.end(How::CallerLeft);
    }
}
