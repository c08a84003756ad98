//! `limits`: what an account, or a model with each account, may be used for.

use crate::config::reader::Section;
use crate::pool::Bounds;

/// What nobody reaches, in tokens or requests.
const MOST: i64 = 1_000_000_000_000_000;

/// Reads the table `limits`. `concurrency`: whether that is one of them; of a model it stands beside the table.
pub(super) fn read(owner: &Section<'_>, concurrency: bool) -> Bounds {
    let usual = Bounds::default();
    let advice = "write for example limits = { requests_per_minute = 60 }";
    let Some(section) = owner.field("limits").and_then(|field| field.section(advice)) else {
        return usual;
    };
    let whole = |name| section.whole(name, 1..=MOST);
    let amount = |name| {
        let field = section.field(name)?;
        let amount = field.amount()?;
        if amount == 0.0 {
            let advice = "leave it out for no limit, or set enabled = false beside limits";
            owner.report.error(&field.place, "0 would allow nothing", advice);
        }
        Some(amount).filter(|amount| *amount > 0.0)
    };
    let bounds = Bounds {
        concurrency: concurrency
            .then(|| section.whole("concurrency", 1..=i64::from(u32::MAX)))
            .flatten(),
        requests_per_minute: whole("requests_per_minute"),
        tokens_per_minute: whole("tokens_per_minute"),
        daily_tokens: whole("daily_tokens"),
        monthly_tokens: whole("monthly_tokens"),
        daily_cost: amount("daily_cost"),
        monthly_cost: amount("monthly_cost"),
        warn_at: section
            .field("warn_at")
            .and_then(|field| {
                let share = field.amount()?;
                if share <= 1.0 {
                    return Some(share);
                }
                let advice = "write a share of the limit, such as 0.8";
                owner
                    .report
                    .error(&field.place, format!("{share} is more than 1"), advice);
                None
            })
            .unwrap_or(usual.warn_at),
    };
    section.finish();
    bounds
}
