//! Where an attack takes place: a gateway with the suspect and with innocent traffic through another plugin, and
//! what is looked at while it lasts and afterwards.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::{Duration, Instant};

use patchbay_simulator::{Rule, Simulator};
use patchbay_tests::{Gateway, SERVER, SOON, other_version};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::time::{sleep, timeout};

use crate::attack::{Attack, Provoked};
use crate::innocents::Innocents;
use crate::outcome::{self, Before};

/// The name of the plugin that carries the attack, and of its vendor.
pub(crate) const SUSPECT: &str = "suspect";
/// What the innocents' vendor says.
const SAID: &str = "token-0 token-1 token-2";
/// How long innocents are watched without an attack.
const CALM: Duration = Duration::from_millis(200);
/// How long the attack is repeated, and by how many at once.
const FLOOD: Duration = Duration::from_millis(400);
const ATTACKERS: usize = 4;
/// A reload may take so long, whatever is in the folder.
const RELOAD: Duration = Duration::from_secs(5);
/// What the gateway may hold in memory after any attack, in bytes.
const RESIDENT: u64 = 1 << 30;

/// Vendors, a server that nobody may call, and the gateway of the attack before.
pub(crate) struct Stage {
    simulator: Simulator,
    foreign: Simulator,
    /// Compiled components, so that a gateway starts at once.
    cache: TempDir,
    standing: RefCell<Option<Rc<Scene>>>,
}

/// A gateway that is used for more than one attack, if they need the same.
struct Scene {
    gateway: Gateway,
    config: String,
    /// The suspect's file.
    suspect: Vec<u8>,
    p99: Duration,
}

/// What an attack came to.
#[derive(Debug)]
pub(crate) struct Report {
    pub(crate) outcome: String,
    /// From the provocation to the answer or the verdict.
    pub(crate) contained_in: Duration,
    /// How long innocents waited at most, 99 of 100: without the attack and with it.
    pub(crate) p99_without: Duration,
    pub(crate) p99_with: Duration,
    /// Innocent requests during the attack.
    pub(crate) served: usize,
    /// What was not as it must be, besides the outcome.
    pub(crate) faults: Vec<String>,
}

// === impl Stage ===

impl Stage {
    pub(crate) async fn new() -> Self {
        let simulator = Simulator::start("127.0.0.1:0").await.unwrap();
        simulator.set_recording(false);
        simulator.add(Rule::always().tokens(3));
        let foreign = Simulator::start("127.0.0.1:0").await.unwrap();
        let standing = RefCell::default();
        Self {
            simulator,
            foreign,
            cache: TempDir::with_prefix("patchbay-").unwrap(),
            standing,
        }
    }

    /// The attack as it is meant, with everything that is looked at.
    pub(crate) async fn attack(&self, attack: &Attack) -> Report {
        let scene = self.scene(attack).await;
        let gateway = &scene.gateway;
        let sent_before = self.received_by_suspect();
        let innocents = Innocents::start(&gateway.client(), SAID);
        let (outcome, contained_in) = self.strike(attack, gateway).await;
        let mut faults = match attack.provoked {
            Provoked::Loaded => flood_with_files(attack, gateway).await,
            Provoked::Asked(_) | Provoked::AskedAgain(..) | Provoked::Ranked(_) => {
                self.flood_with_calls(attack, gateway, &outcome).await
            }
        };
        let seen = innocents.finish().await;
        faults.extend(seen.faults.iter().take(3).cloned());
        if seen.faults.len() > 3 {
            faults.push(format!(
                "{} innocents in all got a wrong answer",
                seen.faults.len()
            ));
        }
        faults.extend(self.traces(gateway).await);
        let may_send = attack.sends || !outcome.contains("plugin_error");
        if !may_send && self.received_by_suspect() > sent_before {
            faults.push("something was sent all the same".to_owned());
        }
        if faults.is_empty() {
            self.standing.replace(Some(scene.clone()));
        }
        Report {
            outcome,
            contained_in,
            p99_without: scene.p99,
            p99_with: seen.p99(),
            served: seen.times.len(),
            faults,
        }
    }

    /// What comes of a single provocation under other limits.
    pub(crate) async fn attack_once(&self, attack: &Attack, limits: &str) -> String {
        let gateway = start(&self.config(attack, limits), suspect(attack)).await;
        self.strike(attack, &gateway).await.0
    }

    /// The gateway of the attack before if it will do, else a new one with innocents who are watched in peace.
    async fn scene(&self, attack: &Attack) -> Rc<Scene> {
        let (config, suspect) = (self.config(attack, attack.limits), suspect(attack));
        let standing = self.standing.take();
        if let Some(scene) = standing.filter(|scene| scene.config == config && scene.suspect == suspect) {
            if matches!(attack.provoked, Provoked::Loaded) {
                scene.gateway.write_plugin("suspect.wasm", &suspect);
                scene
                    .gateway
                    .write_plugin("innocent.wasm", &other_version("relay", "before").0);
                scene.gateway.admin().post("/admin/reload", "").await;
            }
            return scene;
        }
        let gateway = start(&config, suspect.clone()).await;
        if !matches!(attack.provoked, Provoked::Ranked(_)) {
            assert_eq!(gateway.notices().await, "[]", "the stage is not set");
        }
        let calm = Innocents::start(&gateway.client(), SAID);
        sleep(CALM).await;
        let calm = calm.finish().await;
        assert!(calm.faults.is_empty(), "without an attack: {:?}", calm.faults);
        Rc::new(Scene {
            gateway,
            config,
            suspect,
            p99: calm.p99(),
        })
    }

    fn config(&self, attack: &Attack, limits: &str) -> String {
        let url = self.simulator.url();
        let innocent = |name: &str| {
            format!(
                "[vendors.{name}]\nadapter = \"innocent\"\nbase_url = \"{url}/{name}/v1\"\nmodels = [\"good\"]\n"
            )
        };
        let reuse = if attack.reuse {
            "[plugins.grants.suspect]\nreuse = true\n"
        } else {
            ""
        };
        let suspect = match &attack.provoked {
            Provoked::Ranked(settings) => format!(
                "{}[models.good]\ntargets = [\"innocent/good\"]\n\
                 [models.m]\ntargets = [\"innocent/good\", \"other/good\"]\nstrategy = \"suspect\"\n\
                 settings = {settings}\n",
                innocent("other")
            ),
            Provoked::Asked(_) | Provoked::AskedAgain(..) | Provoked::Loaded => format!(
                "[vendors.suspect]\nbase_url = \"{url}/suspect/v1\"\napi_key = \"suspect-key\"\nmodels = [\"m\"]\n"
            ),
        };
        let (cache, innocent) = (self.cache.path().display(), innocent("innocent"));
        format!(
            "{SERVER}[plugins]\ncache = \"{cache}\"\n[plugins.limits]\n{limits}\n{reuse}{innocent}{suspect}"
        )
    }

    async fn strike(&self, attack: &Attack, gateway: &Gateway) -> (String, Duration) {
        let before = Before::look(gateway).await;
        if matches!(attack.provoked, Provoked::Loaded) {
            let bytes = (attack.carrier)();
            let started = Instant::now();
            gateway.write_plugin("suspect.wasm", &bytes);
            let reloaded = timeout(RELOAD, gateway.admin().post("/admin/reload", "")).await;
            let took = started.elapsed();
            return match reloaded {
                Ok(_) => (before.file(gateway).await, took),
                Err(_) => ("neither taken nor refused".to_owned(), took),
            };
        }
        let (request, times) = self.request(&attack.provoked);
        let started = Instant::now();
        let mut answers = vec![gateway.client().chat(&request).await];
        let took = started.elapsed();
        for _ in 1..times {
            answers.push(gateway.client().chat(&request).await);
        }
        let outcome = before.calls(gateway, &answers).await;
        (
            outcome.replace(&self.foreign.addr().to_string(), "{foreign}"),
            took,
        )
    }

    /// What a caller of the suspect sends, and how often.
    fn request(&self, provoked: &Provoked) -> (Value, usize) {
        let (text, times) = match provoked {
            Provoked::Asked(text) => (text.as_str(), 1),
            Provoked::AskedAgain(text, times) => (text.as_str(), *times),
            Provoked::Ranked(_) | Provoked::Loaded => ("hello", 1),
        };
        let text = text.replace("{foreign}", &self.foreign.addr().to_string());
        let request = json!({"model": "m", "messages": [{"role": "user", "content": text}]});
        (request, times)
    }

    /// Repeats the call at full rate. Nobody gets anything but what the first got.
    async fn flood_with_calls(&self, attack: &Attack, gateway: &Gateway, outcome: &str) -> Vec<String> {
        let (request, _) = self.request(&attack.provoked);
        let deadline = Instant::now() + FLOOD;
        let attackers = (0..ATTACKERS).map(|_| {
            let (client, request) = (gateway.client(), request.clone());
            tokio::spawn(async move {
                let mut answers = Vec::new();
                while Instant::now() < deadline {
                    answers.push(outcome::line(&client.chat(&request).await));
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

    /// What must not be left when it is over.
    async fn traces(&self, gateway: &Gateway) -> Vec<String> {
        let mut faults = Vec::new();
        let elsewhere = self.foreign.state();
        if elsewhere.received + elsewhere.connections > 0 {
            faults.push("somebody was called who must not be".to_owned());
        }
        for gauge in ["patchbay_plugin_instances", "patchbay_attempts_in_flight"] {
            let deadline = Instant::now() + SOON;
            while gateway.metric(gauge, &[]).await != 0.0 {
                if Instant::now() > deadline {
                    faults.push(format!("{gauge} does not fall to 0"));
                    break;
                }
                sleep(Duration::from_millis(10)).await;
            }
        }
        let metrics = gateway.client().get("/metrics").await.text();
        if metrics
            .lines()
            .any(|line| line.ends_with("NaN") || line.ends_with("Inf"))
        {
            faults.push("a metric is no number".to_owned());
        }
        let resident = gateway.resident();
        if resident > RESIDENT {
            faults.push(format!("the gateway holds {} MB", resident >> 20));
        }
        faults
    }

    fn received_by_suspect(&self) -> u64 {
        let accounts = self.simulator.state().accounts;
        let ours = accounts.iter().filter(|account| account.vendor == SUSPECT);
        ours.map(|account| account.received).sum()
    }
}

async fn start(config: &str, suspect: Vec<u8>) -> Gateway {
    let innocent = other_version("relay", "before").0;
    Gateway::start_with(&[(SUSPECT, suspect), ("innocent", innocent)], config).await
}

/// The file that the gateway begins with.
fn suspect(attack: &Attack) -> Vec<u8> {
    match attack.provoked {
        Provoked::Loaded => other_version("relay", "good").0,
        Provoked::Asked(_) | Provoked::AskedAgain(..) | Provoked::Ranked(_) => (attack.carrier)(),
    }
}

/// Puts variations of the file into the folder as fast as they are looked at, and then a new version of the innocent
/// plugin, which must be taken within bounded time.
async fn flood_with_files(attack: &Attack, gateway: &Gateway) -> Vec<String> {
    let (admin, bytes) = (gateway.admin(), (attack.carrier)());
    let deadline = Instant::now() + FLOOD;
    let mut number = 0u32;
    while Instant::now() < deadline {
        number += 1;
        gateway.write_plugin("suspect.wasm", &varied(&bytes, number));
        let _ = timeout(RELOAD, admin.post("/admin/reload", "")).await;
    }
    let (bytes, version) = other_version("relay", "after");
    let serving = format!("innocent@{version}");
    gateway.write_plugin("innocent.wasm", &bytes);
    let taken = async {
        while gateway.plugin("innocent").await["serving"] != serving {
            sleep(Duration::from_millis(10)).await;
        }
    };
    let taken = timeout(RELOAD, taken).await;
    let late = taken
        .err()
        .map(|_| format!("another plugin was not reloaded within {RELOAD:?}"));
    late.into_iter().collect()
}

/// The same with a custom section at its end, so that it is looked at again.
fn varied(bytes: &[u8], number: u32) -> Vec<u8> {
    // Section 0 of 6 bytes: a name of one byte, and four bytes.
    [bytes, &[0, 6, 1, b'n'], &number.to_le_bytes()].concat()
}
