//! A strategy that misbehaves as its settings say: `{"rank": "loop"}`. Without any it takes turns. Its version is a
//! placeholder of fixed length, so that a test makes another version of the component by replacing bytes. A version
//! that begins with `bad-trial` can rank nothing, one that begins with `bad-traps` nothing but the trial.

use patchbay_sdk::strategy::{Candidate, Description, Fact, Facts, Ranking, Request, Strategy};
use serde::Deserialize;

static VERSION: &str = "version-placeholder-of-fixed-length-wayward";

struct Wayward {
    settings: Settings,
}

#[derive(Deserialize)]
struct Settings {
    #[serde(default)]
    configure: Configure,
    #[serde(default)]
    rank: Rank,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Configure {
    #[default]
    Accept,
    Refuse,
    Loop,
    /// Takes some tenths of a second.
    Linger,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Rank {
    #[default]
    Turns,
    Panic,
    Loop,
    /// Takes some tenths of a second.
    Linger,
    /// Takes 128 MiB of memory.
    Hoard,
    /// Names a candidate beyond the pool.
    Unoffered,
    /// Names the first candidate twice.
    Twice,
    /// Leaves everybody out.
    Nobody,
    /// Only the last candidate.
    OnlyTheLast,
    Refuse,
    /// More state than is allowed.
    Remember,
}

/// Read through memory, or the optimiser would spread the text over instructions.
fn version() -> String {
    std::hint::black_box(VERSION).to_owned()
}

impl Strategy for Wayward {
    type Settings = Settings;

    fn describe() -> Description {
        Description::new(&version())
            .facts([Fact::Available])
            .settings_schema(
                r#"{"type": "object", "additionalProperties": false, "properties": {
                "configure": {"enum": ["accept", "refuse", "loop", "linger"]},
                "rank": {"type": "string"}}}"#,
            )
    }

    fn configure(settings: Settings, _: Vec<Candidate>) -> Result<Self, String> {
        match settings.configure {
            Configure::Accept => {}
            Configure::Refuse => return Err("not with these settings".to_owned()),
            Configure::Loop => spin(),
            Configure::Linger => linger(),
        }
        Ok(Self { settings })
    }

    fn rank(
        &mut self,
        request: &Request,
        candidates: &[u32],
        _: Facts<'_>,
        _: &[u8],
    ) -> Result<Ranking, String> {
        let version = version();
        let in_trial = request.model == "trial";
        assert!(!version.starts_with("bad-trial"), "no idea at all");
        assert!(in_trial || !version.starts_with("bad-traps"), "no idea today");
        let mut order = candidates.to_vec();
        match self.settings.rank {
            Rank::Turns => order.rotate_left((request.sequence % candidates.len() as u64) as usize),
            Rank::Panic => panic!("no idea whom to choose"),
            Rank::Loop => spin(),
            Rank::Linger => linger(),
            Rank::Hoard => hoard(),
            Rank::Unoffered => order.push(1000),
            Rank::Twice => order.push(candidates[0]),
            Rank::Nobody => order.clear(),
            Rank::OnlyTheLast => order = candidates[candidates.len() - 1..].to_vec(),
            Rank::Refuse => return Err("I would rather not".to_owned()),
            Rank::Remember => return Ok(Ranking::new(order).state(vec![0; (64 << 10) + 1])),
        }
        Ok(Ranking::new(order))
    }
}

fn spin() -> ! {
    loop {
        std::hint::spin_loop();
    }
}

fn linger() {
    (0..200_000_000_u64).for_each(|round| {
        std::hint::black_box(round);
    });
}

fn hoard() {
    let mut hoard: Vec<Vec<u8>> = Vec::new();
    while hoard.len() < 128 {
        hoard.push(vec![1; 1 << 20]);
        std::hint::black_box(&hoard);
    }
}

patchbay_sdk::export_strategy!(Wayward);
