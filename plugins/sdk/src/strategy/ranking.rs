//! Numbers in, order out.

use super::Ranking;

/// The numbers of one request's candidates: a row for each candidate, a column for each described fact. NaN is
/// a number that is not known, positive infinity one that is unlimited.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    numbers: &'a [f64],
    rows: usize,
    columns: usize,
}

/// Rows on their way to an order.
pub(super) struct Places {
    /// What decides, by row, as integers in the order of the numbers: NaN is the greatest.
    numbers: Vec<u64>,
    pub(super) entries: Vec<Entry>,
}

/// A row, and above it all that nearly always decides, so that comparing two of them takes one instruction: whether
/// it goes last, and the upper 31 bits of its number.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Entry(u64);

impl<'a> Facts<'a> {
    /// `numbers`: row by row. `rows`: how many candidates there are.
    pub fn new(numbers: &'a [f64], rows: usize) -> Self {
        Self {
            numbers,
            rows,
            columns: numbers.len().checked_div(rows).unwrap_or(0),
        }
    }

    /// All numbers of one candidate. `row` counts the candidates of this request, not the pool.
    pub fn row(&self, row: usize) -> &'a [f64] {
        if row >= self.rows {
            return &[];
        }
        let begin = row * self.columns;
        self.numbers.get(begin..begin + self.columns).unwrap_or(&[])
    }

    /// The first numbers of one candidate, all at once; NaN outside the table.
    pub fn of<const N: usize>(&self, row: usize) -> [f64; N] {
        let known = self.row(row).first_chunk();
        known.copied().unwrap_or([f64::NAN; N])
    }

    /// The whole table at once, for formulas that need several numbers of each candidate. `N`: as many as were
    /// described; with another number there are no rows.
    pub fn rows<const N: usize>(&self) -> &'a [[f64; N]] {
        let (rows, _) = self.numbers.as_chunks();
        if self.columns == N { rows } else { &[] }
    }

    /// One number of one candidate; NaN outside the table.
    pub fn get(&self, row: usize, column: usize) -> f64 {
        if row >= self.rows || column >= self.columns {
            return f64::NAN;
        }
        self.numbers
            .get(row * self.columns + column)
            .copied()
            .unwrap_or(f64::NAN)
    }
}

impl Ranking {
    /// Best first; indices into the pool.
    pub fn new(order: Vec<u32>) -> Self {
        Self {
            order,
            state: None,
            note: None,
        }
    }

    /// The candidate with the lowest number first, NaN last, ties in the order of `candidates`. `number` is
    /// asked once for each row, in their order, see [`Facts::get`].
    pub fn lowest_first(candidates: &[u32], mut number: impl FnMut(usize) -> f64) -> Self {
        let mut places = Places::new(candidates.len(), |row| (true, number(row)));
        places.sort();
        Self::new(places.order(candidates))
    }

    /// The candidate with the highest number first, NaN last, ties in the order of `candidates`.
    pub fn highest_first(candidates: &[u32], mut number: impl FnMut(usize) -> f64) -> Self {
        Self::lowest_first(candidates, |row| -number(row))
    }

    /// The new state, at most 64 KiB. Leave it out if nothing changed.
    pub fn state(self, state: Vec<u8>) -> Self {
        Self {
            state: Some(state),
            ..self
        }
    }

    /// Why, for whoever looks.
    pub fn note(self, note: impl Into<String>) -> Self {
        Self {
            note: Some(note.into()),
            ..self
        }
    }
}

/// `number`, or `unknown` if it is not known.
pub fn or(number: f64, unknown: f64) -> f64 {
    if number.is_nan() { unknown } else { number }
}

// === impl Places ===

impl Places {
    /// `place` says by row whether it goes first, and its number.
    pub(super) fn new(rows: usize, mut place: impl FnMut(usize) -> (bool, f64)) -> Self {
        let (mut numbers, mut entries) = (vec![0; rows], vec![Entry(0); rows]);
        for (row, (number, entry)) in std::iter::zip(&mut numbers, &mut entries).enumerate() {
            let (first, value) = place(row);
            *number = ordered(value);
            let last = if first { 0 } else { LAST };
            *entry = Entry(last | (*number >> 1 & KEY) | row as u64);
        }
        Self { numbers, entries }
    }

    /// Those that go first, then those that go last; among both the lowest number first, ties by row.
    pub(super) fn sort(&mut self) {
        if self.are_sorted() {
            return;
        }
        if self.entries.len() < MANY {
            self.entries.sort_unstable();
        } else {
            distribute(&mut self.entries);
        }
        if !self.are_sorted() {
            let Self { numbers, entries } = self;
            entries.sort_unstable_by_key(|entry| (entry.is_last(), numbers[entry.row()], entry.row()));
        }
    }

    fn are_sorted(&self) -> bool {
        let mut before = (0, 0);
        self.entries.iter().all(|entry| {
            let after = (entry.0 & LAST, self.numbers[entry.row()]);
            std::mem::replace(&mut before, after) <= after
        })
    }

    /// How many entries from this one on have its place.
    pub(super) fn equals(&self, from: usize) -> usize {
        let entries = self.entries.get(from..).unwrap_or(&[]);
        let place = |entry: &Entry| (entry.is_last(), self.numbers[entry.row()]);
        let Some(first) = entries.first().map(place) else {
            return 0;
        };
        entries.iter().take_while(|entry| place(entry) == first).count()
    }

    pub(super) fn order(&self, candidates: &[u32]) -> Vec<u32> {
        self.entries.iter().map(|entry| candidates[entry.row()]).collect()
    }
}

// === impl Entry ===

impl Entry {
    pub(super) fn row(self) -> usize {
        (self.0 & !(LAST | KEY)) as usize
    }

    pub(super) fn is_last(self) -> bool {
        self.0 & LAST != 0
    }
}

const LAST: u64 = 1 << 63;
/// A number's sign, its exponent and 19 bits of its fraction.
const KEY: u64 = !LAST & !0 << 32;
/// From so many entries on, distributing them is quicker than comparing them.
const MANY: usize = 64;

/// Sorts by all but the row, ties as they were: byte by byte from the lowest on (Knuth, "The Art of Computer
/// Programming", volume 3, algorithm R), without those bytes that are the same everywhere.
fn distribute(entries: &mut Vec<Entry>) {
    let first = entries.first().map_or(0, |first| first.0);
    let different = entries
        .iter()
        .fold(0, |different, entry| different | (entry.0 ^ first));
    let mut sorted = entries.clone();
    for shift in [32, 40, 48, 56] {
        let byte = |entry: &Entry| usize::from((entry.0 >> shift) as u8);
        if (different >> shift) as u8 == 0 {
            continue;
        }
        let mut ends = [0_u32; 256];
        entries.iter().for_each(|entry| ends[byte(entry)] += 1);
        let mut end = 0;
        for place in &mut ends {
            end += std::mem::replace(place, end);
        }
        for entry in entries.iter() {
            let place = &mut ends[byte(entry)];
            sorted[*place as usize] = *entry;
            *place += 1;
        }
        std::mem::swap(entries, &mut sorted);
    }
}

/// An integer for each number, greater where the number is greater: the bits of a positive number are in order as
/// they are, those of a negative one the other way round (IEEE 754).
fn ordered(number: f64) -> u64 {
    const SIGN: u64 = 1 << 63;
    if number.is_nan() {
        return u64::MAX;
    }
    // Adding zero makes a zero of minus zero.
    let bits = (number + 0.0).to_bits();
    if bits & SIGN == 0 { bits | SIGN } else { !bits }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::strategy::Dice;

    #[test]
    fn the_lowest_goes_first_and_the_unknown_last() {
        let numbers = [2.0, f64::NAN, 1.0, f64::INFINITY, 1.0, -f64::NAN];
        let facts = Facts::new(&numbers, 6);
        let candidates = [10, 11, 12, 13, 14, 15];
        let order = |ranking: Ranking| ranking.order;
        assert_eq!(
            order(Ranking::lowest_first(&candidates, |row| facts.get(row, 0)))[..4],
            [12, 14, 10, 13]
        );
        assert_eq!(
            order(Ranking::highest_first(&candidates, |row| facts.get(row, 0)))[..4],
            [13, 10, 12, 14]
        );
    }

    #[test]
    fn zero_and_minus_zero_are_a_tie() {
        let facts = [0.0, -0.0];
        assert_eq!(Ranking::lowest_first(&[0, 1], |row| facts[row]).order, [0, 1]);
    }

    #[test]
    fn integers_are_in_the_order_of_their_numbers() {
        let rising = [
            f64::NEG_INFINITY,
            -1e300,
            -1.0,
            -5e-324,
            0.0,
            5e-324,
            1.0,
            1e300,
            f64::INFINITY,
            f64::NAN,
        ];
        let integers = rising.map(ordered);
        assert!(integers.is_sorted_by(|left, right| left < right), "{integers:x?}");
        assert_eq!(ordered(-f64::NAN), ordered(f64::NAN));
    }

    #[test]
    fn orders_are_those_of_a_stable_sort_that_compares_numbers() {
        let mut dice = Dice::new(1);
        for round in 0..1000 {
            // All nearly the same, all between 0 and 1, or anything.
            let kind = round % 4;
            let numbers: Vec<f64> = (0..dice.below(600))
                .map(|_| match kind.min(dice.below(4)) {
                    0 if kind == 0 => 1.0 + dice.below(1000) as f64 * f64::EPSILON,
                    0 => f64::from_bits(dice.bits()),
                    1 if kind == 1 => dice.fraction(),
                    1 => -0.0,
                    _ => dice.below(20) as f64 - 10.0,
                })
                .collect();
            let candidates: Vec<u32> = (0..numbers.len() as u32).map(|row| row * 3).collect();
            let mut expected: Vec<(f64, u32)> =
                numbers.iter().copied().zip(candidates.iter().copied()).collect();
            expected.sort_by(|(left, _), (right, _)| {
                left.partial_cmp(right)
                    .unwrap_or_else(|| left.is_nan().cmp(&right.is_nan()))
            });
            let expected: Vec<u32> = expected.into_iter().map(|(_, candidate)| candidate).collect();
            assert_eq!(
                Ranking::lowest_first(&candidates, |row| numbers[row]).order,
                expected
            );
        }
    }

    #[test]
    fn outside_the_table_nothing_is_known() {
        let facts = Facts::new(&[1.0, 2.0, 3.0, 4.0], 2);
        assert_eq!(facts.row(1), [3.0, 4.0]);
        assert_eq!(facts.of(1), [3.0, 4.0]);
        assert!(facts.of::<3>(0)[0].is_nan() && facts.of::<1>(2)[0].is_nan());
        assert_eq!(facts.rows(), [[1.0, 2.0], [3.0, 4.0]]);
        assert!(facts.rows::<1>().is_empty() && facts.rows::<4>().is_empty());
        assert!(facts.get(2, 0).is_nan());
        assert!(facts.get(0, 2).is_nan());
        assert!(Facts::new(&[], 0).get(0, 0).is_nan());
    }
}
