//! The trial of a component before it may serve: an adapter carries out synthetic exchanges, a strategy ranks a
//! synthetic pool, under the limits they will run under.
//!
//! What they answer does not matter, as long as it is an answer: a typed failure passes, a trap does not. Nothing is
//! sent.

use std::sync::Arc;

use bytes::Bytes;

use super::adapter::{Adapter, ExchangeError};
use super::contract::{Call, Head, Input, Next, Turn};
use super::error::PluginError;
use super::load::Serves;
use super::strategy::{PoolMember, StrategyPlugin};
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
    match serves {
        Serves::Adapter(adapter) => {
            // Waiting for a free instance needs a clock; nothing here comes from outside.
            let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
            runtime.block_on(exchanges(adapter))
        }
        Serves::Strategy(strategy) => ranks(strategy),
    }
}

async fn exchanges(adapter: &Arc<Adapter>) -> Result<(), TrialError> {
    let knows = |operation: &Operation| adapter.supports(operation.as_str());
    let Some(operation) = [Operation::Chat, Operation::Embeddings].into_iter().find(knows) else {
        return Ok(());
    };
    if adapter.description().settings.check("{}").is_err() {
        return Ok(());
    }
    let target = Arc::new(Target::for_trial(adapter.description()));
    for streaming in [false, true] {
        let call = Call {
            operation,
            model: "trial".to_owned(),
            streaming: streaming && operation == Operation::Chat,
            request_id: "trial".to_owned(),
            attempt: 1,
            now: NOW,
            deadline: NOW + 60_000,
            entropy: 1,
        };
        let started = adapter.start(&call, &target, Bytes::from_static(PAYLOAD)).await;
        let (mut exchange, progress) = match started {
            Ok(started) => started,
            // It does not like the request: an answer.
            Err(ExchangeError::Failed(_)) => continue,
            Err(ExchangeError::Plugin(error)) => return Err(error.into()),
        };
        if let Next::Send(_) = progress.next {
            let head = Head {
                status: 503,
                headers: vec![("content-type".to_owned(), "application/json".to_owned())],
            };
            let body = Bytes::from_static(BUSY);
            exchange.advance(NOW + 1, Input::Reply { head, body }).await?;
        }
    }
    Ok(())
}

fn ranks(strategy: &Arc<StrategyPlugin>) -> Result<(), TrialError> {
    if strategy.settings().check("{}").is_err() {
        return Ok(());
    }
    let member = |account: &str| PoolMember {
        vendor: "trial".to_owned(),
        account: account.to_owned(),
        model: "trial".to_owned(),
        tags: Vec::new(),
    };
    let mut instance = strategy.instance("{}", &["one", "two", "three"].map(member))?;
    let turn = Turn {
        operation: Operation::Chat,
        model: "trial".to_owned(),
        caller: "trial".to_owned(),
        streaming: false,
        input_tokens: 16,
        sequence: 0,
        entropy: 1,
        now: NOW,
        deadline: NOW + 60_000,
    };
    let offered = [0, 1, 2];
    // A gateway that has just started knows little: every fact is unknown, then every fact is one.
    for fact in [f64::NAN, 1.0] {
        let facts = vec![fact; offered.len() * strategy.facts().len()];
        instance.rank(&turn, &offered, &facts, &[])?;
    }
    Ok(())
}
