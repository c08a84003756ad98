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

/// The numbers that decide, by row, as integers in the same order: NaN is the greatest.
pub(super) struct Numbers(Vec<u64>);

/// A row, and above it the upper half of its number: what nearly always decides fits into one register.
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

    /// The whole table at once, for formulas that need several numbers of each candidate. `N`: as many as were
    /// described; with another number there are no rows.
    pub fn rows<const N: usize>(&self) -> &'a [[f64; N]] {
        let (rows, _) = self.numbers.as_chunks();
        if self.columns == N { rows } else { &[] }
    }

    /// One number of one candidate, or `unknown` if that is NaN.
    pub fn or(&self, row: usize, column: usize, unknown: f64) -> f64 {
        let number = self.get(row, column);
        if number.is_nan() { unknown } else { number }
    }

    /// The first numbers of one candidate, all at once; NaN outside the table.
    pub fn of<const N: usize>(&self, row: usize) -> [f64; N] {
        let known = self.row(row).first_chunk();
        known.copied().unwrap_or([f64::NAN; N])
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
        let mut numbers = Numbers::with_capacity(candidates.len());
        let mut entries: Vec<Entry> = (0..candidates.len())
            .map(|row| numbers.push(number(row)))
            .collect();
        numbers.sort(&mut entries);
        Self::new(entries.iter().map(|entry| candidates[entry.row()]).collect())
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

// === impl Numbers ===

impl Numbers {
    pub(super) fn with_capacity(rows: usize) -> Self {
        Self(Vec::with_capacity(rows))
    }

    /// The next row's.
    pub(super) fn push(&mut self, number: f64) -> Entry {
        let (row, number) = (self.0.len() as u64, ordered(number));
        self.0.push(number);
        Entry(number & UPPER | row)
    }

    pub(super) fn of(&self, entry: Entry) -> u64 {
        self.0[entry.row()]
    }

    /// The lowest number first, ties by row. `entries` are by row.
    pub(super) fn sort(&self, entries: &mut Vec<Entry>) {
        if self.are_sorted(entries) {
            return;
        }
        if entries.len() < MANY {
            entries.sort_unstable();
        } else {
            sort_many(entries);
        }
        if !self.are_sorted(entries) {
            for alike in entries.chunk_by_mut(|one, next| one.0 & UPPER == next.0 & UPPER) {
                alike.sort_unstable_by_key(|entry| (self.of(*entry), *entry));
            }
        }
    }

    fn are_sorted(&self, entries: &[Entry]) -> bool {
        entries.is_sorted_by_key(|entry| self.of(*entry))
    }
}

// === impl Entry ===

impl Entry {
    pub(super) fn row(self) -> usize {
        (self.0 & !UPPER) as usize
    }
}

/// A number's sign, its exponent and 20 bits of its fraction.
const UPPER: u64 = !0 << 32;

/// From so many entries on, distributing them is quicker than comparing them.
const MANY: usize = 64;

/// By the upper halves, ties as they were: byte by byte from the lowest on (Knuth, "The Art of Computer Programming",
/// volume 3, algorithm R).
fn sort_many(entries: &mut Vec<Entry>) {
    let byte = |entry: Entry, digit: usize| usize::from((entry.0 >> (32 + 8 * digit)) as u8);
    let mut counts = [[0; 256]; 4];
    for entry in entries.iter() {
        for (digit, counts) in counts.iter_mut().enumerate() {
            counts[byte(*entry, digit)] += 1;
        }
    }
    let mut sorted = entries.clone();
    for (digit, counts) in counts.iter_mut().enumerate() {
        if counts[byte(entries[0], digit)] == entries.len() {
            continue;
        }
        let mut end = 0;
        for count in counts.iter_mut() {
            end += std::mem::replace(count, end);
        }
        for entry in entries.iter() {
            let place = &mut counts[byte(*entry, digit)];
            sorted[*place] = *entry;
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
        for _ in 0..1000 {
            let numbers: Vec<f64> = (0..dice.below(600))
                .map(|_| match dice.below(4) {
                    0 => f64::from_bits(dice.bits()),
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
        assert_eq!(facts.rows(), [[1.0, 2.0], [3.0, 4.0]]);
        assert!(facts.rows::<1>().is_empty() && facts.rows::<4>().is_empty());
        assert_eq!(facts.of(1), [3.0, 4.0]);
        assert!(facts.of::<3>(0)[0].is_nan() && facts.of::<1>(2)[0].is_nan());
        assert!(facts.get(2, 0).is_nan());
        assert!(facts.get(0, 2).is_nan());
        assert!(Facts::new(&[], 0).get(0, 0).is_nan());
    }
}
