//! Plugins in JavaScript and Python: each example is built with the usual tools of its language and then serves, in
//! instances of its own and in shared ones; the strategy among them decides.
//!
//! A language whose tools cannot be had here is skipped, and the last lines say so. Compiling takes half a minute for
//! each, the first time.
#![expect(
    clippy::unwrap_used,
    reason = "a test's own functions fail the test the way its body does"
)]

mod strategy;

use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::process::Command;
use std::time::Instant;

use http::StatusCode;
use patchbay_simulator::{Rule, Simulator};
use patchbay_tests::{Client, Gateway, SERVER, root, run};
use serde_json::{Value, json};
use tempfile::TempDir;

/// The adapter of this name, and what it adds to what passes through it: a setting, and where its text shows.
struct Language {
    name: &'static str,
    settings: &'static str,
    /// In what the caller gets; else in what the vendor is sent.
    shows_in_answer: bool,
    /// The strategy that is built beside it.
    strategy: Option<&'static str>,
}

const LANGUAGES: [Language; 2] = [
    Language {
        name: "javascript",
        settings: "{ prefix = \"Marked: \" }",
        shows_in_answer: true,
        strategy: Some("sticky-caller"),
    },
    Language {
        name: "python",
        settings: "{ system = \"Marked: \" }",
        shows_in_answer: false,
        strategy: None,
    },
];
const MARK: &str = "Marked: ";
/// What an example's build script ends with when its tools cannot be had.
const NO_TOOLS: i32 = 3;
/// More streams at once than instances.
const STREAMS: usize = 24;

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    let mut skipped = Vec::new();
    for language in LANGUAGES {
        match build(language.name) {
            Ok(()) => {
                serve(&language, component(language.name)).await;
                if let Some(name) = language.strategy {
                    strategy::decides(name, component(name)).await;
                }
            }
            Err(why) => skipped.push(format!("skipped: plugins in {}: {why}", language.name)),
        }
    }
    skipped.iter().for_each(|line| say(line));
    if skipped.is_empty() {
        say("plugins in JavaScript and Python: built, loaded, served");
    }
}

/// Says why where it could not be built here.
fn build(name: &str) -> Result<(), String> {
    let began = Instant::now();
    let script = root().join("examples/plugins").join(name).join("build.sh");
    let built = Command::new(script).arg(out()).output().unwrap();
    let said = String::from_utf8_lossy(&built.stderr);
    if built.status.code() == Some(NO_TOOLS) {
        return Err(said.lines().last().unwrap_or("its tools are missing").to_owned());
    }
    assert!(built.status.success(), "{name} does not build: {said}");
    say(&format!(
        "{name}: built in {:.1} s",
        began.elapsed().as_secs_f64()
    ));
    Ok(())
}

fn out() -> PathBuf {
    root().join("target/languages")
}

/// One that has been built, and is compiled from then on.
fn component(name: &str) -> Vec<u8> {
    let component = fs::read(out().join(format!("{name}.wasm"))).unwrap();
    say(&format!(
        "{name}: {} KB, {:.1} s until it is compiled",
        component.len() / 1024,
        compile(name, &component)
    ));
    component
}

async fn serve(language: &Language, component: Vec<u8>) {
    let name = language.name;
    let simulator = Simulator::start("127.0.0.1:0").await.unwrap();
    for (reuse, instances) in [(false, 100), (true, 2)] {
        let config = format!(
            "{SERVER}[plugins.grants.{name}]\nreuse = {reuse}\n\
             limits = {{ call = \"5s\", memory = \"128MiB\", instances = {instances} }}\n\
             [vendors.sim]\nadapter = \"{name}\"\nbase_url = \"{}/sim/v1\"\napi_key = \"sim-key\"\n\
             settings = {}\nmodels = [\"m\"]\n",
            simulator.url(),
            language.settings
        );
        let gateway = Gateway::start_with(&[(name, component.clone())], &config).await;
        let began = Instant::now();
        whole(language, &simulator, &gateway).await;
        failures(&simulator, &gateway).await;
        streams(language, &gateway).await;
        say(&format!(
            "{name}: served in {:.1} s with {}",
            began.elapsed().as_secs_f64(),
            if reuse {
                "two instances for all"
            } else {
                "an instance for each"
            }
        ));
    }
}

/// Seconds until it can be loaded; from then on compiled code is in the cache of the tests.
fn compile(name: &str, component: &[u8]) -> f64 {
    let folder = TempDir::new().unwrap();
    let (file, config) = (
        folder.path().join(format!("{name}.wasm")),
        folder.path().join("patchbay.toml"),
    );
    fs::write(&file, component).unwrap();
    fs::write(&config, SERVER).unwrap();
    let cache = root().join("target/test-cache");
    let began = Instant::now();
    let inspected = run(
        &[
            "plugin",
            "inspect",
            file.to_str().unwrap(),
            "--config",
            config.to_str().unwrap(),
        ],
        &[("XDG_CACHE_HOME", cache.to_str().unwrap())],
    );
    assert!(
        inspected.status.success(),
        "{}",
        String::from_utf8_lossy(&inspected.stderr)
    );
    began.elapsed().as_secs_f64()
}

async fn whole(language: &Language, simulator: &Simulator, gateway: &Gateway) {
    simulator.forget_requests();
    let answer = gateway.client().chat(&hello(false)).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.content().starts_with(MARK), language.shows_in_answer);
    let sent = format!("{:?}", simulator.requests());
    assert_eq!(sent.contains(MARK), !language.shows_in_answer, "{sent}");
    assert!(answer.json()["usage"]["completion_tokens"].as_u64().unwrap() > 0);
}

async fn failures(simulator: &Simulator, gateway: &Gateway) {
    simulator.add(Rule::first(1).status(StatusCode::TOO_MANY_REQUESTS));
    assert_eq!(gateway.client().chat(&hello(false)).await.status, 429);
    simulator.set_rules(vec![Rule::first(1).tokens(10).cut_after(5)]);
    let cut = gateway.client().stream(&hello(true)).await.to_end().await;
    assert!(!cut.is_done() && cut.error().is_some(), "{cut:?}");
    simulator.set_rules(Vec::new());
}

/// Many at once, each of them its own.
async fn streams(language: &Language, gateway: &Gateway) {
    let asked = (0..STREAMS).map(|number| {
        let client = gateway.client();
        tokio::spawn(async move { (number, echo(&client, number).await) })
    });
    let asked: Vec<_> = asked.collect();
    for stream in asked {
        let (number, text) = stream.await.unwrap();
        assert!(text.contains(&format!("number-{number}.")), "{number}: {text}");
        assert_eq!(text.starts_with(MARK), language.shows_in_answer);
    }
}

async fn echo(client: &Client, number: usize) -> String {
    let request = json!({
        "model": "m", "stream": true,
        "messages": [{"role": "user", "content": format!("Say again: number-{number}.")}],
    });
    let stream = client.stream(&request).await.to_end().await;
    assert!(stream.is_done() && stream.error().is_none(), "{stream:?}");
    stream.content()
}

fn hello(streaming: bool) -> Value {
    json!({"model": "m", "stream": streaming, "messages": [{"role": "user", "content": "Hello there"}]})
}

fn say(line: &str) {
    let _ = writeln!(std::io::stdout().lock(), "{line}");
}
