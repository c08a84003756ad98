//! A bounded number of places, and a bounded queue for them in which callers take turns: one who sends a thousand
//! requests at once waits behind himself, not everybody behind him.
//!
//! Taking and leaving a place without a queue touches two counters and no lock. Knows no time: how long to wait is up
//! to whoever waits.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use tokio::sync::oneshot;

use crate::lock::lock;

/// Places, some of them taken.
#[derive(Debug)]
pub struct Gate {
    places: AtomicUsize,
    taken: AtomicUsize,
    waiting: AtomicUsize,
    lines: Mutex<VecDeque<Line>>,
}

/// A place that is taken; gives itself back when dropped.
#[derive(Debug)]
pub struct Place(Option<Arc<Gate>>);

/// A position in the queue; dropping it gives it up.
#[derive(Debug)]
pub struct Waiter {
    gate: Arc<Gate>,
    turn: oneshot::Receiver<Place>,
}

/// Those who wait for one caller, the first in front.
#[derive(Debug)]
struct Line {
    caller: String,
    waiters: VecDeque<oneshot::Sender<Place>>,
}

// === impl Gate ===

impl Gate {
    pub fn new(places: usize) -> Arc<Self> {
        Arc::new(Self {
            places: AtomicUsize::new(places),
            taken: AtomicUsize::new(0),
            waiting: AtomicUsize::new(0),
            lines: Mutex::default(),
        })
    }

    /// From now on there are so many places. Those taken stay taken.
    pub fn resize(self: &Arc<Self>, places: usize) {
        self.places.store(places, SeqCst);
        self.serve_queue();
    }

    pub fn taken(&self) -> usize {
        self.taken.load(SeqCst)
    }

    pub fn waiting(&self) -> usize {
        self.waiting.load(SeqCst)
    }

    /// Whether [`Self::enter`] would find a place now.
    pub fn has_room(&self) -> bool {
        self.waiting() == 0 && self.taken() < self.places.load(SeqCst)
    }

    /// A place, unless all are taken or somebody waits for one.
    pub fn enter(self: &Arc<Self>) -> Option<Place> {
        (self.waiting() == 0 && self.take()).then(|| Place(Some(self.clone())))
    }

    /// A position in the queue, behind those of the same caller; none if `most` are waiting already.
    pub fn queue(self: &Arc<Self>, caller: &str, most: usize) -> Option<Waiter> {
        let (sender, turn) = oneshot::channel();
        {
            let mut lines = lock(&self.lines);
            if self.waiting() >= most {
                return None;
            }
            self.waiting.fetch_add(1, SeqCst);
            match lines.iter_mut().find(|line| line.caller == caller) {
                Some(line) => {
                    // Those who gave up would stand there until their turn.
                    line.waiters.retain(|waiter| !waiter.is_closed());
                    line.waiters.push_back(sender);
                }
                None => lines.push_back(Line {
                    caller: caller.to_owned(),
                    waiters: VecDeque::from([sender]),
                }),
            }
        }
        let waiter = Waiter {
            gate: self.clone(),
            turn,
        };
        // A place may have become free since nobody seemed to wait for it.
        self.serve_queue();
        Some(waiter)
    }

    fn take(&self) -> bool {
        let places = self.places.load(SeqCst);
        let more = |taken: usize| (taken < places).then_some(taken + 1);
        self.taken.fetch_update(SeqCst, SeqCst, more).is_ok()
    }

    /// Gives free places to those who wait, a line at a time.
    fn serve_queue(self: &Arc<Self>) {
        while self.waiting() > 0 && self.take() {
            let Some(next) = self.next_in_line() else {
                self.taken.fetch_sub(1, SeqCst);
                // Somebody may have come who found this place taken.
                if lock(&self.lines).is_empty() {
                    return;
                }
                continue;
            };
            if let Err(mut unwanted) = next.send(Place(Some(self.clone()))) {
                // Not dropped, which would come back here.
                unwanted.0 = None;
                self.taken.fetch_sub(1, SeqCst);
            }
        }
    }

    fn next_in_line(&self) -> Option<oneshot::Sender<Place>> {
        let mut lines = lock(&self.lines);
        while let Some(mut line) = lines.pop_front() {
            let next = line.waiters.pop_front();
            if !line.waiters.is_empty() {
                lines.push_back(line);
            }
            if let Some(next) = next.filter(|waiter| !waiter.is_closed()) {
                return Some(next);
            }
        }
        None
    }
}

// === impl Place ===

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(gate) = self.0.take() {
            gate.taken.fetch_sub(1, SeqCst);
            gate.serve_queue();
        }
    }
}

// === impl Waiter ===

impl Future for Waiter {
    type Output = Place;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Place> {
        // The sender is never dropped while this end is open, but if it were, waiting would be all there is to do.
        match Pin::new(&mut self.turn).poll(context) {
            Poll::Ready(Ok(place)) => Poll::Ready(place),
            Poll::Ready(Err(_)) | Poll::Pending => Poll::Pending,
        }
    }
}

impl Drop for Waiter {
    fn drop(&mut self) {
        self.gate.waiting.fetch_sub(1, SeqCst);
    }
}

#[cfg(test)]
mod tests;
