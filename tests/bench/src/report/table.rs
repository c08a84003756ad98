//! The report as aligned text.

use super::{Bar, Better, Report, Row, Unit, Verdict};

/// Beyond this share of the machine, strangers make ratios doubtful.
const NOTABLE: f64 = 0.05;

const HEAD: [&str; COLUMNS] = ["", "bare", "gateway", "result", "first bar", "goal", ""];
const COLUMNS: usize = 7;

/// All of it, with a line end at the end.
pub(crate) fn table(report: &Report) -> String {
    let rows: Vec<Vec<[String; COLUMNS]>> = report
        .sections
        .iter()
        .map(|section| section.rows.iter().map(cells).collect())
        .collect();
    let widths: [usize; COLUMNS] = std::array::from_fn(|column| {
        let cells = rows.iter().flatten().map(|row| row[column].chars().count());
        cells.chain([HEAD[column].len()]).max().unwrap_or(0)
    });
    let mut text = line(&HEAD.map(str::to_owned), &widths);
    for (section, rows) in std::iter::zip(&report.sections, &rows) {
        text.push_str(&format!("\n{}: {}\n", section.name, section.about));
        rows.iter().for_each(|row| text.push_str(&line(row, &widths)));
        if section.strangers > NOTABLE {
            let share = section.strangers * 100.0;
            text.push_str(&format!(
                "  other programs took {share:.0} % of the machine: measure again when it is idle\n"
            ));
        }
    }
    text.push_str(&format!("\n{}", legend(report)));
    text
}

fn legend(report: &Report) -> String {
    let quick = if report.quick {
        " This was a quick run: short, and so less sure."
    } else {
        ""
    };
    format!(
        "bare: an axum + hyper-util pass-through in front of the same simulator, measured in turn with the gateway.\n\
         result: what the bars are for, as the median over the rounds. A ratio of 1.00 is as good as bare.\n\
         Load, simulator and gateway share {} cores, so a ratio of requests per second counts what they all do and\n\
         flatters whoever stands between. Processor time is the gateway's alone, and is also the steadier number.{quick}\n",
        report.cores
    )
}

fn line(cells: &[String; COLUMNS], widths: &[usize; COLUMNS]) -> String {
    let mut line = format!("  {:<width$}", cells[0], width = widths[0]);
    for (cell, width) in std::iter::zip(&cells[1..COLUMNS - 1], &widths[1..]) {
        line.push_str(&format!("  {cell:>width$}"));
    }
    line.push_str(&format!("  {}", cells[COLUMNS - 1]));
    format!("{}\n", line.trim_end())
}

fn cells(row: &Row) -> [String; COLUMNS] {
    let result_unit = row.result.map_or(row.unit, |result| result.unit);
    let bar = |pick: fn(&Bar) -> f64| {
        row.bar
            .map_or(String::new(), |bar| show_bar(&bar, pick(&bar), result_unit))
    };
    [
        row.measure.clone(),
        show_all(&row.bare, row.unit),
        show_all(&row.gateway, row.unit),
        row.result
            .map_or(String::new(), |result| show_all(&[result.value], result.unit)),
        bar(|bar| bar.first),
        bar(|bar| bar.goal),
        row.verdict.map_or("", Verdict::words).to_owned(),
    ]
}

fn show_bar(bar: &Bar, value: f64, unit: Unit) -> String {
    let sign = match bar.better {
        Better::More => "≥",
        Better::Less => "≤",
    };
    format!("{sign} {}", show_all(&[value], unit))
}

fn show_all(values: &[f64], unit: Unit) -> String {
    let numbers: Vec<String> = values.iter().map(|value| unit.number(*value)).collect();
    if numbers.is_empty() {
        String::new()
    } else {
        format!("{}{}", numbers.join(" / "), unit.suffix())
    }
}

// === impl Unit ===

impl Unit {
    fn number(self, value: f64) -> String {
        match self {
            Self::Ratio | Self::Milliseconds => format!("{value:.2}"),
            Self::Microseconds | Self::Mebibytes | Self::Percent => format!("{value:.1}"),
            Self::AddedMicroseconds => format!("{value:+.0}"),
            Self::PerSecond | Self::Count | Self::Kibibytes => thousands(value),
        }
    }

    fn suffix(self) -> &'static str {
        match self {
            Self::Ratio | Self::Count => "",
            Self::PerSecond => "/s",
            Self::Microseconds | Self::AddedMicroseconds => " µs",
            Self::Milliseconds => " ms",
            Self::Mebibytes => " MiB",
            Self::Kibibytes => " KiB",
            Self::Percent => " %",
        }
    }
}

/// A whole number with a comma after every third digit from the right.
fn thousands(value: f64) -> String {
    let digits = format!("{value:.0}");
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

// === impl Verdict ===

impl Verdict {
    fn words(self) -> &'static str {
        match self {
            Self::Below => "below the first bar",
            Self::First => "first bar",
            Self::Goal => "goal",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Section;
    use super::*;

    #[test]
    fn numbers_are_easy_to_read() {
        assert_eq!(
            [0.0, 999.4, 1000.0, 1_234_567.0].map(thousands),
            ["0", "999", "1,000", "1,234,567"]
        );
        assert_eq!(show_all(&[1.0, 2.345], Unit::Milliseconds), "1.00 / 2.35 ms");
        assert_eq!(show_all(&[], Unit::Milliseconds), "");
    }

    #[test]
    fn columns_are_aligned_and_say_who_disturbed() {
        let row = |rate: f64| {
            Row::new("rate", Unit::PerSecond, &[rate], &[rate / 2.0])
                .result(0.5, Unit::Ratio)
                .bar(Bar::at_least(0.55, 0.8))
        };
        let rows = vec![row(20_000.0), row(2.0)];
        let section = Section {
            name: "whole",
            about: "replies".to_owned(),
            rows,
            strangers: 0.2,
        };
        let text = table(&Report {
            cores: 2,
            quick: false,
            sections: vec![section],
        });
        let ends: Vec<_> = text.lines().filter_map(|line| line.find("/s  ")).collect();
        assert_eq!(ends.len(), 2);
        assert_eq!(ends[0], ends[1]);
        assert!(
            text.contains("≥ 0.55") && text.contains("below the first bar"),
            "{text}"
        );
        assert!(text.contains("other programs took 20 %"), "{text}");
    }
}
