//! Numbers in, order out.

use super::Ranking;

/// The numbers of one request's candidates: a row for each candidate, a column for each described fact. NaN is
/// a number that is not known, positive infinity one that is unlimited.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    numbers: &'a [f64],
    columns: usize,
}

/// A row and the number that decides its place. Its order is that of the numbers, NaN last, then that of the rows.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Entry {
    pub(super) number: u64,
    pub(super) row: u32,
}

impl<'a> Facts<'a> {
    /// `numbers`: row by row. `rows`: how many candidates there are.
    pub fn new(numbers: &'a [f64], rows: usize) -> Self {
        Self {
            numbers,
            columns: numbers.len().checked_div(rows).unwrap_or(0),
        }
    }

    /// All numbers of one candidate. `row` counts the candidates of this request, not the pool.
    pub fn row(&self, row: usize) -> &'a [f64] {
        let begin = row.saturating_mul(self.columns);
        self.numbers
            .get(begin..begin.saturating_add(self.columns))
            .unwrap_or(&[])
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

    /// One number of one candidate; NaN outside the table.
    pub fn get(&self, row: usize, column: usize) -> f64 {
        self.row(row).get(column).copied().unwrap_or(f64::NAN)
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
        let mut entries: Vec<Entry> = (0..candidates.len())
            .map(|row| Entry::new(row, number(row)))
            .collect();
        entries.sort_unstable();
        Self::new(entries.iter().filter_map(|entry| entry.of(candidates)).collect())
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

// === impl Entry ===

impl Entry {
    pub(super) fn new(row: usize, number: f64) -> Self {
        Self {
            number: ordered(number),
            row: row as u32,
        }
    }

    pub(super) fn of(&self, candidates: &[u32]) -> Option<u32> {
        candidates.get(self.row as usize).copied()
    }
}

/// An integer for each number, greater where the number is greater: the bits of a positive number are in order as
/// they are, those of a negative one the other way round (IEEE 754). Integers compare in one instruction and leave no
/// pair undecided, which is half of the time it takes to sort.
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
        assert!(facts.get(2, 0).is_nan());
        assert!(facts.get(0, 2).is_nan());
        assert!(Facts::new(&[], 0).get(0, 0).is_nan());
    }
}
