//! What most tests begin with.

use std::time::Duration;

use patchbay_simulator::{Rule, Simulator};
use patchbay_tests::{Gateway, MARK, SERVER, other_version};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

pub(crate) async fn simulator() -> Simulator {
    Simulator::start("127.0.0.1:0").await.unwrap()
}

/// A vendor of this name at the simulator, with one account whose key is `<name>-key`. The table stays open.
pub(crate) fn vendor(simulator: &Simulator, name: &str) -> String {
    format!(
        "{}api_key = \"{name}-key.{MARK}\"\n",
        vendor_without_key(simulator, name)
    )
}

/// The same without the account.
pub(crate) fn vendor_without_key(simulator: &Simulator, name: &str) -> String {
    let url = simulator.url();
    format!("\n[vendors.{name}]\nadapter = \"openai\"\nbase_url = \"{url}/{name}/v1\"\n")
}

/// A gateway with one vendor, `sim`, whose model `m` does everything but embeddings and whose `e` embeds.
pub(crate) async fn one_vendor(simulator: &Simulator) -> Gateway {
    let models = "models = [\"m\", { name = \"e\", capabilities = [\"embeddings\"] }]\n";
    Gateway::start(
        &["openai"],
        &format!("{SERVER}{}{models}", vendor(simulator, "sim")),
    )
    .await
}

/// A gateway whose model `m` is served by the guest that can be had in many versions.
pub(crate) async fn relayed(simulator: &Simulator) -> Gateway {
    let vendor = vendor(simulator, "sim").replace("\"openai\"", "\"relay\"");
    Gateway::start(&["relay"], &format!("{SERVER}{vendor}models = [\"m\"]\n")).await
}

pub(crate) async fn serving_version(gateway: &Gateway, version: &str) {
    let identity = json!(format!("relay@{version}"));
    gateway
        .plugin_until("relay", |plugin| plugin["serving"] == identity)
        .await;
}

/// Puts another version of the relay in place and waits until it serves. What the version is called in full.
pub(crate) async fn replace_relay(gateway: &Gateway, version: &str) -> String {
    let (bytes, version) = other_version("relay", version);
    gateway.write_plugin("relay.wasm", &bytes);
    serving_version(gateway, &version).await;
    version
}

/// A configuration with the vendors `one`, `two`, ... as candidates of the public model `m`, in this order.
pub(crate) fn vendors(simulator: &Simulator, names: &[&str]) -> String {
    let tables: String = names
        .iter()
        .map(|name| vendor(simulator, name) + "models = [\"m\"]\n")
        .collect();
    let targets: Vec<String> = names.iter().map(|name| format!("\"{name}/m\"")).collect();
    format!(
        "{SERVER}{tables}\n[models.m]\ntargets = [{}]\n",
        targets.join(", ")
    )
}

/// The configuration with these lines in its `[server]`.
pub(crate) fn with_server(config: &str, lines: &str) -> String {
    config.replacen("[server]\n", &format!("[server]\n{lines}\n"), 1)
}

/// The configuration with a circuit, and these lines in its `[circuit]`.
pub(crate) fn with_circuit(config: &str, lines: &str) -> String {
    config.replacen(
        "[circuit]\nenabled = \"off\"\n",
        &format!("[circuit]\n{lines}"),
        1,
    )
}

/// Says hello to `m`.
pub(crate) fn hello() -> Value {
    say("Hello there")
}

pub(crate) fn say(text: &str) -> Value {
    json!({"model": "m", "messages": [{"role": "user", "content": text}]})
}

/// The request with these members as well.
pub(crate) fn with(mut request: Value, members: Value) -> Value {
    let Value::Object(members) = members else {
        return request;
    };
    request.as_object_mut().unwrap().extend(members);
    request
}

pub(crate) fn streamed(request: Value) -> Value {
    with(request, json!({"stream": true}))
}

/// What the vendors were asked, in order.
pub(crate) fn asked(simulator: &Simulator) -> Vec<String> {
    simulator
        .requests()
        .into_iter()
        .map(|request| request.vendor)
        .collect()
}

pub(crate) fn status(vendor: &str, status: u16) -> Rule {
    Rule::always()
        .vendor(vendor)
        .status(http::StatusCode::from_u16(status).unwrap())
}

/// The address of a vendor that answers each request with the next of these event streams, made of writes, and ends
/// it properly.
pub(crate) async fn vendor_that_streams(streams: Vec<Vec<String>>) -> String {
    /// Long enough for the gateway to read one write before the next.
    const PAUSE: Duration = Duration::from_millis(100);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        for writes in streams {
            let (mut connection, _) = listener.accept().await.unwrap();
            connection.set_nodelay(true).unwrap();
            let mut request = [0; 4096];
            let _ = connection.read(&mut request).await.unwrap();
            let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n";
            connection.write_all(head.as_bytes()).await.unwrap();
            for write in writes {
                // The gateway may have had enough.
                let _ = connection.write_all(write.as_bytes()).await;
                tokio::time::sleep(PAUSE).await;
            }
        }
    });
    url
}
