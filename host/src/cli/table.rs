//! Rows and columns for a terminal.
//!
//! Every column is as wide as what stands in it, except for the first, which gives way where a line would be too long.

use anstyle::Style;

use super::style::{BOLD, PLAIN, painted};
use super::text::{cut, width};

/// Between two columns.
const GAP: &str = "  ";
/// What the first column has at least.
const LEAST: usize = 12;

#[derive(Debug)]
pub(super) struct Table {
    columns: Vec<Column>,
    rows: Vec<Row>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Column {
    /// Begins where its title does.
    Left(&'static str),
    /// Numbers: ends where its title does.
    Right(&'static str),
}

#[derive(Debug, Default)]
struct Row {
    cells: Vec<Cell>,
    /// Lines of their own below.
    notes: Vec<String>,
}

#[derive(Debug)]
pub(super) struct Cell {
    text: String,
    style: Style,
}

// === impl Table ===

impl Table {
    pub(super) fn new(columns: &[Column]) -> Self {
        Self {
            columns: columns.to_vec(),
            rows: Vec::new(),
        }
    }

    /// Cells in the order of the columns.
    pub(super) fn row(&mut self, cells: impl IntoIterator<Item = Cell>) {
        self.rows.push(Row {
            cells: cells.into_iter().collect(),
            notes: Vec::new(),
        });
    }

    /// A line below the last row; it may be styled and is not cut.
    pub(super) fn note(&mut self, line: String) {
        if let Some(row) = self.rows.last_mut() {
            row.notes.push(line);
        }
    }

    /// Lines of at most `most` columns, each with its line break.
    pub(super) fn render(&self, most: usize) -> String {
        let widths = self.widths(most);
        let titles = self
            .columns
            .iter()
            .map(|column| Cell::styled(BOLD, column.title()));
        let mut text = self.line(&titles.collect::<Vec<_>>(), &widths);
        for row in &self.rows {
            text.push_str(&self.line(&row.cells, &widths));
            for note in &row.notes {
                text.push_str(note);
                text.push('\n');
            }
        }
        text
    }

    fn widths(&self, most: usize) -> Vec<usize> {
        let natural = |(index, column): (usize, &Column)| {
            let cells = self.rows.iter().filter_map(|row| row.cells.get(index));
            cells
                .map(|cell| width(&cell.text))
                .chain([width(column.title())])
                .max()
                .unwrap_or(0)
        };
        let mut widths: Vec<usize> = self.columns.iter().enumerate().map(natural).collect();
        let all = widths.iter().sum::<usize>() + GAP.len() * widths.len().saturating_sub(1);
        if let Some(first) = widths.first_mut() {
            let least = LEAST.min(*first);
            *first = first.saturating_sub(all.saturating_sub(most)).max(least);
        }
        widths
    }

    fn line(&self, cells: &[Cell], widths: &[usize]) -> String {
        let mut line = String::new();
        // Blanks are written when something follows them, so that no line ends in one.
        let mut blanks = 0;
        for ((cell, column), most) in cells.iter().zip(&self.columns).zip(widths) {
            let text = cut(&cell.text, *most);
            let room = most.saturating_sub(width(&text));
            let (before, after) = match column {
                Column::Left(_) => (0, room),
                Column::Right(_) => (room, 0),
            };
            blanks += before;
            if !text.is_empty() {
                line.push_str(&" ".repeat(blanks));
                line.push_str(&painted(cell.style, &text));
                blanks = 0;
            }
            blanks += after + GAP.len();
        }
        line.push('\n');
        line
    }
}

// === impl Column ===

impl Column {
    fn title(self) -> &'static str {
        match self {
            Self::Left(title) | Self::Right(title) => title,
        }
    }
}

// === impl Cell ===

impl Cell {
    pub(super) fn new(text: impl Into<String>) -> Self {
        Self::styled(PLAIN, text)
    }

    pub(super) fn styled(style: Style, text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            style,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(name: &str) -> Table {
        let mut table = Table::new(&[Column::Left("NAME"), Column::Right("N"), Column::Left("STATE")]);
        table.row([Cell::new(name), Cell::new("1"), Cell::new("well")]);
        table.note("  a note".to_owned());
        table.row([Cell::new("b"), Cell::new("100"), Cell::new("")]);
        table
    }

    #[test]
    fn columns_are_as_wide_as_what_stands_in_them() {
        let text = anstream::adapter::strip_str(&table("名前").render(80)).to_string();
        assert_eq!(text, "NAME    N  STATE\n名前    1  well\n  a note\nb     100\n");
    }

    #[test]
    fn the_first_one_gives_way() {
        let text = anstream::adapter::strip_str(&table("a-name-that-is-long").render(27)).to_string();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[1], "a-name-that-is…    1  well");
        assert!(lines.iter().all(|line| width(line) <= 27));
    }
}
