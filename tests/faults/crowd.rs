//! Two thousand streams at once, half of them translated, and of every ten one meets a fault, each time another. All
//! are judged as in the table. Afterwards nothing is left of them, and a second such crowd leaves no more behind than
//! the first.

use std::sync::Arc;
use std::time::{Duration, Instant};

use patchbay_tests::{Client, eventually};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::caller::{Call, call};
use crate::cell::{Cell, DIALECTS, Form};
use crate::fault::Fault;
use crate::faults;
use crate::oracle::Witnesses;
use crate::stage::{Pace, Stage};
use crate::table::say;

const STREAMS: usize = 2000;
/// One in so many meets a fault.
const FAULTY: usize = 10;
/// Callers that share a connection pool.
const CLIENTS: usize = 20;
/// When most of them are under way.
const HALFWAY: Duration = Duration::from_millis(1500);
/// Longer than anything may go on behind the last answer.
const REST: Duration = Duration::from_secs(3);
/// By how much memory may have grown from the first crowd to the second.
const GROWTH: f64 = 1.15;

/// Patient, because all of it together is more than two cores can do at the pace of one.
const PACE: Pace = Pace {
    tokens: 100,
    interval: Duration::from_millis(20),
    // Below the time after which a caller is kept company, and then would learn less from the headers.
    connect: Duration::from_secs(5),
    first_byte: Duration::from_secs(7),
    first_token: Duration::from_secs(9),
    idle: Duration::from_secs(8),
    total: Duration::from_secs(40),
    stream: Duration::from_secs(20),
    retry_delay: Duration::from_millis(200),
    slack: Duration::from_secs(15),
    blur: Duration::from_secs(1),
};

/// Runs both crowds; how many things are not as they must be.
pub(crate) async fn run() -> usize {
    raise_open_files();
    let crowds: Vec<Vec<Arc<Cell>>> = ["first", "second"].iter().map(|mark| crowd(mark)).collect();
    let mut cells: Vec<Arc<Cell>> = crowds.concat();
    // Many share a cell that nothing is wrong with.
    cells.sort_by(|one, other| one.name.cmp(&other.name));
    cells.dedup_by(|one, other| one.name == other.name);
    let stage = Arc::new(Stage::new(&cells, PACE).await);
    let sockets = stage.gateway.open_files().0;
    let (mut failed, mut resident) = (0, Vec::new());
    for crowd in &crowds {
        failed += play(&stage, crowd).await;
        resident.push(stage.gateway.resident());
        failed += settle(&stage, sockets).await;
    }
    let grown = resident[1] as f64 / resident[0] as f64;
    say(&format!(
        "memory after each: {:.1} and {:.1} MB ({:+.1} %)",
        resident[0] as f64 / 1e6,
        resident[1] as f64 / 1e6,
        100.0 * (grown - 1.0)
    ));
    if grown > GROWTH {
        say("FAILED: memory has grown");
        failed += 1;
    }
    failed + without_vendors(stage, sockets).await
}

/// The cell of each caller.
fn crowd(mark: &str) -> Vec<Arc<Cell>> {
    let cell = |fault: &Arc<Fault>, dialect, fallback| {
        Arc::new(Cell::new(fault, Form::Streamed, dialect, fallback).marked(mark))
    };
    let faults: Vec<Arc<Fault>> = faults::all().into_iter().map(Arc::new).collect();
    let well = DIALECTS.map(|dialect| cell(&faults[0], dialect, true));
    // Without those so heavy that all others would wait for them.
    let light = faults[1..].iter().filter(|fault| !fault.heavy);
    let faulty: Vec<Arc<Cell>> = light
        .flat_map(|fault| {
            DIALECTS.map(|dialect| [false, true].map(|fallback| cell(fault, dialect, fallback)))
        })
        .flatten()
        .collect();
    let of_caller = |number: usize| {
        if number.is_multiple_of(FAULTY) {
            faulty[number * faulty.len() / STREAMS].clone()
        } else {
            well[number % well.len()].clone()
        }
    };
    (0..STREAMS).map(of_caller).collect()
}

/// All at once; how many are not as they must be.
async fn play(stage: &Arc<Stage>, crowd: &[Arc<Cell>]) -> usize {
    let started = Instant::now();
    stage.simulator.forget_requests();
    let clients: Vec<Client> = (0..CLIENTS).map(|_| stage.gateway.client()).collect();
    let mut playing = JoinSet::new();
    for (number, cell) in crowd.iter().enumerate() {
        let (stage, cell, client) = (stage.clone(), cell.clone(), clients[number % CLIENTS].clone());
        playing.spawn(async move {
            let call = call(&stage, &client, &cell, number).await;
            (cell, call)
        });
    }
    sleep(HALFWAY).await;
    let at_once = stage.gateway.metric("patchbay_requests_in_flight", &[]).await;
    let mut calls: Vec<(Arc<Cell>, Call)> = Vec::new();
    let mut failed = 0;
    while let Some(played) = playing.join_next().await {
        match played {
            Ok(call) => calls.push(call),
            Err(died) => {
                say(&format!(
                    "FAILED in the crowd: it could not be played out: {died}"
                ));
                failed += 1;
            }
        }
    }
    let took = started.elapsed();
    drop(clients);
    sleep(REST).await;
    let witnesses = Witnesses::hear(&stage.simulator, &stage.gateway);
    for (cell, call) in &calls {
        let complaints = witnesses.judge(cell, call, &stage.pace).complaints;
        if !complaints.is_empty() {
            failed += 1;
            say(&format!(
                "FAILED in the crowd, {}: {}",
                cell.name,
                complaints.join("; ")
            ));
        }
    }
    say(&format!(
        "{} streams, {at_once} at once, in {:.1} s, {failed} not as they must be",
        calls.len(),
        took.as_secs_f64()
    ));
    failed
}

/// What is left of a crowd although all of it is gone. Connections to vendors may be kept to be used again, and
/// the simulator knows of each of them.
async fn settle(stage: &Stage, sockets: usize) -> usize {
    let complaints = stage.left_over().await;
    // Those over which the metrics were read go within a moment.
    let (open, kept) = eventually("no socket is left but those to vendors", async || {
        let open = stage.gateway.open_files().0;
        let kept = usize::try_from(stage.simulator.state().connections).unwrap();
        (open <= sockets + kept).then_some((open, kept))
    })
    .await;
    say(&format!(
        "{:.1} MB, {open} sockets, of which {kept} to vendors",
        stage.gateway.resident() as f64 / 1e6
    ));
    for complaint in &complaints {
        say(&format!("FAILED after the crowd: {complaint}"));
    }
    complaints.len()
}

/// Once the vendors close their connections, none is left.
async fn without_vendors(stage: Arc<Stage>, sockets: usize) -> usize {
    let Some(Stage {
        simulator, gateway, ..
    }) = Arc::into_inner(stage)
    else {
        return 1;
    };
    simulator.stop().await;
    let open = eventually("no socket is left", async || {
        Some(gateway.open_files().0).filter(|open| *open <= sockets)
    })
    .await;
    say(&format!("{open} sockets without vendors, {sockets} at first"));
    0
}

/// Two for each stream in this process, and as many in the gateway, which inherits the limit.
fn raise_open_files() {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        ..limit
    };
    setrlimit(Resource::Nofile, raised).unwrap();
}
