//! Decisions that were made under load and failures are recorded, and made again outside of the gateway.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;
use std::time::Duration;

use http::StatusCode;
use patchbay_simulator::{Rule, Simulator};
use patchbay_tests::{Gateway, SERVER, ended_within, root, run};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::cli::json_of;
use crate::setup::{hello, simulator, vendor, with, with_circuit};

const VENDORS: [&str; 4] = ["one", "two", "three", "four"];

/// What a gateway has left behind.
pub(crate) struct Recording {
    folder: TempDir,
}

// === impl Recording ===

impl Recording {
    /// A gateway with this configuration records what it decides for so many callers with so many requests each, and is
    /// stopped. `request`: of the number.
    pub(crate) async fn of(
        plugins: &[&str],
        config: &str,
        (callers, requests): (usize, usize),
        request: fn(usize) -> Value,
    ) -> Self {
        let config = format!("{config}\n[decisions]\nrecord = \"decisions.jsonl\"\n");
        let mut gateway = Gateway::start(plugins, &config).await;
        let callers: Vec<_> = (0..callers)
            .map(|caller| {
                let client = gateway.client();
                tokio::spawn(async move {
                    for number in 0..requests {
                        client.chat(&request(caller * requests + number)).await;
                    }
                })
            })
            .collect();
        for caller in callers {
            caller.await.unwrap();
        }
        gateway.signal("TERM");
        let ended = ended_within(&mut gateway.process, Duration::from_secs(10)).await;
        assert!(ended.unwrap().success());
        let recording = Self {
            folder: TempDir::new().unwrap(),
        };
        fs::copy(gateway.folder().join("decisions.jsonl"), recording.file()).unwrap();
        recording
    }

    pub(crate) fn file(&self) -> PathBuf {
        self.folder.path().join("decisions.jsonl")
    }

    /// What each line says.
    pub(crate) fn lines(&self) -> Vec<Value> {
        let text = fs::read_to_string(self.file()).unwrap();
        text.lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    /// Replays it with a strategy that is shipped, and these options beside.
    pub(crate) fn replay(&self, strategy: &str, options: &[&str]) -> Output {
        replay(&self.file(), &shipped(strategy), options)
    }

    /// The same, which must go well, as JSON.
    pub(crate) fn report(&self, strategy: &str, options: &[&str]) -> Value {
        let replayed = self.replay(strategy, &[options, &["--json"]].concat());
        assert!(replayed.status.success(), "{replayed:?}");
        json_of(&replayed)
    }
}

pub(crate) fn replay(recording: &Path, strategy: &Path, options: &[&str]) -> Output {
    let (recording, strategy) = (recording.to_str().unwrap(), strategy.to_str().unwrap());
    run(
        &[&["replay", recording, "--strategy", strategy], options].concat(),
        &[],
    )
}

fn shipped(strategy: &str) -> PathBuf {
    root().join(format!("target/plugins/{strategy}.wasm"))
}

/// Four vendors for the models `m` and `n`, of which the later ones are preferred and dearer, with a circuit.
fn four(simulator: &Simulator, strategy: &str) -> String {
    let tables = (1..).zip(VENDORS).map(|(number, name)| {
        let price = format!("price = {{ input = {number}.0, output = {number}0.0 }}");
        let model = format!("{{ name = \"m\", priority = {}, {price} }}", 10 - number);
        format!("{}models = [{model}]\n", vendor(simulator, name))
    });
    let targets = VENDORS.map(|name| format!("\"{name}/m\"")).join(", ");
    let models = ["m", "n"]
        .map(|model| format!("[models.{model}]\ntargets = [{targets}]\nstrategy = \"{strategy}\"\n"));
    let tables: String = tables.collect();
    with_circuit(
        &format!("{SERVER}{tables}\n{}", models.concat()),
        "first = \"50ms\"\nlongest = \"100ms\"\n",
    )
}

/// How often a vendor fails before it serves, and in what way.
type Trouble = (&'static str, u64, StatusCode);

const TROUBLE: [Trouble; 3] = [
    ("one", 40, StatusCode::INTERNAL_SERVER_ERROR),
    ("two", 25, StatusCode::TOO_MANY_REQUESTS),
    ("four", 12, StatusCode::BAD_GATEWAY),
];
/// Most decisions are between vendors that can be asked.
const LITTLE_TROUBLE: &[Trouble] = &[("one", 5, StatusCode::INTERNAL_SERVER_ERROR)];

/// Every third request is for `n`.
fn request(number: usize) -> Value {
    let model = if number.is_multiple_of(3) { "n" } else { "m" };
    with(hello(), json!({"model": model}))
}

async fn recorded(strategy: &str, trouble: &[Trouble]) -> Recording {
    let simulator = simulator().await;
    let fails = |(vendor, times, status): &Trouble| Rule::first(*times).vendor(*vendor).status(*status);
    simulator.set_rules(trouble.iter().map(fails).collect());
    let config = four(&simulator, strategy);
    Recording::of(&["openai", strategy], &config, (10, 30), request).await
}

fn sum(list: &Value, member: &str) -> u64 {
    let list = list.as_array().unwrap().iter();
    list.map(|entry| entry[member].as_u64().unwrap()).sum()
}

#[tokio::test]
async fn the_strategy_that_decided_decides_the_same_again() {
    for strategy in ["round-robin", "priority"] {
        let recording = recorded(strategy, &TROUBLE).await;
        let report = recording.report(strategy, &["--exact"]);
        let all = json!({"decisions": 300, "same_order": 300, "same_askable": 300, "same_first": 300});
        assert_eq!(report["agreement"], all, "{report:#}");
        assert_eq!(report["first_difference"], Value::Null);
        for chosen in report["candidates"].as_array().unwrap() {
            assert_eq!(chosen["recorded"], chosen["replayed"], "{chosen}");
        }
        assert_eq!(
            report["models"],
            json!([{"model": "m", "decisions": 200}, {"model": "n", "decisions": 100}])
        );
        // There was something to decide: not everybody could be asked all the time, and requests ended out of order.
        let lines = recording.lines();
        let decisions: Vec<&Value> = lines.iter().filter_map(|line| line.get("decision")).collect();
        let away = decisions.iter().filter(|decision| {
            let rows = decision["facts"].as_array().unwrap().iter();
            rows.map(|row| row[0].as_f64().unwrap()).sum::<f64>() < 4.0
        });
        assert!(away.count() > 10, "{strategy}");
        assert!(
            !decisions.is_sorted_by_key(|decision| decision["number"].as_u64()),
            "{strategy}"
        );
    }
}

#[tokio::test]
async fn another_strategy_is_compared() {
    let recording = recorded("round-robin", LITTLE_TROUBLE).await;
    let report = recording.report("priority", &[]);
    let agreement = &report["agreement"];
    assert_eq!(agreement["decisions"], 300);
    let same = |what: &str| agreement[what].as_u64().unwrap();
    assert!(same("same_order") <= same("same_askable") && same("same_askable") <= same("same_first"));
    assert!(same("same_first") < 300 && same("same_first") > 0, "{agreement}");
    assert!(
        report["recorded_by"][0]["decider"]
            .as_str()
            .unwrap()
            .starts_with("round-robin@")
    );
    let (chosen, nobody) = (&report["candidates"], &report["nobody"]);
    for side in ["recorded", "replayed"] {
        assert_eq!(
            sum(chosen, side) + nobody[side].as_u64().unwrap(),
            300,
            "{report:#}"
        );
    }
    // The last one goes first, and costs the most.
    let last = chosen.as_array().unwrap().iter().find(|chosen| {
        let name = chosen["candidate"].as_str().unwrap();
        name.starts_with("four/") && name.ends_with("/m")
    });
    assert!(last.unwrap()["replayed"].as_u64() > last.unwrap()["recorded"].as_u64());
    let cost = &report["cost_usd"];
    assert_eq!(
        cost["decisions"].as_u64().unwrap() + cost["unknown"].as_u64().unwrap(),
        300
    );
    assert!(
        cost["replayed_sum"].as_f64() > cost["recorded_sum"].as_f64(),
        "{cost}"
    );
    assert!(report["latency_ms"]["decisions"].as_u64().unwrap() > 0);
    assert!(report["calls"]["p99_us"].as_f64().unwrap() > 0.0);
    assert_eq!(report["failures"], json!([]));

    // One that remembers goes on with what it remembered of each model, the same way each time.
    let turns = || recording.report("weighted-round-robin", &[])["candidates"].clone();
    let taken = turns();
    assert_eq!(taken, turns());
    let used = taken
        .as_array()
        .unwrap()
        .iter()
        .filter(|chosen| chosen["replayed"].as_u64() > Some(10));
    assert!(used.count() >= 2, "{taken:#}");

    let of_n = recording.report("priority", &["--model", "n"]);
    assert_eq!(of_n["models"], json!([{"model": "n", "decisions": 100}]));
    let exact = recording.replay("priority", &["--exact"]);
    assert_eq!(exact.status.code(), Some(1));
    let text = String::from_utf8(exact.stdout).unwrap();
    for words in [
        "on 300 recorded decisions",
        "orders are not the same",
        "RECORDED BY",
        "FIRST CHOICE",
        "four/",
    ] {
        assert!(text.contains(words), "{words:?} in {text}");
    }
}

#[tokio::test]
async fn a_strategy_that_fails_is_told_of_and_given_up() {
    let recording = recorded("round-robin", LITTLE_TROUBLE).await;
    let guests = root().join("target/test-plugins/wayward.wasm");
    patchbay_tests::component("wayward");
    let wayward = |rank: &str| {
        let settings = json!({"rank": rank}).to_string();
        replay(&recording.file(), &guests, &["--settings", &settings, "--json"])
    };
    for (rank, why) in [
        ("panic", "no idea whom to choose"),
        ("loop", "plugins.limits.call"),
        ("twice", "ranked twice"),
    ] {
        let given_up = wayward(rank);
        assert_eq!(
            (given_up.status.code(), given_up.stdout.len()),
            (Some(1), 0),
            "{rank}"
        );
        let said = String::from_utf8(given_up.stderr).unwrap();
        assert!(
            said.contains("after 20 failures in a row") && said.contains(why),
            "{rank}: {said}"
        );
    }
    // What it says itself takes no time, so all of it is told.
    let refused = wayward("refuse");
    assert!(refused.status.success());
    let failure = &json_of(&refused)["failures"][0];
    assert_eq!(
        (&failure["message"], &failure["times"]),
        (&"I would rather not".into(), &300.into())
    );
    let only_the_last = wayward("only-the-last");
    assert!(only_the_last.status.success());
    assert_eq!(json_of(&only_the_last)["agreement"]["same_order"], 0);
}

#[tokio::test]
async fn a_recording_goes_on_after_a_crash() {
    let simulator = simulator().await;
    let config = four(&simulator, "round-robin") + "\n[decisions]\nrecord = \"decisions.jsonl\"\n";
    let mut gateway = Gateway::start(&["openai", "round-robin"], &config).await;
    let file = gateway.folder().join("decisions.jsonl");
    for _ in 0..5 {
        gateway.client().chat(&hello()).await;
    }
    let lines = || fs::read_to_string(&file).unwrap_or_default().lines().count();
    patchbay_tests::eventually("5 decisions are recorded", async || (lines() == 7).then_some(())).await;
    gateway
        .restart(|_| {
            let mut text = fs::read(&file).unwrap();
            text.truncate(text.len() - 20);
            fs::write(&file, text).unwrap();
        })
        .await;
    for _ in 0..3 {
        gateway.client().chat(&hello()).await;
    }
    patchbay_tests::eventually("3 more are", async || (lines() == 12).then_some(())).await;
    let replayed = replay(&file, &shipped("round-robin"), &["--exact", "--json"]);
    assert!(replayed.status.success(), "{replayed:?}");
    assert_eq!(json_of(&replayed)["agreement"]["same_order"], 7);
}

#[test]
fn what_cannot_be_replayed_is_said_with_what_to_do() {
    let folder = TempDir::new().unwrap();
    let write = |name: &str, text: &str| {
        let file = folder.path().join(name);
        fs::write(&file, text).unwrap();
        file
    };
    let head = "{\"recording\":{\"version\":1}}\n";
    let cases = [
        (folder.path().join("missing"), "No such file"),
        (folder.path().to_owned(), "it must be a file"),
        (write("empty", ""), "decisions.record"),
        (write("foreign", "[server]\n"), "not a recording of decisions"),
        (write("later", "{\"recording\":{\"version\":9}}\n"), "version 9"),
        (write("none", head), "holds no decisions yet"),
        (
            write("wrong", &format!("{head}{{\"decision\":1}}\n{head}x\n")),
            "line 4 is not a line",
        ),
    ];
    for (file, expected) in cases {
        let refused = replay(&file, &shipped("priority"), &[]);
        let said = String::from_utf8(refused.stderr).unwrap();
        assert_eq!(refused.status.code(), Some(1), "{said}");
        assert!(
            said.contains(expected) && said.contains(file.to_str().unwrap()),
            "{said}"
        );
    }
    let none = write("none", head);
    let cases: [(&str, &[&str], &str); 4] = [
        ("openai", &[], "an adapter, which decides nothing"),
        ("no-such", &[], "cannot read"),
        (
            "priority",
            &["--settings", "share=1"],
            "--settings is not a JSON object",
        ),
        (
            "priority",
            &["--settings", "{\"share\": 1}"],
            "the settings do not fit priority@",
        ),
    ];
    for (strategy, options, expected) in cases {
        let refused = replay(&none, &shipped(strategy), options);
        let said = String::from_utf8(refused.stderr).unwrap();
        assert_eq!(refused.status.code(), Some(1), "{said}");
        assert!(said.contains(expected), "{said}");
    }
}
