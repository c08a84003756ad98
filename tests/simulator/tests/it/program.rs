//! The simulator as a process, and how it stops.

use std::process::Stdio;
use std::time::Duration;

use patchbay_simulator::Rule;
use serde_json::json;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::time::timeout;

use crate::client::{Client, SOON, simulator, streamed};

fn program(arguments: &[&str]) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_patchbay-simulator"));
    command.args(["--listen", "127.0.0.1:0"]).args(arguments);
    command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap()
}

/// Where a started program says it listens.
async fn url(child: &mut Child) -> String {
    let mut line = String::new();
    let mut output = BufReader::new(child.stdout.as_mut().unwrap());
    timeout(SOON, output.read_line(&mut line)).await.unwrap().unwrap();
    line.trim()
        .strip_prefix("patchbay-simulator is ready on ")
        .unwrap()
        .to_owned()
}

async fn signalled(mut child: Child, signal: &str) -> Option<i32> {
    let id = child.id().unwrap().to_string();
    Command::new("kill").args([signal, &id]).status().await.unwrap();
    timeout(SOON, child.wait()).await.unwrap().unwrap().code()
}

#[tokio::test]
async fn the_program_takes_rules_and_stops_cleanly() {
    let rules = std::env::temp_dir().join(format!("patchbay-simulator-rules-{}.json", std::process::id()));
    std::fs::write(
        &rules,
        json!([{"then": {"reply": {"text": "From a file."}, "stall_after": 2}}]).to_string(),
    )
    .unwrap();
    for signal in ["-TERM", "-INT"] {
        let mut child = program(&["--rules", rules.to_str().unwrap(), "--no-record"]);
        let client = Client::new(url(&mut child).await);
        assert!(
            timeout(Duration::from_millis(100), client.chat("a", &streamed()))
                .await
                .is_err()
        );
        assert_eq!(client.get("/control/rules").await.json()[0]["used"], 1);
        assert_eq!(client.get("/control/requests").await.json(), json!([]));
        assert_eq!(signalled(child, signal).await, Some(0), "{signal}");
    }
    std::fs::remove_file(&rules).unwrap();
}

#[tokio::test]
async fn a_rules_file_that_cannot_be_used_is_named() {
    let mut child = program(&["--rules", "no-such-file.json"]);
    let mut complaint = String::new();
    child
        .stderr
        .as_mut()
        .unwrap()
        .read_to_string(&mut complaint)
        .await
        .unwrap();
    assert!(complaint.contains("no-such-file.json"), "{complaint}");
    assert_eq!(
        timeout(SOON, child.wait()).await.unwrap().unwrap().code(),
        Some(1)
    );
}

#[tokio::test]
async fn a_dropped_simulator_closes_its_port_and_connections() {
    let (simulator, client) = simulator([Rule::always().stall_after(0)]).await;
    let addr = simulator.addr();
    let waiting = tokio::spawn(async move { client.chat("a", &streamed()).await.clean });
    while simulator.state().in_flight == 0 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    drop(simulator);
    assert!(!timeout(SOON, waiting).await.unwrap().unwrap());
    assert!(TcpStream::connect(addr).await.is_err());
}

#[tokio::test]
async fn a_stopped_simulator_frees_its_port_at_once() {
    let (simulator, _client) = simulator([]).await;
    let addr = simulator.addr();
    simulator.stop().await;
    assert!(TcpStream::connect(addr).await.is_err());
}
