//! Best first, where equals take turns and those that are not on top get a request now and then.
//!
//! Counts with the request's number alone: it keeps no state, so there is none to race for.

use super::ranking::{Entry, Places};
use super::{Ranking, Request};

/// Said of a ranking that begins with one that is not on top.
const ANOTHER: &str = "not the best: one of the others, in turn";

/// How candidates share a public model's requests.
#[derive(Clone, Copy, Debug)]
pub struct Turns {
    sequence: u64,
    every: u64,
}

impl Turns {
    /// Equals take turns: of `k` of them, request number `s` begins with number `s mod k`.
    pub fn of(request: &Request) -> Self {
        Self {
            sequence: request.sequence,
            every: 0,
        }
    }

    /// The last of every so many requests begins with one of those that are not on top, in turn, whatever their
    /// place: a number that only changes by requests would otherwise keep a candidate away that has recovered.
    /// 0 is never. These requests take nobody's turn among the best.
    pub fn another_every(self, every: u64) -> Self {
        Self { every, ..self }
    }

    /// First those that are here, then those that are not; among both the lowest number first, NaN last, and ties in
    /// turn. Only who is here has a turn, so that the one after a gap does not get two. `place` says by row whether
    /// a candidate is here, and its number.
    pub fn lowest_first(self, candidates: &[u32], place: impl Fn(usize) -> (bool, f64)) -> Ranking {
        let mut places = Places::new(candidates.len(), place);
        places.sort();
        let (best, near) = (places.equals(0), near(&places.entries));
        // Of the requests before this one, those that were for another.
        let anothers = if best < near {
            self.sequence.checked_div(self.every).unwrap_or(0)
        } else {
            0
        };
        take_turns(&mut places, self.sequence - anothers);
        let another = self.is_for_another() && put_another_first(&mut places.entries[..near], best, anothers);
        let ranking = Ranking::new(places.order(candidates));
        if another { ranking.note(ANOTHER) } else { ranking }
    }

    /// As [`Self::lowest_first`], with the highest number first.
    pub fn highest_first(self, candidates: &[u32], place: impl Fn(usize) -> (bool, f64)) -> Ranking {
        self.lowest_first(candidates, |row| {
            let (here, number) = place(row);
            (here, -number)
        })
    }

    fn is_for_another(self) -> bool {
        self.every != 0 && self.sequence % self.every == self.every - 1
    }
}

/// How many are here.
fn near(entries: &[Entry]) -> usize {
    entries.partition_point(|entry| !entry.is_last())
}

fn take_turns(places: &mut Places, turn: u64) {
    let mut from = 0;
    while from < places.entries.len() {
        let equals = places.equals(from);
        if equals > 1 {
            let first = (turn % equals as u64) as usize;
            places.entries[from..from + equals].rotate_left(first);
        }
        from += equals;
    }
}

/// Whether there was one behind the best. In turn by row, which unlike its place does not change with the answers.
fn put_another_first(entries: &mut [Entry], best: usize, turn: u64) -> bool {
    let others = entries.get(best..).unwrap_or(&[]);
    let mut others: Vec<(usize, usize)> = (best..)
        .zip(others)
        .map(|(place, entry)| (entry.row(), place))
        .collect();
    let Some(turn) = turn.checked_rem(others.len() as u64) else {
        return false;
    };
    let (_, &mut (_, place), _) = others.select_nth_unstable(turn as usize);
    entries[..=place].rotate_right(1);
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testkit::request;

    fn orders(requests: std::ops::Range<u64>, every: u64, here: &[bool], numbers: &[f64]) -> Vec<Vec<u32>> {
        let candidates: Vec<u32> = (0..numbers.len() as u32).collect();
        requests
            .map(|sequence| {
                let request = Request {
                    sequence,
                    ..request()
                };
                let turns = Turns::of(&request).another_every(every);
                turns
                    .lowest_first(&candidates, |row| (here[row], numbers[row]))
                    .order
            })
            .collect()
    }

    #[test]
    fn equals_take_turns_and_others_keep_their_place() {
        let orders = orders(0..3, 0, &[true; 5], &[2.0, 1.0, 2.0, 3.0, 2.0]);
        assert_eq!(orders, [[1, 0, 2, 4, 3], [1, 2, 4, 0, 3], [1, 4, 0, 2, 3]]);
    }

    #[test]
    fn who_is_away_comes_last_and_has_no_turn() {
        let orders = orders(0..3, 0, &[true, false, true, false], &[5.0, 1.0, 5.0, f64::NAN]);
        assert_eq!(orders, [[0, 2, 1, 3], [2, 0, 1, 3], [0, 2, 1, 3]]);
    }

    #[test]
    fn every_third_request_is_for_another_in_turn_and_takes_nobodys() {
        let orders = orders(
            0..12,
            3,
            &[true, true, true, true, false],
            &[1.0, 9.0, 1.0, 4.0, 4.0],
        );
        let first: Vec<u32> = orders.iter().map(|order| order[0]).collect();
        assert_eq!(first, [0, 2, 1, 0, 2, 3, 0, 2, 1, 0, 2, 3]);
        assert_eq!(orders[2], [1, 0, 2, 3, 4], "the best follow");
        assert!(
            orders.iter().all(|order| order[4] == 4),
            "who is away is not asked to recover"
        );
    }

    #[test]
    fn where_all_are_equal_nobody_is_another() {
        assert_eq!(orders(1..3, 2, &[true; 2], &[1.0; 2]), [[1, 0], [0, 1]]);
        assert_eq!(orders(1..2, 2, &[], &[]), [[0; 0]]);
    }
}
