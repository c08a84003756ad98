//! The events.

use crate::failure::Failure;
use crate::generation::Generation;
use crate::plugin::PluginError;
use crate::stream::Ending;
use crate::telemetry::METRICS;
use crate::usage::{Record, Trail};

/// A request has come to its end, whichever it was.
#[derive(Debug)]
pub struct RequestEnded<'a> {
    pub record: &'a Record,
    pub ending: &'a Ending,
}

/// An attempt failed; another may follow.
#[derive(Debug)]
pub struct AttemptFailed<'a> {
    pub trail: &'a Trail,
    pub failure: &'a Failure,
}

/// A call into a plugin failed.
#[derive(Debug)]
pub struct PluginFailed<'a> {
    pub error: &'a PluginError,
}

/// A strategy failed and the built-in order took its place.
#[derive(Debug)]
pub struct StrategyFellBack<'a> {
    /// The public model's name.
    pub model: &'a str,
    /// None where the plugin is not there at all, which the operator has been told.
    pub error: Option<&'a PluginError>,
}

/// A strategy has decided without effect, or failed to.
#[derive(Debug)]
pub struct ShadowDecided<'a> {
    /// The public model's name.
    pub model: &'a str,
    pub strategy: &'a str,
    /// "agreed", "differed", "failed" or "left out".
    pub outcome: &'static str,
    /// To be written to the log.
    pub error: Option<&'a str>,
}

/// The newest version of a part cannot be used.
#[derive(Debug)]
pub struct PartFailed<'a> {
    /// A plugin's name, or "configuration".
    pub part: &'a str,
    pub problem: &'a str,
}

/// A version of a plugin was taken back because of how it behaved.
#[derive(Debug)]
pub struct TakenBack<'a> {
    pub plugin: &'a str,
    pub problem: &'a str,
}

/// A generation has taken over.
#[derive(Debug)]
pub struct Swapped<'a> {
    pub before: &'a Generation,
    pub now: &'a Generation,
}

// === impl RequestEnded ===

impl RequestEnded<'_> {
    pub fn emit(&self) {
        let record = self.record;
        let outcome = self.ending.name();
        self.count(match self.ending {
            Ending::Completed | Ending::Cancelled => outcome,
            Ending::Failed(failure) => failure.kind.label(),
        });
        let trail = &record.trail;
        let made = record.decision().map(|decision| &decision.made);
        let error = match self.ending {
            Ending::Failed(failure) => Some(failure.message.as_str()),
            Ending::Completed | Ending::Cancelled => None,
        };
        tracing::info!(
            request_id = trail.request_id,
            caller = record.caller,
            user = record.end_user,
            operation = record.operation.as_str(),
            streaming = record.streaming,
            model = record.public_model,
            strategy = trail.strategy,
            rule = made.and_then(|made| made.rule),
            note = made.and_then(|made| made.note.as_deref()),
            adapter = trail.adapter,
            vendor = trail.vendor,
            account = trail.account,
            upstream_model = trail.model,
            attempts = trail.attempts,
            outcome,
            error,
            input_tokens = record.used.tokens.prompt(),
            cached_tokens = record.used.tokens.cached_input,
            output_tokens = record.used.tokens.completion(),
            reasoning_tokens = record.used.tokens.reasoning,
            tokens_estimated = record.used.estimated.then_some(true),
            cost_usd = record.used.tokens.cost(&record.price),
            first_token_ms = record.first_token.map(milliseconds),
            latency_ms = milliseconds(record.elapsed()),
            "request"
        );
    }

    fn count(&self, outcome: &str) {
        let record = self.record;
        let trail = &record.trail;
        // A name that no route has would let callers invent labels.
        let model = trail
            .strategy
            .as_ref()
            .map_or("", |_| record.public_model.as_str());
        let vendor = trail.vendor.as_deref().unwrap_or_default();
        METRICS
            .requests
            .with_label_values(&[model, vendor, outcome])
            .inc();
        let seconds = record.elapsed().as_secs_f64();
        METRICS
            .request_seconds
            .with_label_values(&[model, vendor])
            .observe(seconds);
        if let Some(first_token) = record.first_token {
            let seconds = first_token.as_secs_f64();
            METRICS
                .first_token_seconds
                .with_label_values(&[model, vendor])
                .observe(seconds);
        }
        let account = trail.account.as_deref().unwrap_or_default();
        let upstream_model = trail.model.as_deref().unwrap_or_default();
        let tokens = &record.used.tokens;
        if let Some(cost) = tokens.cost(&record.price).filter(|cost| *cost > 0.0) {
            let labels = [model, vendor, account, upstream_model];
            METRICS.cost.with_label_values(&labels).inc_by(cost);
        }
        for (class, count) in [
            ("input", tokens.input),
            ("output", tokens.output),
            ("cached-input", tokens.cached_input),
            ("cache-write", tokens.cache_write),
            ("reasoning", tokens.reasoning),
        ] {
            if count > 0 {
                let labels = [model, vendor, account, upstream_model, class];
                METRICS.tokens.with_label_values(&labels).inc_by(count);
            }
        }
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "microseconds of a request stay far below 2^52"
)]
fn milliseconds(time: std::time::Duration) -> f64 {
    time.as_micros() as f64 / 1e3
}

// === impl AttemptFailed ===

impl AttemptFailed<'_> {
    pub fn emit(&self) {
        let trail = self.trail;
        let (vendor, account, model) = (
            trail.vendor.as_deref().unwrap_or_default(),
            trail.account.as_deref().unwrap_or_default(),
            trail.model.as_deref().unwrap_or_default(),
        );
        let kind = self.failure.kind.as_str();
        METRICS
            .attempts_failed
            .with_label_values(&[vendor, account, model, self.failure.kind.label()])
            .inc();
        tracing::warn!(
            request_id = trail.request_id,
            attempt = trail.attempts,
            vendor,
            account,
            upstream_model = model,
            kind,
            scope = ?self.failure.scope,
            vendor_code = self.failure.vendor_code,
            "attempt failed: {}",
            self.failure.message
        );
    }
}

// === impl PluginFailed ===

impl PluginFailed<'_> {
    pub fn emit(&self) {
        let error = self.error;
        METRICS
            .plugin_failures
            .with_label_values(&[error.plugin.as_str(), error.function, error.problem.as_str()])
            .inc();
        tracing::error!(
            plugin = error.plugin,
            function = error.function,
            "{}",
            error.problem
        );
    }
}

// === impl StrategyFellBack ===

impl StrategyFellBack<'_> {
    pub fn emit(&self) {
        if let Some(error) = self.error {
            PluginFailed { error }.emit();
        }
        METRICS.strategy_fallbacks.with_label_values(&[self.model]).inc();
    }
}

// === impl ShadowDecided ===

impl ShadowDecided<'_> {
    /// How often it agreed, differed, failed and was left out since the gateway started.
    pub fn counted(model: &str, strategy: &str) -> [u64; 4] {
        ["agreed", "differed", "failed", "left out"].map(|outcome| {
            METRICS
                .shadow_decisions
                .with_label_values(&[model, strategy, outcome])
                .get()
        })
    }

    pub fn emit(&self) {
        METRICS
            .shadow_decisions
            .with_label_values(&[self.model, self.strategy, self.outcome])
            .inc();
        if let Some(error) = self.error {
            tracing::warn!(
                model = self.model,
                strategy = self.strategy,
                "the strategy in shadow does not decide (told once until it does): {error}"
            );
        }
    }
}

// === impl PartFailed ===

impl PartFailed<'_> {
    pub fn emit(&self) {
        METRICS.reload_failures.with_label_values(&[self.part]).inc();
        tracing::error!(
            part = self.part,
            "the newest version is not used: {}",
            self.problem
        );
    }
}

// === impl TakenBack ===

impl TakenBack<'_> {
    pub fn emit(&self) {
        METRICS.plugin_rollbacks.with_label_values(&[self.plugin]).inc();
        tracing::error!(plugin = self.plugin, "{}", self.problem);
    }
}

// === impl Swapped ===

impl Swapped<'_> {
    pub fn emit(&self) {
        METRICS
            .generation
            .set(i64::try_from(self.now.number).unwrap_or(i64::MAX));
        METRICS.plugins.reset();
        METRICS.plugins_slow.reset();
        let mut serving = Vec::new();
        for plugin in self.now.plugins.parts().filter_map(|part| part.plugin.as_ref()) {
            let identity = plugin.identity();
            let (name, version) = identity.split_once('@').unwrap_or((identity, ""));
            METRICS
                .plugins
                .with_label_values(&[name, plugin.kind(), version])
                .set(1);
            serving.push(identity);
        }
        tracing::info!(
            generation = self.now.number,
            plugins = serving.join(" "),
            "serving"
        );
        let known = |notice: &String| self.before.number > 0 && self.before.notices.contains(notice);
        for notice in self.now.notices.iter().filter(|notice| !known(notice)) {
            tracing::warn!("{notice}");
        }
    }
}
