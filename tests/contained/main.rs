//! Attacks from inside plugins: each is provoked once, then for about a second as often as can be, while innocent
//! traffic flows through another plugin. It must end in the typed error that stands in its row, harm nobody, and,
//! where the defence is a setting, get through once that is raised, which shows that the attack is one.
//!
//! Prints what came of each. An argument runs only those attacks whose names hold it.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test's own functions fail the test the way its body does"
)]

mod attack;
mod attacks;
mod clay;
mod flood;
mod innocents;
mod outcome;
mod stage;
mod table;
mod wasi;

use std::process::ExitCode;
use std::rc::Rc;
use std::time::{Duration, Instant};

use tokio::task::{LocalSet, spawn_local};
use tokio::time::timeout;

use attack::Attack;
use stage::Stage;
use table::{Table, say};

/// A gateway that does not answer at all would keep one attack for ever.
const LONGEST: Duration = Duration::from_secs(60);

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> ExitCode {
    LocalSet::new().run_until(all()).await
}

async fn all() -> ExitCode {
    let wanted: Vec<String> = std::env::args()
        .skip(1)
        .filter(|argument| !argument.starts_with('-'))
        .collect();
    let (stage, started) = (Rc::new(Stage::new().await), Instant::now());
    let (mut table, mut failed) = (Table::default(), 0);
    for attack in attacks::all() {
        if !wanted.is_empty() && !wanted.iter().any(|part| attack.name.contains(part.as_str())) {
            continue;
        }
        let attack = Rc::new(attack);
        let (name, complaints) = (attack.name, run(&stage, &attack, &mut table).await);
        failed += usize::from(!complaints.is_empty());
        complaints
            .iter()
            .for_each(|complaint| say(&format!("FAILED {name}: {complaint}")));
    }
    table.print();
    say(&format!(
        "{} attacks in {} s, {failed} not as they must be",
        table.len(),
        started.elapsed().as_secs()
    ));
    if failed == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// Runs an attack with its defence and, if that can be lifted, without; returns what is not as it must be. In tasks
/// of their own, so that one that goes wrong altogether does not hide the others.
async fn run(stage: &Rc<Stage>, attack: &Rc<Attack>, table: &mut Table) -> Vec<String> {
    let (on, row) = (stage.clone(), attack.clone());
    let report = match spawn_local(async move { timeout(LONGEST, on.attack(&row)).await }).await {
        Ok(Ok(report)) => report,
        Ok(Err(_)) => return vec![format!("it was not over after {LONGEST:?}")],
        Err(died) => return vec![format!("it could not be carried through: {died}")],
    };
    let mut complaints: Vec<String> = unlike(&attack.expected(), &report.outcome, attack)
        .into_iter()
        .chain(report.faults.iter().cloned())
        .collect();
    let mut gets_through = None;
    if let Some(naked) = attack.without_defence() {
        let (on, row) = (stage.clone(), naked.clone());
        match spawn_local(async move { on.attack_once(&row).await }).await {
            Ok(outcome) => {
                let lifted = |why| format!("with its defence lifted ({}), {why}", naked.limits);
                complaints.extend(unlike(&naked.expected(), &outcome, attack).map(lifted));
                gets_through = Some(outcome);
            }
            Err(died) => complaints.push(format!(
                "with its defence lifted, it could not be carried through: {died}"
            )),
        }
    }
    table.add(attack, &report, gets_through.as_deref());
    complaints
}

/// What differs from what was expected, in words.
fn unlike(expected: &str, found: &str, attack: &Attack) -> Option<String> {
    (expected != found).then(|| {
        format!(
            "aimed at {}, it came to\n{found}\nand not to\n{expected}",
            attack.defence
        )
    })
}
