//! A gateway with the hostile adapter, and how its deeds are judged.

use patchbay_simulator::Simulator;
use patchbay_tests::{Answer, Gateway, SERVER};
use serde_json::{Value, json};

use crate::setup::{say, vendor};

/// The hostile adapter serves `m`, the echo `good`.
pub(crate) async fn gateway(simulator: &Simulator, limits: &str) -> Gateway {
    let hostile = vendor(simulator, "hostile").replace("\"openai\"", "\"hostile\"");
    let config = format!(
        "{SERVER}[plugins.limits]\n{limits}\n{hostile}models = [\"m\"]\n[vendors.echo]\nmodels = [\"good\"]\n"
    );
    Gateway::start(&["hostile", "echo"], &config).await
}

pub(crate) fn order(command: &Value) -> Value {
    say(&command.to_string())
}

/// Others are served as if nothing had been.
pub(crate) async fn assert_serves(gateway: &Gateway) {
    let mut request = say("still here");
    request["model"] = "good".into();
    assert_eq!(gateway.client().chat(&request).await.content(), "still here");
    let answer = gateway
        .client()
        .chat(&order(&json!({"do": "answer", "text": "as asked"})))
        .await;
    assert_eq!(answer.content(), "as asked");
}

#[track_caller]
pub(crate) fn assert_error(answer: &Answer, status: u16, code: &str, command: &Value) {
    let error = answer.error();
    assert_eq!(
        (answer.status, error.code.as_deref()),
        (status, Some(code)),
        "{command}: {error:?}"
    );
}

/// The log names plugin, function and what it was, once for each of `times`.
pub(crate) async fn assert_named(gateway: &Gateway, function: &str, text: &str) {
    let is_it = |line: &Value| {
        line["level"] == "ERROR"
            && line["plugin"]
                .as_str()
                .is_some_and(|plugin| plugin.starts_with("hostile@"))
            && line["function"] == function
            && line["message"]
                .as_str()
                .is_some_and(|message| message.contains(text))
    };
    gateway
        .logged(&format!("hostile, {function}, {text}"), is_it)
        .await;
}
