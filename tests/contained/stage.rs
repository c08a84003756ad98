//! Where an attack takes place: a gateway with the suspect and with innocent traffic through another plugin, and
//! what is looked at while it lasts and afterwards.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::num::NonZeroU16;
use std::rc::Rc;
use std::time::{Duration, Instant};

use patchbay_simulator::{Rule, Simulator};
use patchbay_tests::{Answer, Gateway, SERVER, SOON, other_version};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::time::{sleep, timeout};

use crate::attack::{Asked, Attack, Provoked};
use crate::flood::{flood_with_calls, flood_with_files};
use crate::innocents::{Innocents, Seen};
use crate::outcome::Before;

/// The name of the plugin that carries the attack, and of its vendor.
pub(crate) const SUSPECT: &str = "suspect";
/// What the innocents' vendor says.
const SAID: &str = "token-0 token-1 token-2";
/// How long innocents are watched without an attack.
const CALM: Duration = Duration::from_millis(150);
/// An answer, a verdict, a reload: nothing may take longer, whatever the attack.
pub(crate) const BOUNDED: Duration = Duration::from_secs(5);
/// How long what is expected may be on its way to the log after the answer: a destructor runs behind it.
const LATE: Duration = Duration::from_secs(2);
/// How long the vendor takes for the model "slow": longer than anybody waits for an instance.
const SLOW: Duration = Duration::from_millis(1200);
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
        simulator.add(Rule::always().model("slow").latency(SLOW));
        let many = NonZeroU16::new(500).unwrap();
        simulator.add(Rule::always().model("talkative").tokens(1000).coalesce(many));
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
        let (sent_before, strayed_before) = (self.received_by_suspect(), self.strayed());
        let innocents = Innocents::start(&gateway.client(), SAID);
        let (outcome, contained_in) = self.strike(attack, gateway, false).await;
        let mut faults = self.flood(attack, gateway, &outcome).await;
        let mut seen = innocents.finish().await;
        if seen.waited() {
            // A busy machine does not interfere twice in the same place; an attack does.
            let innocents = Innocents::start(&gateway.client(), SAID);
            faults.extend(self.flood(attack, gateway, &outcome).await);
            let again = innocents.finish().await;
            seen = Seen {
                times: again.times,
                faults: [seen.faults, again.faults].concat(),
            };
        }
        faults.extend(seen.complaints(scene.p99));
        faults.extend(self.traces(gateway).await);
        if self.strayed() > strayed_before {
            faults.push("somebody was called who must not be".to_owned());
        }
        if contained_in > BOUNDED {
            faults.push(format!("it took {contained_in:.1?}; at most {BOUNDED:?}"));
        }
        let may_send = attack.sends.is_some() || !outcome.contains("plugin_error");
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

    /// What comes of a single provocation, with nobody else there.
    pub(crate) async fn attack_once(&self, attack: &Attack) -> String {
        let gateway = start(&self.config(attack), suspect(attack)).await;
        self.strike(attack, &gateway, true).await.0
    }

    async fn flood(&self, attack: &Attack, gateway: &Gateway, outcome: &str) -> Vec<String> {
        match &attack.provoked {
            Provoked::Loaded => flood_with_files(&(attack.carrier)(), gateway).await,
            Provoked::Asked(_) | Provoked::Ranked(_) => {
                flood_with_calls(&self.request(&attack.provoked), gateway, outcome).await
            }
        }
    }

    /// The gateway of the attack before if it will do, else a new one with innocents who are watched in peace.
    async fn scene(&self, attack: &Attack) -> Rc<Scene> {
        let (config, suspect) = (self.config(attack), suspect(attack));
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

    fn config(&self, attack: &Attack) -> String {
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
            Provoked::Asked(_) | Provoked::Loaded => format!(
                "[vendors.suspect]\nbase_url = \"{url}/suspect/v1\"\napi_key = \"suspect-key\"\nmodels = [\"m\"]\n"
            ),
        };
        let (cache, innocent) = (self.cache.path().display(), innocent("innocent"));
        let setting = |line: &str| match line.strip_prefix("plugins.") {
            Some(line) => format!("{line}\n"),
            None => format!("limits.{line}\n"),
        };
        let settings: String = attack.limits.lines().map(setting).collect();
        format!("{SERVER}[plugins]\ncache = \"{cache}\"\n{settings}{reuse}{innocent}{suspect}")
    }

    /// Provokes the attack, and says what came of it and how soon. `alone`: then all that it sets off can be waited
    /// for.
    async fn strike(&self, attack: &Attack, gateway: &Gateway, alone: bool) -> (String, Duration) {
        let before = Before::look(gateway).await;
        if matches!(attack.provoked, Provoked::Loaded) {
            let bytes = (attack.carrier)();
            let started = Instant::now();
            gateway.write_plugin("suspect.wasm", &bytes);
            let reloaded = timeout(BOUNDED, gateway.admin().post("/admin/reload", "")).await;
            let took = started.elapsed();
            return match reloaded {
                Ok(_) => (before.file(gateway).await, took),
                Err(_) => ("neither taken nor refused".to_owned(), took),
            };
        }
        self.simulator.forget_requests();
        self.simulator.set_recording(attack.sends.is_some());
        let started = Instant::now();
        let answers = timeout(BOUNDED, self.ask(&attack.provoked, gateway)).await;
        let took = started.elapsed();
        self.simulator.set_recording(false);
        let Ok(answers) = answers else {
            return ("callers: no answer".to_owned(), took);
        };
        if alone {
            gateway.metric_until("patchbay_plugin_instances", &[], 0.0).await;
        }
        let deadline = Instant::now() + LATE;
        loop {
            let outcome = before.calls(gateway, &answers).await;
            let outcome = self.anonymous(&(outcome + &self.sent(attack)));
            if outcome == attack.expected() || Instant::now() > deadline {
                return (outcome, took);
            }
            sleep(Duration::from_millis(20)).await;
        }
    }

    async fn ask(&self, provoked: &Provoked, gateway: &Gateway) -> Vec<Answer> {
        let request = self.request(provoked);
        let (times, at_once) = match provoked {
            Provoked::Asked(Asked { times, at_once, .. }) => (*times, *at_once),
            Provoked::Ranked(_) | Provoked::Loaded => (1, false),
        };
        let mut answers = Vec::new();
        if !at_once {
            for _ in 0..times {
                answers.push(gateway.client().chat(&request).await);
            }
            return answers;
        }
        let callers = (0..times).map(|_| {
            let (client, request) = (gateway.client(), request.clone());
            tokio::spawn(async move { client.chat(&request).await })
        });
        for caller in callers.collect::<Vec<_>>() {
            answers.push(caller.await.unwrap());
        }
        answers
    }

    /// What a caller of the suspect sends.
    fn request(&self, provoked: &Provoked) -> Value {
        let text = match provoked {
            Provoked::Asked(asked) => asked.text.as_str(),
            Provoked::Ranked(_) | Provoked::Loaded => "hello",
        };
        let text = text.replace("{foreign}", &self.foreign.addr().to_string());
        json!({"model": "m", "messages": [{"role": "user", "content": text}]})
    }

    /// What the suspect's vendor got, each only once, if the attack may call it.
    fn sent(&self, attack: &Attack) -> String {
        if attack.sends.is_none() {
            return String::new();
        }
        let requests = self.simulator.requests().into_iter();
        let ours = requests.filter(|request| request.vendor == SUSPECT);
        let lines =
            ours.map(|request| format!("{} {}", request.path, request.body.as_str().unwrap_or_default()));
        let lines: BTreeSet<String> = lines.map(|line| format!("\nsent: {}", line.trim_end())).collect();
        lines.into_iter().collect()
    }

    /// Without what is another with every run.
    fn anonymous(&self, outcome: &str) -> String {
        outcome.replace(&self.foreign.addr().to_string(), "{foreign}")
    }

    /// What must not be left when it is over.
    async fn traces(&self, gateway: &Gateway) -> Vec<String> {
        let mut faults = Vec::new();
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

    /// Requests and connections that the server got that nobody may call.
    fn strayed(&self) -> u64 {
        let state = self.foreign.state();
        state.received + state.connections
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
        Provoked::Asked(_) | Provoked::Ranked(_) => (attack.carrier)(),
    }
}
