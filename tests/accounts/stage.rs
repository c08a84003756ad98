//! Where everything is played: nine accounts of three vendors, each with four models, behind one gateway, and a clock
//! that all of them share.

use std::fmt::Write;
use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

use patchbay_simulator::{Received, Rule, Simulator};
use patchbay_tests::{Gateway, LISTEN, MARK, SOON, ended_within};

use crate::history::{self, Event};

/// Name and adapter.
pub(crate) const VENDORS: [(&str, &str); 3] =
    [("north", "openai"), ("east", "openai"), ("west", "anthropic")];
pub(crate) const ACCOUNTS: [&str; 3] = ["a", "b", "c"];
pub(crate) const MODELS: [&str; 4] = ["m0", "m1", "m2", "m3"];

/// How long a vendor that is well takes.
const LATENCY: Duration = Duration::from_millis(10);

#[derive(Debug)]
pub(crate) struct Stage {
    pub(crate) simulator: Simulator,
    pub(crate) gateway: Gateway,
    pub(crate) clock: Clock,
}

/// The simulator's time, by which its log counts.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock {
    at: Instant,
    simulator: Duration,
    wall: SystemTime,
}

// === impl Stage ===

impl Stage {
    /// Nine accounts and four models, with these settings.
    pub(crate) async fn with_pool(settings: &str) -> Self {
        let simulator = simulator().await;
        let config = pool(&simulator.url(), settings);
        Self::new(simulator, &["openai", "anthropic", "round-robin"], &config).await
    }

    pub(crate) async fn new(simulator: Simulator, plugins: &[&str], config: &str) -> Self {
        let clock = Clock::of(&simulator);
        let gateway = Gateway::start(plugins, config).await;
        Self {
            simulator,
            gateway,
            clock,
        }
    }

    /// A power cut, and the gateway starts again.
    pub(crate) async fn after_power_cut(self) -> Self {
        self.after_power_cut_with(|_| ()).await
    }

    /// `between`: what happens to its folder meanwhile.
    pub(crate) async fn after_power_cut_with(mut self, between: impl FnOnce(&Path)) -> Self {
        self.gateway.restart(between).await;
        self
    }

    /// The gateway ends as its operator ends it; what it has kept of its keys.
    pub(crate) async fn ended(mut self) -> (Simulator, Vec<Event>) {
        self.gateway.signal("TERM");
        let ended = ended_within(&mut self.gateway.process, SOON).await;
        assert!(
            ended.is_some_and(|status| status.success()),
            "it ended with {ended:?}"
        );
        (self.simulator, history::read(self.gateway.folder()))
    }
}

/// Vendors that are well as long as no rule says otherwise.
pub(crate) async fn simulator() -> Simulator {
    let simulator = Simulator::start("127.0.0.1:0").await.unwrap();
    simulator.add(well());
    simulator
}

pub(crate) fn well() -> Rule {
    Rule::always().tokens(3).latency(LATENCY)
}

/// Those that fail as these rules say; all others are well.
pub(crate) fn only(faults: impl IntoIterator<Item = Rule>) -> Vec<Rule> {
    std::iter::once(well()).chain(faults).collect()
}

/// A configuration in which every public model has all accounts.
fn pool(url: &str, settings: &str) -> String {
    let mut config = format!("attempts = 40\n{LISTEN}{settings}");
    for (name, adapter) in VENDORS {
        let models = MODELS.map(|model| format!("\"{model}\"")).join(", ");
        config += &vendor(name, adapter, url, &format!("models = [{models}]\n"));
        for account in ACCOUNTS {
            config += &self::account(name, account, &format!("{name}-{account}"));
        }
    }
    for model in MODELS {
        let targets = VENDORS
            .map(|(vendor, _)| format!("\"{vendor}/{model}\""))
            .join(", ");
        let _ = write!(
            config,
            "[models.{model}]\ntargets = [{targets}]\nstrategy = \"round-robin\"\n"
        );
    }
    config
}

/// A vendor's table, which stays open.
pub(crate) fn vendor(name: &str, adapter: &str, url: &str, lines: &str) -> String {
    format!("[vendors.{name}]\nadapter = \"{adapter}\"\nbase_url = \"{url}/{name}/v1\"\n{lines}")
}

/// `key`: what the simulator knows it by.
pub(crate) fn account(vendor: &str, name: &str, key: &str) -> String {
    format!("[[vendors.{vendor}.accounts]]\nname = \"{name}\"\napi_key = \"{key}.{MARK}\"\n")
}

/// What the vendors were asked by an account, of one model or all, in the order in which it came.
pub(crate) fn calls(simulator: &Simulator, account: &str, model: Option<&str>) -> Vec<Received> {
    let all = simulator.requests();
    assert!(all.len() < 10_000, "the log has forgotten its beginning");
    let fits = |call: &Received| call.account == account && model.is_none_or(|model| call.model == model);
    all.into_iter().filter(fits).collect()
}

// === impl Clock ===

impl Clock {
    fn of(simulator: &Simulator) -> Self {
        Self {
            at: Instant::now(),
            simulator: simulator.now(),
            wall: SystemTime::now(),
        }
    }

    pub(crate) fn now(&self) -> Duration {
        self.simulator + self.at.elapsed()
    }

    /// A time on the wall (Unix milliseconds) in the simulator's.
    pub(crate) fn of_unix(&self, millis: u64) -> Duration {
        let wall = SystemTime::UNIX_EPOCH + Duration::from_millis(millis);
        match wall.duration_since(self.wall) {
            Ok(later) => self.simulator + later,
            Err(earlier) => self.simulator.saturating_sub(earlier.duration()),
        }
    }

    pub(crate) async fn sleep_until(&self, time: Duration) {
        tokio::time::sleep(time.saturating_sub(self.now())).await;
    }
}
