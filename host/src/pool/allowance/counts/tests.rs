//! Counts over given times: windows, quotas, reservations, and a property of any minute.

use std::collections::VecDeque;

use proptest::prelude::*;

use super::*;
use crate::failure::Scope;
use crate::pool::allowance::learned::Spent;

const START: Millis = 1_795_231_193_000;
const MIDNIGHT: Millis = 1_795_305_600_000;

/// Counts and the time.
struct Scene {
    counts: Counts,
    at: Millis,
}

impl Scene {
    fn new(bounds: Bounds) -> Self {
        let mut counts = Counts::new(START);
        counts.bounds = bounds;
        Self { counts, at: 0 }
    }

    fn now(&self) -> Now {
        Now {
            unix: START + self.at,
            up: self.at,
        }
    }

    fn book(&mut self, demand: Demand) -> Result<Booking, Over> {
        let now = self.now();
        self.counts.book(now, &demand)
    }

    fn settle(&mut self, booking: &Booking, outcome: Outcome) -> Vec<(Bound, Told)> {
        let now = self.now();
        let passes = self.counts.settle(now, booking, outcome).into_iter();
        passes
            .flatten()
            .map(|passed| (passed.bound, passed.told))
            .collect()
    }

    fn report(&mut self, reported: &Reported, booking: &mut Booking, in_flight: u64) {
        let now = self.now();
        self.counts.report(now, reported, booking, in_flight);
    }

    fn over(&mut self) -> Option<(Option<Bound>, Option<Millis>)> {
        let now = self.now();
        let over = self.counts.over(now)?;
        let bound = match over {
            Over::Bound { bound, .. } => Some(bound),
            Over::Learned(_) => None,
        };
        Some((bound, over.wait(now.unix)))
    }

    fn used(&mut self, bound: Bound) -> (f64, f64) {
        let now = self.now();
        let measure = self.counts.measure(bound, now).unwrap();
        (measure.used, measure.reserved)
    }
}

fn tokens(tokens: u64) -> Demand {
    let amount = Amount {
        tokens,
        cost: number(tokens) / 1000.0,
    };
    Demand {
        sure: amount,
        likely: amount,
    }
}

fn used(count: u64) -> Outcome {
    Outcome::Used(tokens(count).sure)
}

fn requests(most: u64) -> Bounds {
    Bounds {
        requests_per_minute: Some(most),
        ..Bounds::default()
    }
}

fn per_minute(most: u64) -> Bounds {
    Bounds {
        tokens_per_minute: Some(most),
        ..Bounds::default()
    }
}

fn daily(most: u64) -> Bounds {
    Bounds {
        daily_tokens: Some(most),
        ..Bounds::default()
    }
}

#[test]
fn requests_count_when_they_are_leased_and_only_an_unsent_one_is_taken_back() {
    let mut scene = Scene::new(requests(2));
    let first = scene.book(tokens(5)).unwrap();
    scene.at = 10_000;
    let second = scene.book(tokens(5)).unwrap();
    assert_eq!(scene.over(), Some((Some(Bound::RequestsPerMinute), Some(52_000))));
    scene.settle(&first, used(0));
    assert!(scene.over().is_some(), "a vendor counts what it refuses too");
    scene.settle(&second, Outcome::Unused);
    assert_eq!(scene.over(), None);
    scene.book(tokens(5)).unwrap();
    let Err(over) = scene.book(tokens(5)) else {
        panic!()
    };
    assert_eq!(over.wait(scene.now().unix), Some(52_000));
}

#[test]
fn tokens_are_reserved_while_under_way_and_count_for_a_minute_after_the_end() {
    let mut scene = Scene::new(per_minute(100));
    let long = scene.book(tokens(60)).unwrap();
    scene.at = 600_000;
    assert!(scene.book(tokens(50)).is_err(), "still under way");
    assert_eq!(scene.used(Bound::TokensPerMinute), (0.0, 60.0));
    scene.settle(&long, used(30));
    assert_eq!(scene.used(Bound::TokensPerMinute), (30.0, 0.0));
    let Err(over) = scene.book(tokens(80)) else {
        panic!()
    };
    assert_eq!(over.wait(scene.now().unix), Some(62_000));
    let next = scene.book(tokens(70)).unwrap();
    assert_eq!(scene.over(), Some((Some(Bound::TokensPerMinute), Some(SOON))));
    scene.settle(&next, used(500));
    assert_eq!(scene.over(), Some((Some(Bound::TokensPerMinute), Some(62_000))));
}

#[test]
fn a_request_larger_than_the_limit_is_told_so_and_a_guess_refuses_nothing() {
    for bounds in [per_minute(100), daily(100)] {
        let mut scene = Scene::new(bounds);
        let Err(Over::Bound { wait, needed, .. }) = scene.book(tokens(101)) else {
            panic!()
        };
        assert_eq!((wait, needed), (None, 101.0));
        let guess = Demand {
            sure: tokens(10).sure,
            likely: tokens(5_000).likely,
        };
        let booking = scene.book(guess).unwrap();
        assert!(scene.over().is_some(), "all of it is reserved");
        scene.settle(&booking, used(10));
        assert_eq!(scene.over(), None);
    }
}

#[test]
fn a_quota_lasts_until_its_period_ends_and_is_told_of_twice() {
    let mut scene = Scene::new(Bounds {
        daily_tokens: Some(100),
        monthly_tokens: Some(100_000),
        daily_cost: Some(0.1),
        ..Bounds::default()
    });
    let ask = |scene: &mut Scene, count| {
        let booking = scene.book(tokens(count)).unwrap();
        scene.settle(&booking, used(count))
    };
    assert_eq!(ask(&mut scene, 79), []);
    let warned = [
        (Bound::DailyTokens, Told::Warned),
        (Bound::DailyCost, Told::Warned),
    ];
    assert_eq!(ask(&mut scene, 2), warned);
    assert_eq!(ask(&mut scene, 1), []);
    let now = scene.now();
    assert!((scene.counts.quota_left(now) - 0.18).abs() < 1e-9);
    let spent = [
        (Bound::DailyTokens, Told::UsedUp),
        (Bound::DailyCost, Told::UsedUp),
    ];
    assert_eq!(ask(&mut scene, 18), spent);
    assert_eq!(scene.over().unwrap().1, Some(MIDNIGHT - START));
    assert_eq!(scene.counts.quota_left(now), 0.0);
    scene.at = MIDNIGHT - START - 1;
    assert!(scene.over().is_some());
    scene.at += 1;
    assert_eq!(scene.over(), None);
    assert_eq!(scene.used(Bound::MonthlyTokens), (100.0, 0.0));
    assert_eq!(ask(&mut scene, 85), warned);
}

#[test]
fn a_quota_with_no_room_for_what_is_asked_is_used_up() {
    let mut scene = Scene::new(daily(100));
    let booking = scene.book(tokens(90)).unwrap();
    let refused = |scene: &mut Scene, count| {
        let now = scene.now();
        let over = scene.counts.book(now, &tokens(count)).unwrap_err();
        scene.counts.refused(now, &over).map(|passed| passed.told)
    };
    assert_eq!(refused(&mut scene, 20), None, "some of it may be given back");
    scene.settle(&booking, used(90));
    assert_eq!(refused(&mut scene, 500), None, "it would never fit");
    assert_eq!(refused(&mut scene, 20), Some(Told::UsedUp));
    assert_eq!(refused(&mut scene, 20), None);
}

#[test]
fn what_is_on_its_way_is_not_in_what_the_vendor_reports() {
    let left = |remaining| Reported {
        what: "requests".to_owned(),
        scope: Scope::Candidate,
        capacity: None,
        remaining: Some(remaining),
        resets_in: Some(std::time::Duration::from_secs(30)),
        window: None,
    };
    let mut scene = Scene::new(Bounds::default());
    assert!(!scene.counts.are_needed(START));
    // Four that began when nothing was counted; one of them reports.
    let mut first = Booking::default();
    scene.report(&left(5.0), &mut first, 4);
    assert!(scene.counts.are_needed(START));
    // Two of five are not on their way yet.
    let mut second = scene.book(tokens(1)).unwrap();
    let third = scene.book(tokens(1)).unwrap();
    let spent = Over::Learned(Spent {
        what: "requests",
        until: START + 30_000,
    });
    assert_eq!(scene.book(tokens(1)).unwrap_err(), spent);
    // The vendor has counted the first and the second; four others are on their way, the third among them.
    scene.report(&left(5.0), &mut second, 6);
    let fourth = scene.book(tokens(1)).unwrap();
    assert!(scene.book(tokens(1)).is_err());
    scene.settle(&fourth, Outcome::Unused);
    let fifth = scene.book(tokens(1)).unwrap();
    for booking in [&first, &second, &third, &fifth] {
        scene.settle(booking, used(1));
    }
    assert_eq!((scene.counts.under_way, scene.counts.unreported), (0, (0, 0)));
    scene.at = 30_000;
    assert_eq!(scene.over(), None);
    assert!(!scene.counts.are_needed(scene.now().unix));
}

/// What happens next.
#[derive(Debug, Clone)]
enum Step {
    Wait(u64),
    Book {
        sure: u64,
        more: u64,
    },
    /// The oldest, or the newest, is over: with this share of what was reserved, or nothing having been sent.
    End {
        oldest: bool,
        share: Option<u64>,
    },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        2 => (0_u64..20_000).prop_map(Step::Wait),
        4 => (0_u64..60, 0_u64..60).prop_map(|(sure, more)| Step::Book { sure, more }),
        3 => (any::<bool>(), prop::option::weighted(0.8, 0_u64..=100))
            .prop_map(|(oldest, share)| Step::End { oldest, share }),
    ]
}

proptest! {
    /// However attempts come, end and break off: in no 60 seconds are there more requests than allowed, or more tokens
    /// by what was really used, wherever in its attempt's time each token falls; and in the end nothing is reserved.
    #[test]
    fn no_window_holds_more_than_its_limit(
        steps in prop::collection::vec(step(), 1..300),
        most_requests in 1_u64..8,
        most_tokens in 40_u64..200,
    ) {
        let mut scene = Scene::new(Bounds {
            requests_per_minute: Some(most_requests),
            tokens_per_minute: Some(most_tokens),
            daily_tokens: Some(2_000),
            ..Bounds::default()
        });
        let mut under_way: VecDeque<(Millis, Booking)> = VecDeque::new();
        // Begin, end, and what was used.
        let mut over: Vec<(Millis, Millis, u64)> = Vec::new();
        let mut end = |scene: &mut Scene, (began, booking): (Millis, Booking), share: Option<u64>| {
            match share {
                Some(share) => {
                    let count = booking.amount.tokens * share / 100;
                    scene.settle(&booking, used(count));
                    over.push((began, scene.at, count));
                }
                None => {
                    scene.settle(&booking, Outcome::Unused);
                }
            }
        };
        for step in steps {
            match step {
                Step::Wait(time) => scene.at += time,
                Step::Book { sure, more } => {
                    let demand = Demand { sure: tokens(sure).sure, likely: tokens(sure + more).sure };
                    if let Ok(booking) = scene.book(demand) {
                        under_way.push_back((scene.at, booking));
                    }
                }
                Step::End { oldest, share } => {
                    let ended = if oldest { under_way.pop_front() } else { under_way.pop_back() };
                    if let Some(ended) = ended {
                        end(&mut scene, ended, share);
                    }
                }
            }
        }
        while let Some(left) = under_way.pop_front() {
            end(&mut scene, left, Some(100));
        }
        for (from, ..) in over.clone() {
            let to = from + 60_000;
            let began = over.iter().filter(|(began, ..)| (from..to).contains(began)).count() as u64;
            prop_assert!(began <= most_requests, "{began} requests from {from}");
        }
        // Everything that was under way in the window, as if all of its tokens fell into it.
        for (at, ..) in over.clone() {
            let from = at.saturating_sub(60_000);
            let inside = over.iter().filter(|(began, ended, _)| *began <= at && *ended > from);
            let count: u64 = inside.map(|(_, _, count)| count).sum();
            prop_assert!(count <= most_tokens, "{count} tokens until {at}");
        }
        let all: u64 = over.iter().map(|(_, _, count)| count).sum();
        prop_assert!(all <= 2_000);
        prop_assert_eq!(scene.counts.reserved, Amount::default());
        prop_assert_eq!((scene.counts.under_way, scene.counts.unreported), (0, (0, 0)));
    }
}
