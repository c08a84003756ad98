//! The trial of a component before it may serve: an adapter carries out synthetic exchanges, a strategy ranks a
//! synthetic pool, under the limits they will run under.
//!
//! What they answer does not matter, as long as it is an answer: a typed failure passes, a trap does not. Nothing is
//! sent.

use std::sync::Arc;

use bytes::Bytes;

use super::adapter::{Adapter, ExchangeError};
use super::contract::{Call, Head, Input, Next, Turn};
use super::error::{PluginError, Problem};
use super::load::Serves;
use super::payload::Payload;
use super::strategy::{PoolMember, Ranked, Role, StrategyInstance, StrategyPlugin};
use super::target::Target;
use crate::chat::Operation;

/// What a caller might ask for.
const PAYLOAD: &[u8] =
    br#"{"model": "trial", "messages": [{"role": "user", "content": "Is anybody there?"}], "max_tokens": 16}"#;
/// What a vendor might answer that is busy.
const BUSY: &[u8] = br#"{"error": {"message": "try again later", "type": "server_error", "code": null}}"#;
/// A time of the past, in milliseconds of Unix time.
const NOW: u64 = 1_700_000_000_000;

/// What went wrong in the trial.
#[derive(Debug, thiserror::Error)]
pub enum TrialError {
    #[error(transparent)]
    Plugin(#[from] PluginError),
    #[error("there is no runtime to run it: {0}")]
    NoRuntime(#[from] std::io::Error),
}

/// Tries it out. Settings are empty; a plugin that needs some is not tried beyond its description.
pub(super) fn run(serves: &Serves) -> Result<(), TrialError> {
    let empty = "{}";
    match serves {
        Serves::Adapter(adapter) if adapter.description().settings.check(empty).is_ok() => {
            exchange(adapter, empty, false)?;
            exchange(adapter, empty, true)?;
        }
        Serves::Strategy(strategy) if strategy.settings().check(empty).is_ok() => {
            rank(strategy, empty)?;
        }
        Serves::Adapter(_) | Serves::Strategy(_) => {}
    }
    Ok(())
}

/// A synthetic exchange, to its second step. What the adapter answered, in words that can be compared; nothing if it
/// knows no operation that callers ask for.
pub(super) fn exchange(
    adapter: &Arc<Adapter>,
    settings: &str,
    streaming: bool,
) -> Result<String, TrialError> {
    let knows = |operation: &Operation| adapter.supports(operation.as_str());
    let Some(operation) = [Operation::Chat, Operation::Embeddings].into_iter().find(knows) else {
        return Ok(String::new());
    };
    let target = Arc::new(Target::for_trial(adapter.description(), settings));
    let call = Call {
        operation: operation.as_str(),
        model: "trial".to_owned(),
        streaming: streaming && operation == Operation::Chat,
        request_id: "trial".to_owned(),
        attempt: 1,
        now: NOW,
        deadline: NOW + 60_000,
        entropy: 1,
    };
    // Waiting for a free instance needs a clock; nothing here comes from outside.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()?;
    runtime.block_on(async {
        let payload = Arc::new(Payload::new(Bytes::from_static(PAYLOAD)));
        let started = adapter.start(&call, &target, payload).await;
        let (mut exchange, progress) = match started {
            Ok(started) => started,
            // It does not like the request: an answer.
            Err(ExchangeError::Failed(failure)) => return Ok(format!("{failure:?}")),
            Err(ExchangeError::Plugin(error)) => return Err(error.into()),
        };
        let first = format!("{progress:?}");
        let Next::Send(_) = progress.next else {
            return Ok(first);
        };
        let head = Head {
            status: 503,
            headers: vec![("content-type".to_owned(), "application/json".to_owned())],
        };
        let body = Bytes::from_static(BUSY);
        let second = exchange.advance(NOW + 1, Input::Reply { head, body }).await?;
        Ok(format!("{first} {second:?}"))
    })
}

/// Ranks of a synthetic pool. What the strategy answered, in words that can be compared.
pub(super) fn rank(strategy: &Arc<StrategyPlugin>, settings: &str) -> Result<String, TrialError> {
    let ranked = strategy
        .instance(settings, &pool(3), Role::Live)
        .and_then(|mut instance| {
            // A gateway that has just started knows little: every fact is unknown, then every fact is one.
            let unknown = rank_once(&mut instance, strategy, 3, f64::NAN)?;
            let known = rank_once(&mut instance, strategy, 3, 1.0)?;
            Ok(format!("{unknown:?} {known:?}"))
        });
    match ranked {
        // It would rather not: an answer.
        Err(PluginError {
            problem: Problem::Refused(message),
            ..
        }) => Ok(message),
        ranked => Ok(ranked?),
    }
}

/// One decision over so many candidates, all of whose facts are `fact`.
pub(super) fn rank_once(
    instance: &mut StrategyInstance,
    strategy: &StrategyPlugin,
    candidates: u32,
    fact: f64,
) -> Result<Ranked, PluginError> {
    let turn = Turn {
        operation: Operation::Chat,
        model: "trial".to_owned(),
        caller: "trial".to_owned(),
        streaming: false,
        tags: Vec::new(),
        input_tokens: 16,
        sequence: 0,
        entropy: 1,
        now: NOW,
        deadline: NOW + 60_000,
    };
    let offered: Vec<u32> = (0..candidates).collect();
    let facts = vec![fact; offered.len() * strategy.facts().len()];
    instance.rank(&turn, &offered, &facts, &[])
}

pub(super) fn pool(candidates: u32) -> Vec<PoolMember> {
    let member = |number: u32| PoolMember {
        vendor: "trial".to_owned(),
        account: format!("account-{number}"),
        model: "trial".to_owned(),
        tags: Vec::new(),
    };
    (0..candidates).map(member).collect()
}
