//! Numbers in, order out.

use super::Ranking;

/// The numbers of one request's candidates: a row for each candidate, a column for each described fact. NaN is
/// a number that is not known, positive infinity one that is unlimited.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    numbers: &'a [f64],
    columns: usize,
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
    /// asked by row, see [`Facts::get`].
    pub fn lowest_first(candidates: &[u32], number: impl Fn(usize) -> f64) -> Self {
        let mut rows: Vec<(f64, u32)> = candidates
            .iter()
            .enumerate()
            .map(|(row, &candidate)| (number(row), candidate))
            .collect();
        // Two numbers that are not NaN always compare, so this is a total order.
        rows.sort_by(|(left, _), (right, _)| {
            left.partial_cmp(right)
                .unwrap_or_else(|| left.is_nan().cmp(&right.is_nan()))
        });
        Self::new(rows.into_iter().map(|(_, candidate)| candidate).collect())
    }

    /// The candidate with the highest number first, NaN last, ties in the order of `candidates`.
    pub fn highest_first(candidates: &[u32], number: impl Fn(usize) -> f64) -> Self {
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

#[cfg(test)]
mod tests {
    use super::*;

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
    fn outside_the_table_nothing_is_known() {
        let facts = Facts::new(&[1.0, 2.0, 3.0, 4.0], 2);
        assert_eq!(facts.row(1), [3.0, 4.0]);
        assert!(facts.get(2, 0).is_nan());
        assert!(facts.get(0, 2).is_nan());
        assert!(Facts::new(&[], 0).get(0, 0).is_nan());
    }
}
