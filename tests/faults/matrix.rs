//! The table: every fault in every kind of request, each with a vendor of its own behind one gateway, some at once.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::caller::{Call, call};
use crate::cell::{Cell, DIALECTS, FORMS};
use crate::faults;
use crate::oracle::Witnesses;
use crate::stage::{Pace, Stage};
use crate::table::{Table, say};

/// Cells under way together.
const AT_ONCE: u32 = 24;
/// Longer than anything may go on behind the last answer.
const REST: Duration = Duration::from_millis(1500);

const PACE: Pace = Pace {
    tokens: 10,
    interval: Duration::from_millis(20),
    connect: Duration::from_millis(600),
    first_byte: Duration::from_millis(900),
    first_token: Duration::from_millis(1200),
    idle: Duration::from_millis(700),
    total: Duration::from_secs(4),
    stream: Duration::from_secs(3),
    retry_delay: Duration::from_millis(200),
    slack: Duration::from_millis(1500),
    blur: Duration::from_millis(200),
};

/// Runs the cells whose names hold one of these words, or all if there are none; how many are not as they must be.
pub(crate) async fn run(wanted: &[String]) -> usize {
    let started = Instant::now();
    let cells: Vec<Arc<Cell>> = cells()
        .into_iter()
        .filter(|cell| wanted.is_empty() || wanted.iter().any(|part| cell.name.contains(part.as_str())))
        .map(Arc::new)
        .collect();
    if cells.is_empty() {
        return 0;
    }
    let stage = Arc::new(Stage::new(&cells, PACE).await);
    let calls = play(&stage, &cells).await;
    sleep(REST).await;
    let mut failed = judge(&stage, &cells, &calls);
    for complaint in stage.left_over().await {
        say(&format!("FAILED in the end: {complaint}"));
        failed += 1;
    }
    say(&format!(
        "{} cells in {} s, {failed} not as they must be",
        cells.len(),
        started.elapsed().as_secs()
    ));
    failed
}

/// Every combination, and each fault once more in each kind of request for a caller who leaves.
fn cells() -> Vec<Cell> {
    let mut cells = Vec::new();
    for fault in faults::all() {
        let fault = Arc::new(fault);
        for dialect in DIALECTS {
            for form in FORMS {
                cells.extend([false, true].map(|fallback| Cell::new(&fault, form, dialect, fallback)));
                // Spread over the time that an answer takes.
                let leaves = 10 + cells.len() as u64 * 37 % 110;
                let leaves = Duration::from_millis(leaves);
                cells.push(Cell::new(&fault, form, dialect, true).left_after(leaves));
            }
        }
    }
    cells
}

/// What came of each cell, by its name. One that could not be played out is missing.
async fn play(stage: &Arc<Stage>, cells: &[Arc<Cell>]) -> HashMap<String, Call> {
    let room = Arc::new(Semaphore::new(AT_ONCE as usize));
    let mut playing = JoinSet::new();
    for cell in cells {
        let (stage, cell, room) = (stage.clone(), cell.clone(), room.clone());
        playing.spawn(async move {
            let room_taken = if cell.fault.heavy { AT_ONCE / 2 } else { 1 };
            let _room = room.acquire_many(room_taken).await;
            // A client of its own: connections are not shared between callers.
            let call = call(&stage, &stage.gateway.client(), &cell, 0).await;
            (cell.name.clone(), call)
        });
    }
    let mut calls = HashMap::new();
    while let Some(played) = playing.join_next().await {
        match played {
            Ok((name, call)) => drop(calls.insert(name, call)),
            Err(died) => say(&format!("a cell could not be played out: {died}")),
        }
    }
    calls
}

fn judge(stage: &Stage, cells: &[Arc<Cell>], calls: &HashMap<String, Call>) -> usize {
    let witnesses = Witnesses::hear(&stage.simulator, &stage.gateway);
    let (mut table, mut failed) = (Table::default(), 0);
    for cell in cells {
        let Some(call) = calls.get(&cell.name) else {
            say(&format!("FAILED {}: it could not be played out", cell.name));
            failed += 1;
            continue;
        };
        let judgement = witnesses.judge(cell, call, &stage.pace);
        if !judgement.complaints.is_empty() {
            failed += 1;
            say(&format!(
                "FAILED {}: {}",
                cell.name,
                judgement.complaints.join("; ")
            ));
        }
        table.add(cell, &judgement);
    }
    table.print();
    failed
}
