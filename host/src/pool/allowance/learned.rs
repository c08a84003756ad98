//! What vendors say is left of their own limits, counted down until they say it again.
//!
//! A word that came from outside: what is no number is ignored, and none of it holds for longer than an hour, or the
//! window that it is said to be for, so that a mistaken header takes nobody away for good. Requests and tokens are
//! enforced; of anything else only the newest word is kept, to be shown.

use std::time::Duration;

use crate::failure::Scope;
use crate::pool::Millis;

/// How long a word counts that does not say for how long.
const USUAL: Duration = Duration::from_secs(60);
/// How long a word counts at most ...
const LONGEST: Duration = Duration::from_secs(3600);
/// ... or, if it is for a longer window, this.
const LONGEST_WINDOW: Duration = Duration::from_secs(24 * 3600);
/// What nobody has, so that a number beyond it means that there is no limit.
const ABSURD: f64 = 1e15;
/// Words that are kept only to be shown.
const MOST_OTHERS: usize = 8;

/// A limit as a vendor reported it.
#[derive(Debug, Clone, PartialEq)]
pub struct Reported {
    /// "requests", "tokens", "balance", or the vendor's own word.
    pub what: String,
    pub scope: Scope,
    pub capacity: Option<f64>,
    pub remaining: Option<f64>,
    /// Until `remaining` is `capacity` again.
    pub resets_in: Option<Duration>,
    /// The period that `capacity` is for.
    pub window: Option<Duration>,
}

/// What has been reported lately of one account, or one of its models.
#[derive(Debug, Clone, Default)]
pub(super) struct Learned {
    requests: Option<Known>,
    tokens: Option<Known>,
    others: Vec<(String, Known)>,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Known {
    pub(super) capacity: Option<f64>,
    pub(super) remaining: Option<f64>,
    /// Unix time in milliseconds.
    pub(super) until: Millis,
}

/// Why nothing more may be asked for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Spent {
    pub(super) what: &'static str,
    pub(super) until: Millis,
}

// === impl Learned ===

impl Learned {
    /// Takes the place of what was known. `on_its_way`: requests and tokens that the vendor cannot have counted yet.
    pub(super) fn report(&mut self, now: Millis, reported: &Reported, on_its_way: (u64, u64)) {
        let known = Known::new(now, reported);
        match reported.what.as_str() {
            "requests" => self.requests = Some(known.less(on_its_way.0)),
            "tokens" => self.tokens = Some(known.less(on_its_way.1)),
            other => {
                self.others.retain(|(name, _)| name != other);
                if self.others.len() == MOST_OTHERS {
                    self.others.remove(0);
                }
                self.others.push((other.to_owned(), known));
            }
        }
    }

    /// A request is going to be sent.
    pub(super) fn count(&mut self, requests: u64, tokens: u64) {
        self.requests = self.requests.map(|known| known.less(requests));
        self.tokens = self.tokens.map(|known| known.less(tokens));
    }

    /// What was counted was not used after all, or more was.
    pub(super) fn correct(&mut self, requests: u64, booked: u64, used: u64) {
        self.requests = self.requests.map(|known| known.more(requests));
        self.tokens = self.tokens.map(|known| known.more(booked).less(used));
    }

    /// Why a request of so many tokens is not to be sent now. One that is larger than the vendor's limit goes when
    /// nothing of that is used: the vendor may count otherwise.
    pub(super) fn spent(&self, now: Millis, tokens: u64) -> Option<Spent> {
        let requests = self.requests.filter(|known| known.lacks(now, 1));
        let tokens = self.tokens.filter(|known| known.lacks(now, tokens));
        let spent = |what, known: Known| Spent {
            what,
            until: known.until,
        };
        let both = [
            requests.map(|known| spent("requests", known)),
            tokens.map(|known| spent("tokens", known)),
        ];
        both.into_iter().flatten().max_by_key(|spent| spent.until)
    }

    /// Whether there is anything left to enforce.
    pub(super) fn is_over(&self, now: Millis) -> bool {
        let both = [&self.requests, &self.tokens];
        both.into_iter().flatten().all(|known| known.until <= now)
    }

    /// By what is limited. What has run out is left out, unless it is there only to be shown.
    pub(super) fn known(&self, now: Millis) -> impl Iterator<Item = (&str, Known)> {
        let enforced = [("requests", self.requests), ("tokens", self.tokens)];
        let enforced = enforced
            .into_iter()
            .filter_map(move |(name, known)| Some((name, known.filter(|known| known.until > now)?)));
        enforced.chain(self.others.iter().map(|(name, known)| (name.as_str(), *known)))
    }
}

// === impl Known ===

impl Known {
    fn new(now: Millis, reported: &Reported) -> Self {
        let sane = |number: Option<f64>| number.filter(|number| (0.0..ABSURD).contains(number));
        let window = reported.window.filter(|window| !window.is_zero());
        let longest = window.map_or(LONGEST, |window| window.min(LONGEST_WINDOW));
        let resets_in = reported.resets_in.or(window).unwrap_or(USUAL).min(longest);
        Self {
            capacity: sane(reported.capacity),
            remaining: sane(reported.remaining),
            until: now + Millis::try_from(resets_in.as_millis()).unwrap_or(0),
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "token counts stay far below 2^52")]
    fn less(self, count: u64) -> Self {
        // Below zero too: what is given back later must not seem to be there now.
        let remaining = self.remaining.map(|remaining| remaining - count as f64);
        Self { remaining, ..self }
    }

    #[expect(clippy::cast_precision_loss, reason = "token counts stay far below 2^52")]
    fn more(self, count: u64) -> Self {
        let remaining = self.remaining.map(|remaining| remaining + count as f64);
        Self { remaining, ..self }
    }

    #[expect(clippy::cast_precision_loss, reason = "token counts stay far below 2^52")]
    fn lacks(&self, now: Millis, count: u64) -> bool {
        let needed = (count as f64)
            .min(self.capacity.unwrap_or(f64::INFINITY))
            .max(1.0);
        self.until > now && self.remaining.is_some_and(|remaining| remaining < needed)
    }
}

#[cfg(test)]
mod tests;
