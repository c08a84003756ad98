//! The report for people, at 80 columns.

use crate::cli::style::{BOLD, GOOD, PASSING, QUIET, painted};
use crate::cli::table::{Cell, Column, Table};
use crate::cli::text::{WIDTH, clean, cut, wrap};
use crate::replay::{Calls, Chosen, Difference, Expected, RecordedBy, Report};

/// Candidates that have a line of their own.
const CANDIDATES: usize = 20;
/// Kinds of failures that are shown.
const FAILURES: usize = 10;
/// Public models that are named.
const MODELS: usize = 5;

pub(super) fn render(report: &Report) -> String {
    let mut text = head(report);
    if report.compared() > 0 {
        text = format!("{text}\n{}", agreement(report));
        text.push_str(&quiet(
            "Askable: of those that could be asked then. First: the first of them.",
        ));
        text = format!("{text}\n{}\n{}", choices(report), expectations(report));
        text.push_str(&quiet(
            "By the prices and latencies that were recorded with each decision.",
        ));
    }
    if !report.failures.is_empty() {
        text = format!("{text}\n{}", failures(report));
    }
    format!("{text}\n{}", calls(&report.calls))
}

fn quiet(line: &str) -> String {
    format!("{}\n", painted(QUIET, line))
}

fn head(report: &Report) -> String {
    let strategy = painted(BOLD, &clean(&report.strategy, 60));
    let (decisions, s) = (report.decisions, plural(report.decisions));
    let mut models: Vec<String> = report
        .models
        .iter()
        .take(MODELS)
        .map(|model| clean(&model.model, 40))
        .collect();
    if report.models.len() > MODELS {
        models.push(format!("{} more", report.models.len() - MODELS));
    }
    let mut text = format!("{strategy} on {decisions} recorded decision{s}\n");
    for line in wrap(&format!("of {}", models.join(", ")), WIDTH) {
        text = format!("{text}{line}\n");
    }
    text.push_str(&verdict(report));
    text
}

fn verdict(report: &Report) -> String {
    let (same, all) = report.same();
    let failed: u64 = report.failures.iter().map(|failure| failure.times).sum();
    let (style, said) = match (all - same, failed) {
        (0, 0) if all > 0 => (GOOD, "Every order is the same.".to_owned()),
        (0, 0) => (PASSING, "Nobody's order was recorded.".to_owned()),
        (0, failed) => (PASSING, format!("It failed {}.", times(failed))),
        (others, _) => {
            let are = if others == 1 { "is" } else { "are" };
            (PASSING, format!("{others} of {all} orders {are} not the same."))
        }
    };
    let example = report.first_difference.as_ref().map(difference);
    format!("{}\n{}", painted(style, &said), example.unwrap_or_default())
}

fn difference(difference: &Difference) -> String {
    let orders = [("then", &difference.recorded), ("now", &difference.replayed)];
    let orders =
        orders.map(|(when, order)| format!("  {when:<4}  {}\n", clean(&order.join(", "), WIDTH - 8)));
    let at = format!(
        "First in line {}, request {}:",
        difference.line, difference.request_id
    );
    format!("{}\n{}", clean(&at, WIDTH), orders.concat())
}

fn agreement(report: &Report) -> String {
    let mut table = Table::new(&[
        Column::Left("RECORDED BY"),
        Column::Right("DECISIONS"),
        Column::Right("SAME ORDER"),
        Column::Right("SAME ASKABLE"),
        Column::Right("SAME FIRST"),
    ]);
    for by in &report.recorded_by {
        let all = by.agreement.decisions;
        table.row([
            Cell::new(decider(by)),
            Cell::new(all.to_string()),
            Cell::new(share(by.agreement.same_order, all)),
            Cell::new(share(by.agreement.same_askable, all)),
            Cell::new(share(by.agreement.same_first, all)),
        ]);
    }
    table.render(WIDTH)
}

fn decider(by: &RecordedBy) -> String {
    let decider = clean(&by.decider, WIDTH);
    if by.after_failure {
        format!("{decider} after a failure")
    } else {
        decider
    }
}

fn choices(report: &Report) -> String {
    let all = report.compared();
    let mut table = Table::new(&[
        Column::Left("FIRST CHOICE"),
        Column::Right("RECORDED"),
        Column::Right("REPLAYED"),
    ]);
    let mut row = |name: &str, chosen: &Chosen| {
        table.row([
            Cell::new(name),
            Cell::new(share(chosen.recorded, all)),
            Cell::new(share(chosen.replayed, all)),
        ]);
    };
    let (shown, others) = report
        .candidates
        .split_at(report.candidates.len().min(CANDIDATES));
    for chosen in shown {
        row(&clean(&chosen.candidate, WIDTH), chosen);
    }
    if !others.is_empty() {
        let rest = Chosen {
            recorded: others.iter().map(|chosen| chosen.recorded).sum(),
            replayed: others.iter().map(|chosen| chosen.replayed).sum(),
            ..Chosen::default()
        };
        row(&format!("and {} more", others.len()), &rest);
    }
    if report.nobody.recorded + report.nobody.replayed > 0 {
        row("nobody", &report.nobody);
    }
    table.render(WIDTH)
}

fn expectations(report: &Report) -> String {
    let mut table = Table::new(&[
        Column::Left("EXPECTED OF IT"),
        Column::Right("RECORDED"),
        Column::Right("REPLAYED"),
        Column::Right("CHANGE"),
        Column::Right("KNOWN FOR"),
    ]);
    let mut row = |name: &str, expected: &Expected, shown: fn(f64) -> String| {
        let known = expected.decisions;
        let all = known + expected.unknown;
        let mean = |sum: f64| match known {
            0 => Cell::new("-"),
            known => Cell::new(shown(sum / as_number(known))),
        };
        table.row([
            Cell::new(name),
            mean(expected.recorded_sum),
            mean(expected.replayed_sum),
            Cell::new(change(expected)),
            Cell::new(share(known, all)),
        ]);
    };
    row("cost of 1000 requests", &report.cost_usd, |dollars| {
        shown_dollars(dollars * 1e3)
    });
    row("latency", &report.latency_ms, shown_millis);
    table.render(WIDTH)
}

fn failures(report: &Report) -> String {
    let mut text = painted(BOLD, "FAILURES") + "\n";
    for failure in report.failures.iter().take(FAILURES) {
        let when = times(failure.times);
        text = format!("{text}{when}, first in line {}\n", failure.first_line);
        for line in wrap(&clean(&failure.message, 400), WIDTH - 2) {
            text = format!("{text}  {}\n", cut(&line, WIDTH - 2));
        }
    }
    let others = report.failures.iter().skip(FAILURES);
    let more: u64 = others.clone().map(|failure| failure.times).sum();
    if more > 0 {
        text = format!("{text}{} for {} more reasons\n", times(more), others.count());
    }
    text
}

fn calls(calls: &Calls) -> String {
    let (count, s) = (calls.count, plural(calls.count));
    let (mean, p99) = (shown_micros(calls.mean_us), shown_micros(calls.p99_us));
    cut(
        &format!("{count} call{s} took {mean} on average, 99 of 100 at most {p99}."),
        WIDTH,
    ) + "\n"
}

fn times(count: u64) -> String {
    match count {
        1 => "once".to_owned(),
        count => format!("{count} times"),
    }
}

fn plural(count: u64) -> &'static str {
    if count == 1 { "" } else { "s" }
}

/// "1204  12.3%": not 100 % while anything is missing, and not 0 % while there is anything.
fn share(count: u64, all: u64) -> String {
    let percent = match count {
        0 => 0.0,
        count if count == all => 100.0,
        count => (as_number(count) / as_number(all) * 100.0).clamp(0.1, 99.9),
    };
    format!("{count} {:>6}", format!("{percent:.1}%"))
}

/// "-12.3%"
fn change(expected: &Expected) -> String {
    let (before, after) = (expected.recorded_sum, expected.replayed_sum);
    if expected.decisions == 0 || before <= 0.0 {
        return if before < after { "more" } else { "-" }.to_owned();
    }
    match (after / before - 1.0) * 100.0 {
        percent if percent.abs() < 0.05 => "none".to_owned(),
        percent => format!("{percent:+.1}%"),
    }
}

fn shown_dollars(dollars: f64) -> String {
    if dollars == 0.0 || dollars >= 1.0 {
        format!("${dollars:.2}")
    } else {
        format!("${dollars:.5}")
    }
}

fn shown_millis(millis: f64) -> String {
    if millis < 9.95 {
        format!("{millis:.1} ms")
    } else {
        crate::cli::keys::words::shown_latency(Some(millis))
    }
}

fn shown_micros(micros: f64) -> String {
    if micros < 999.5 {
        format!("{micros:.1} µs")
    } else {
        shown_millis(micros / 1e3)
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "counts of decisions stay far below 2^52"
)]
fn as_number(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests;
