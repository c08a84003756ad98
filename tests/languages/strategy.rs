//! The strategy in another language decides for a gateway: what it promises shows in who answers whom, and settings
//! that do not fit it are found before a request comes.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use patchbay_simulator::Simulator;
use patchbay_tests::{Gateway, SERVER, run};
use serde_json::json;

use crate::say;

const CALLERS: usize = 24;
const VENDORS: [&str; 3] = ["one", "two", "three"];

pub(crate) async fn decides(name: &str, strategy: Vec<u8>) {
    let simulator = Simulator::start("127.0.0.1:0").await.unwrap();
    let adapter = patchbay_tests::component("openai");
    let config = config(name, &simulator);
    let gateway = Gateway::start_with(&[(name, strategy), ("openai", adapter)], &config).await;

    let places = places(&gateway, name, "all").await;
    assert_eq!(
        places,
        self::places(&gateway, name, "all").await,
        "every caller keeps his"
    );
    let used: BTreeSet<&String> = places.values().collect();
    assert_eq!(used.len(), VENDORS.len(), "callers are dealt out: {places:?}");

    let fewer = self::places(&gateway, name, "fewer").await;
    let moved = |caller: &&String| places[*caller] != fewer[*caller];
    assert!(
        fewer.keys().filter(moved).all(|caller| places[caller] == "three"),
        "only callers of whom is gone move: {places:?}, then {fewer:?}"
    );
    assert_ne!(
        places,
        self::places(&gateway, name, "seeded").await,
        "its setting is heeded"
    );

    refuses(&gateway, name, &config);
    say(&format!(
        "{name}: {CALLERS} callers, each with a candidate to keep"
    ));
}

/// Three vendors and callers with a key each. Public model "all": all vendors; "fewer": without the last; "seeded": all,
/// with a setting.
fn config(name: &str, simulator: &Simulator) -> String {
    let mut config = SERVER.to_owned();
    for vendor in VENDORS {
        let url = simulator.url();
        config += &format!(
            "[vendors.{vendor}]\nadapter = \"openai\"\nbase_url = \"{url}/{vendor}/v1\"\n\
             api_key = \"sim-key\"\nmodels = [\"m\"]\n"
        );
    }
    let models = [
        ("all", VENDORS.as_slice(), "{}"),
        ("fewer", &VENDORS[..2], "{}"),
        ("seeded", &VENDORS, "{ seed = \"another\" }"),
    ];
    for (model, vendors, settings) in models {
        let targets: Vec<String> = vendors.iter().map(|vendor| format!("{vendor}/m")).collect();
        config += &format!(
            "[models.{model}]\ntargets = {targets:?}\nstrategy = \"{name}\"\nsettings = {settings}\n"
        );
    }
    for caller in 0..CALLERS {
        config += &format!(
            "[[keys]]\nname = \"caller-{caller}\"\nkey = \"{}\"\n",
            key(caller)
        );
    }
    config
}

fn key(caller: usize) -> String {
    format!("key-of-{caller}")
}

/// Which vendor answers each caller.
async fn places(gateway: &Gateway, strategy: &str, model: &str) -> BTreeMap<String, String> {
    let mut places = BTreeMap::new();
    for caller in 0..CALLERS {
        let request = json!({"model": model, "messages": [{"role": "user", "content": "Hello there"}]});
        let answer = gateway.client_with(&key(caller)).chat(&request).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert_eq!(answer.header("x-patchbay-strategy"), format!("{strategy}@0.1.0"));
        places.insert(key(caller), answer.header("x-patchbay-vendor").to_owned());
    }
    places
}

fn refuses(gateway: &Gateway, name: &str, config: &str) {
    let file = gateway.folder().join("wrong.toml");
    fs::write(&file, config.replace("seed = \"another\"", "seed = 2")).unwrap();
    let checked = run(&["check", "--config", file.to_str().unwrap()], &[]);
    let said = String::from_utf8_lossy(&checked.stdout);
    let expected = format!("models.seeded: strategy {name}: settings: seed: 2 is not of type \"string\"");
    assert!(said.contains(&expected), "{said}");
    assert!(!said.contains("models.all"), "{said}");
}
