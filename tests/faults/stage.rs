//! Where cells are played: one gateway in front of the simulator and of addresses that are not well, and what all of
//! them were set to.

use std::collections::HashMap;
use std::fmt::Write;
use std::sync::Arc;
use std::time::Duration;

use patchbay_simulator::{Refused, Rule, Silent, Simulator, Tls};
use patchbay_tests::{Gateway, SERVER};

use crate::cell::{Cell, DIALECTS, Dialect};
use crate::fault::{Clock, Place};

/// What a vendor does that does nothing wrong, and how long the gateway is patient.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pace {
    /// Of an answer.
    pub(crate) tokens: u16,
    pub(crate) interval: Duration,
    pub(crate) connect: Duration,
    pub(crate) first_byte: Duration,
    pub(crate) first_token: Duration,
    pub(crate) idle: Duration,
    pub(crate) total: Duration,
    pub(crate) stream: Duration,
    pub(crate) retry_delay: Duration,
    /// By how much anything may be late on a machine that has much to do.
    pub(crate) slack: Duration,
    /// By how much the times differ that are taken on both sides of the gateway.
    pub(crate) blur: Duration,
}

#[derive(Debug)]
pub(crate) struct Stage {
    pub(crate) simulator: Simulator,
    pub(crate) gateway: Gateway,
    pub(crate) pace: Pace,
    _doors: Doors,
}

/// Addresses beside the simulator's own.
#[derive(Debug)]
struct Doors {
    refused: Refused,
    silent: Silent,
    /// By cell.
    apart: HashMap<String, Tls>,
    slow_tls: Tls,
    no_tls: Tls,
}

/// The latency of those who are well, so that there are callers who leave before they answer.
const TAKES_UP: Duration = Duration::from_millis(100);
/// How long a slow handshake takes.
const HANDSHAKE: Duration = Duration::from_millis(200);
/// In tokens, of a cell's own vendor and of those that are well.
const CONTEXT: u32 = 100_000;
const MORE_CONTEXT: u32 = 200_000;

// === impl Stage ===

impl Stage {
    pub(crate) async fn new(cells: &[Arc<Cell>], pace: Pace) -> Self {
        let simulator = Simulator::start("127.0.0.1:0").await.unwrap();
        simulator.add(Rule::always().tokens(pace.tokens).interval(pace.interval));
        for dialect in DIALECTS {
            let well = Rule::always().vendor(dialect.other_vendor());
            simulator.add(well.text(well_said(pace.tokens)).latency(TAKES_UP));
        }
        for cell in cells {
            simulator.add(cell.fault.rule(cell.dialect).vendor(&cell.name));
        }
        let doors = Doors::open(&simulator, cells).await;
        let config = config(&simulator, &doors, cells, pace);
        let all_of_tls = doors.apart.values().chain([&doors.slow_tls, &doors.no_tls]);
        let authorities: String = all_of_tls.map(Tls::authority).collect();
        let gateway = Gateway::start_trusting(&authorities, &["openai", "anthropic"], &config).await;
        Self {
            simulator,
            gateway,
            pace,
            _doors: doors,
        }
    }

    /// What there is still although nobody asks for anything any more.
    pub(crate) async fn left_over(&self) -> Vec<String> {
        let mut found = Vec::new();
        for gauge in [
            "patchbay_requests_in_flight",
            "patchbay_requests_waiting",
            "patchbay_attempts_in_flight",
            "patchbay_plugin_instances",
        ] {
            let value = self.gateway.metric(gauge, &[]).await;
            if value != 0.0 {
                found.push(format!("{gauge} is {value}"));
            }
        }
        let in_flight = self.simulator.state().in_flight;
        if in_flight > 0 {
            found.push(format!("the vendors work on {in_flight} requests"));
        }
        found
    }
}

/// What vendors say that are well; nobody else does.
pub(crate) fn well_said(tokens: u16) -> String {
    let words: Vec<String> = (0..tokens).map(|number| format!("well-{number}")).collect();
    words.join(" ")
}

fn config(simulator: &Simulator, doors: &Doors, cells: &[Arc<Cell>], pace: Pace) -> String {
    let mut config = format!("{SERVER}{}", pace.settings());
    for dialect in DIALECTS {
        let other = match dialect {
            Dialect::Canonical => Dialect::Translated,
            Dialect::Translated => Dialect::Canonical,
        };
        let (name, url) = (dialect.other_vendor(), simulator.url());
        config += &vendor(name, other, &url, MORE_CONTEXT);
    }
    for cell in cells {
        let (name, url) = (&cell.name, doors.url(simulator, cell));
        config += &vendor(name, cell.dialect, &url, CONTEXT);
        let mut targets = format!("\"{name}/m\"");
        if cell.fallback {
            let _ = write!(targets, ", \"{}/m\"", cell.dialect.other_vendor());
        }
        let _ = writeln!(config, "[models.{name}]\ntargets = [{targets}]");
    }
    config
}

fn vendor(name: &str, dialect: Dialect, url: &str, context: u32) -> String {
    format!(
        "[vendors.{name}]\nadapter = \"{}\"\nbase_url = \"{url}/{name}/v1\"\napi_key = \"key\"\n\
         models = [{{ name = \"m\", context_length = {context} }}]\n",
        dialect.adapter()
    )
}

// === impl Doors ===

impl Doors {
    async fn open(simulator: &Simulator, cells: &[Arc<Cell>]) -> Self {
        let mut apart = HashMap::new();
        for cell in cells.iter().filter(|cell| cell.fault.place == Place::Apart) {
            let door = simulator.tls(Some(Duration::ZERO)).await.unwrap();
            apart.insert(cell.name.clone(), door);
        }
        Self {
            apart,
            refused: Refused::start().unwrap(),
            silent: Silent::start().await.unwrap(),
            slow_tls: simulator.tls(Some(HANDSHAKE)).await.unwrap(),
            no_tls: simulator.tls(None).await.unwrap(),
        }
    }

    fn url(&self, simulator: &Simulator, cell: &Cell) -> String {
        match cell.fault.place {
            Place::Simulator => simulator.url(),
            Place::Apart => self.apart[&cell.name].url(),
            Place::Refused => self.refused.url(),
            Place::Silent => self.silent.url(),
            Place::SlowTls => self.slow_tls.url(),
            Place::NoTls => self.no_tls.url(),
        }
    }
}

// === impl Pace ===

impl Pace {
    pub(crate) fn clock(&self, clock: Clock) -> Duration {
        match clock {
            Clock::Connect => self.connect,
            Clock::FirstByte => self.first_byte,
            Clock::FirstToken => self.first_token,
            Clock::Idle => self.idle,
            Clock::Total => self.total,
            Clock::Stream => self.stream,
        }
    }

    fn settings(&self) -> String {
        let clocks = [
            Clock::Connect,
            Clock::FirstByte,
            Clock::FirstToken,
            Clock::Idle,
            Clock::Total,
            Clock::Stream,
        ];
        let clocks: String = clocks
            .map(|clock| format!("{} = \"{}ms\"\n", clock.setting(), self.clock(clock).as_millis()))
            .concat();
        let delay = self.retry_delay.as_millis();
        format!("\n[timeouts]\n{clocks}[failover]\nretry_delay = \"{delay}ms\"\n")
    }
}

// === impl Clock ===

impl Clock {
    /// Its name in `[timeouts]`.
    pub(crate) fn setting(self) -> &'static str {
        match self {
            Self::Connect => "connect",
            Self::FirstByte => "first_byte",
            Self::FirstToken => "first_token",
            Self::Idle => "idle",
            Self::Total => "total",
            Self::Stream => "stream",
        }
    }
}
