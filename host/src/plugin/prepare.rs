//! The thread that makes instances before they are needed, so that requests do not wait for it.

use std::io;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Weak};
use std::thread;
use std::time::{Duration, Instant};

use super::instance::Instances;

/// Requests to prepare that may wait. One that finds no room will be made again by the next exchange.
const WAITING: usize = 64;
/// How often what is ready is compared with what was needed.
const LOOK_BACK: Duration = Duration::from_secs(1);

/// The way to that thread, which ends when nobody has it any more.
#[derive(Debug, Clone)]
pub(super) struct Preparer {
    asked: SyncSender<Weak<Instances>>,
}

// === impl Preparer ===

impl Preparer {
    pub(super) fn start() -> io::Result<Self> {
        let (asked, asks) = sync_channel(WAITING);
        thread::Builder::new()
            .name("plugin-prepare".into())
            .spawn(move || run(&asks))?;
        Ok(Self { asked })
    }

    pub(super) fn prepare(&self, instances: &Arc<Instances>) {
        if self.asked.try_send(Arc::downgrade(instances)).is_err() {
            instances.demand.answered();
        }
    }
}

fn run(asks: &Receiver<Weak<Instances>>) {
    let mut known: Vec<Weak<Instances>> = Vec::new();
    let mut looked_back = Instant::now();
    loop {
        match asks.recv_timeout(LOOK_BACK) {
            Ok(asking) => {
                if let Some(instances) = asking.upgrade() {
                    instances.demand.answered();
                    while instances.prepare_one() {}
                }
                if !known.iter().any(|known| known.ptr_eq(&asking)) {
                    known.push(asking);
                }
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
        if looked_back.elapsed() >= LOOK_BACK {
            looked_back = Instant::now();
            known.retain(|known| known.upgrade().inspect(|known| known.look_back()).is_some());
        }
    }
}
