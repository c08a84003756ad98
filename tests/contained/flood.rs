//! The same attack again and again, as fast as the gateway lets it.

use std::time::{Duration, Instant};

use patchbay_tests::{Gateway, other_version};
use serde_json::Value;
use tokio::time::{sleep, timeout};

use crate::outcome;
use crate::stage::BOUNDED;

/// How long it is repeated, and by how many at once.
const FLOOD: Duration = Duration::from_millis(200);
const ATTACKERS: usize = 4;

/// Repeats the call at full rate. Nobody gets anything but what the first got.
pub(crate) async fn flood_with_calls(request: &Value, gateway: &Gateway, outcome: &str) -> Vec<String> {
    let deadline = Instant::now() + FLOOD;
    let attackers = (0..ATTACKERS).map(|_| {
        let (client, request) = (gateway.client(), request.clone());
        tokio::spawn(async move {
            let mut answers = Vec::new();
            while Instant::now() < deadline {
                let answer = timeout(BOUNDED, client.chat(&request)).await;
                let late = |_| "no answer".to_owned();
                answers.push(answer.map_or_else(late, |answer| outcome::line(&answer)));
            }
            answers
        })
    });
    let allowed = outcome.lines().next().unwrap_or_default();
    // Where there are too many at once, some are told to come back.
    let fits = |line: &str| allowed.contains(line) || line.starts_with("503");
    let mut faults = Vec::new();
    for attacker in attackers.collect::<Vec<_>>() {
        let other = attacker.await.unwrap().into_iter().find(|line| !fits(line));
        faults.extend(other.map(|line| format!("repeated, it came to {line}")));
    }
    faults.dedup();
    faults
}

/// Puts variations of the file into the folder as fast as they are looked at, and then a new version of the innocent
/// plugin, which must be taken within bounded time.
pub(crate) async fn flood_with_files(bytes: &[u8], gateway: &Gateway) -> Vec<String> {
    let admin = gateway.admin();
    let deadline = Instant::now() + FLOOD;
    let mut number = 0u32;
    while Instant::now() < deadline {
        number += 1;
        gateway.write_plugin("suspect.wasm", &varied(bytes, number));
        // Two of them: a single one could hide behind the other worker.
        let reloads =
            async { tokio::join!(admin.post("/admin/reload", ""), admin.post("/admin/reload", "")) };
        let _ = timeout(BOUNDED, reloads).await;
    }
    let (bytes, version) = other_version("relay", "after");
    let serving = format!("innocent@{version}");
    gateway.write_plugin("innocent.wasm", &bytes);
    let taken = async {
        while gateway.plugin("innocent").await["serving"] != serving {
            sleep(Duration::from_millis(10)).await;
        }
    };
    let taken = timeout(BOUNDED, taken).await;
    let late = taken
        .err()
        .map(|_| format!("another plugin was not reloaded within {BOUNDED:?}"));
    late.into_iter().collect()
}

/// The same with a custom section at its end, so that it is looked at again.
fn varied(bytes: &[u8], number: u32) -> Vec<u8> {
    // Section 0 of 6 bytes: a name of one byte, and four bytes.
    [bytes, &[0, 6, 1, b'n'], &number.to_le_bytes()].concat()
}
