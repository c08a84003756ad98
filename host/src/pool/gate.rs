//! A bounded number of places, and a bounded queue for them in which callers take turns: one who sends a thousand
//! requests at once waits behind himself, not everybody behind him.
//!
//! A gate may lie within another one, and then a place is a place in both, taken together or not at all: whoever waits
//! holds nothing. All gates within one share its queue, in which those are passed over whose own gate is full.
//!
//! Taking and leaving a place without a queue touches two counters of each gate and no lock. Knows no time: how long to
//! wait is up to whoever waits.

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
    /// For this gate, or one within it.
    waiting: AtomicUsize,
    /// Empty where there is an outer gate.
    lines: Mutex<VecDeque<Line>>,
    outer: Option<Arc<Gate>>,
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
    waiters: VecDeque<Waiting>,
}

#[derive(Debug)]
struct Waiting {
    gate: Arc<Gate>,
    turn: oneshot::Sender<Place>,
}

// === impl Gate ===

impl Gate {
    pub fn new(places: usize) -> Arc<Self> {
        Self::made(places, None)
    }

    /// A gate whose places are places of `outer` too. That one must not lie within another, and nobody enters it
    /// but through gates like this.
    pub fn within(outer: &Arc<Self>, places: usize) -> Arc<Self> {
        Self::made(places, Some(outer.clone()))
    }

    fn made(places: usize, outer: Option<Arc<Self>>) -> Arc<Self> {
        Arc::new(Self {
            places: AtomicUsize::new(places),
            taken: AtomicUsize::new(0),
            waiting: AtomicUsize::new(0),
            lines: Mutex::default(),
            outer,
        })
    }

    /// From now on there are so many places. Those taken stay taken.
    pub fn resize(&self, places: usize) {
        self.places.store(places, SeqCst);
        self.head().serve_queue();
    }

    pub fn places(&self) -> usize {
        self.places.load(SeqCst)
    }

    pub fn taken(&self) -> usize {
        self.taken.load(SeqCst)
    }

    pub fn waiting(&self) -> usize {
        self.waiting.load(SeqCst)
    }

    /// Whether [`Self::enter`] would find a place now.
    pub fn has_room(&self) -> bool {
        self.waiting() == 0 && !self.is_full() && self.outer.as_ref().is_none_or(|outer| !outer.is_full())
    }

    /// A place, unless all are taken or somebody waits for one.
    pub fn enter(self: &Arc<Self>) -> Option<Place> {
        if self.waiting() > 0 {
            return None;
        }
        if self.take() {
            return Some(Place(Some(self.clone())));
        }
        // For a moment it may have looked as if the inner gate had a place less than it has.
        self.outer.iter().for_each(|outer| outer.serve_queue());
        None
    }

    /// A position in the queue, behind those of the same caller; none if `most` are waiting already.
    pub fn queue(self: &Arc<Self>, caller: &str, most: usize) -> Option<Waiter> {
        let (sender, turn) = oneshot::channel();
        {
            let mut lines = lock(&self.head().lines);
            if self.waiting() >= most {
                return None;
            }
            self.path().for_each(|gate| {
                gate.waiting.fetch_add(1, SeqCst);
            });
            let waiting = Waiting {
                gate: self.clone(),
                turn: sender,
            };
            match lines.iter_mut().find(|line| line.caller == caller) {
                Some(line) => {
                    // Those who gave up would stand there until their turn.
                    line.waiters.retain(|waiting| !waiting.is_over());
                    line.waiters.push_back(waiting);
                }
                None => lines.push_back(Line {
                    caller: caller.to_owned(),
                    waiters: VecDeque::from([waiting]),
                }),
            }
        }
        let waiter = Waiter {
            gate: self.clone(),
            turn,
        };
        // A place may have become free since nobody seemed to wait for it.
        self.head().serve_queue();
        Some(waiter)
    }

    /// The gate whose queue it is.
    fn head(&self) -> &Self {
        self.outer.as_deref().unwrap_or(self)
    }

    /// Itself, and the one around it.
    fn path(&self) -> impl Iterator<Item = &Self> {
        std::iter::once(self).chain(self.outer.as_deref())
    }

    fn is_full(&self) -> bool {
        self.taken() >= self.places.load(SeqCst)
    }

    /// A place here and in the outer gate, or none at all.
    fn take(&self) -> bool {
        if !self.take_here() {
            return false;
        }
        let both = self.outer.as_ref().is_none_or(|outer| outer.take_here());
        if !both {
            self.taken.fetch_sub(1, SeqCst);
        }
        both
    }

    fn take_here(&self) -> bool {
        let places = self.places.load(SeqCst);
        let more = |taken: usize| (taken < places).then_some(taken + 1);
        self.taken.fetch_update(SeqCst, SeqCst, more).is_ok()
    }

    fn give_back(&self) {
        self.path().for_each(|gate| {
            gate.taken.fetch_sub(1, SeqCst);
        });
    }

    /// Gives free places to those who wait, a line at a time. For gates without an outer one.
    fn serve_queue(&self) {
        while self.waiting() > 0 {
            let Some(Waiting { gate, turn }) = self.next_in_line() else {
                return;
            };
            if let Err(mut unwanted) = turn.send(Place(Some(gate.clone()))) {
                // Not dropped, which would come back here.
                unwanted.0 = None;
                gate.give_back();
            }
        }
    }

    /// The first who can have a place, which is taken for him.
    fn next_in_line(&self) -> Option<Waiting> {
        let mut lines = lock(&self.lines);
        if self.is_full() {
            return None;
        }
        let mut found = None;
        for (index, line) in lines.iter_mut().enumerate() {
            while line.waiters.front().is_some_and(Waiting::is_over) {
                line.waiters.pop_front();
            }
            let can_enter = |waiting: &Waiting| !waiting.is_over() && waiting.gate.take();
            if let Some(at) = line.waiters.iter().position(can_enter) {
                found = Some((index, line.waiters.remove(at)?));
                break;
            }
        }
        let next = found.and_then(|(index, next)| {
            let line = lines.remove(index)?;
            lines.push_back(line);
            Some(next)
        });
        lines.retain(|line| !line.waiters.is_empty());
        next
    }
}

// === impl Waiting ===

impl Waiting {
    /// Whoever waited has gone away.
    fn is_over(&self) -> bool {
        self.turn.is_closed()
    }
}

// === impl Place ===

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(gate) = self.0.take() {
            gate.give_back();
            gate.head().serve_queue();
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
        self.gate.path().for_each(|gate| {
            gate.waiting.fetch_sub(1, SeqCst);
        });
    }
}

#[cfg(test)]
mod tests;
