//! Which of the numbers that there are a strategy wants, and in what order.

/// For each fact that is wanted the column it stands in; none where there is no such fact.
#[derive(Debug)]
pub struct Columns(Vec<Option<usize>>);

// === impl Columns ===

impl Columns {
    /// `known`: the names of the columns there are.
    pub fn of(wanted: &[String], known: &[impl AsRef<str>]) -> Self {
        let column = |name: &String| known.iter().position(|known| known.as_ref() == name);
        Self(wanted.iter().map(column).collect())
    }

    /// Row by row what is wanted; NaN where there is no such fact.
    pub fn project<'a>(&self, rows: impl ExactSizeIterator<Item = &'a [f64]>) -> Vec<f64> {
        let mut numbers = Vec::with_capacity(rows.len() * self.0.len());
        for row in rows {
            let number = |column: &Option<usize>| column.and_then(|column| row.get(column).copied());
            numbers.extend(self.0.iter().map(|column| number(column).unwrap_or(f64::NAN)));
        }
        numbers
    }
}
