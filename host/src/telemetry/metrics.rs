//! The process's metrics, in the text format of Prometheus.

use std::sync::LazyLock;

use prometheus::core::Collector;
use prometheus::{
    CounterVec, GaugeVec, HistogramOpts, HistogramVec, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry,
    TextEncoder,
};

/// The one set of metrics there is.
pub static METRICS: LazyLock<Metrics> = LazyLock::new(Metrics::new);

/// Seconds; from a cached answer to a long stream.
const LATENCY: [f64; 14] = [
    0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0,
];

#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    /// By outcome: completed, cancelled, or the failure's kind.
    pub requests: IntCounterVec,
    pub request_seconds: HistogramVec,
    pub first_token_seconds: HistogramVec,
    pub attempts_failed: IntCounterVec,
    pub tokens: IntCounterVec,
    /// Of what has a known price.
    pub cost: CounterVec,
    /// By the state that a key has come to.
    pub key_changes: IntCounterVec,
    /// Of keys that were out of service, by the class of what took them out and by what came of it.
    pub rechecks: IntCounterVec,
    pub probes: IntCounterVec,
    /// By limit, 0 to 1; of those that are configured.
    pub limit_used: GaugeVec,
    /// By limit, and whether it was a warning or all is used up.
    pub limits_passed: IntCounterVec,
    pub plugin_failures: IntCounterVec,
    pub strategy_fallbacks: IntCounterVec,
    /// Of strategies in shadow, by whether they agreed.
    pub shadow_decisions: IntCounterVec,
    /// By whether they were recorded or left out.
    pub decisions: IntCounterVec,
    pub reload_failures: IntCounterVec,
    pub plugin_rollbacks: IntCounterVec,
    /// 1 for each plugin whose calls run on threads of their own.
    pub plugins_slow: IntGaugeVec,
    pub generation: IntGauge,
    /// 1 for each plugin that serves, with its version.
    pub plugins: IntGaugeVec,
    /// Requests that are being served.
    pub requests_in_flight: IntGauge,
    /// Requests that wait for their turn.
    pub requests_waiting: IntGauge,
    /// Attempts under way.
    pub in_flight: IntGauge,
    /// Plugin instances that exchanges hold.
    pub instances: IntGauge,
}

// === impl Metrics ===

impl Metrics {
    fn new() -> Self {
        let registry = Registry::new();
        let route = ["model", "vendor", "account", "upstream_model"];
        let counter = |name: &str, help: &str, labels: &[&str]| {
            register(&registry, IntCounterVec::new(Opts::new(name, help), labels))
        };
        let seconds = |name: &str, help: &str| {
            let options = HistogramOpts::new(name, help).buckets(LATENCY.to_vec());
            register(&registry, HistogramVec::new(options, &["model", "vendor"]))
        };
        let gauge = |name: &str, help: &str| register(&registry, IntGauge::new(name, help));
        Self {
            requests: counter(
                "patchbay_requests_total",
                "Requests by how they ended",
                &["model", "vendor", "outcome"],
            ),
            request_seconds: seconds(
                "patchbay_request_seconds",
                "From arrival to the end of the answer",
            ),
            first_token_seconds: seconds(
                "patchbay_first_token_seconds",
                "From arrival to the first token of a stream",
            ),
            attempts_failed: counter(
                "patchbay_attempts_failed_total",
                "Attempts that failed, by candidate and kind",
                &["vendor", "account", "upstream_model", "kind"],
            ),
            tokens: counter(
                "patchbay_tokens_total",
                "Tokens by candidate and class",
                &[route[0], route[1], route[2], route[3], "class"],
            ),
            cost: register(
                &registry,
                CounterVec::new(
                    Opts::new("patchbay_cost_dollars_total", "US dollars by candidate"),
                    &route,
                ),
            ),
            key_changes: counter(
                "patchbay_key_changes_total",
                "Changes of a key's state, by the state it came to",
                &["vendor", "account", "upstream_model", "to"],
            ),
            rechecks: counter(
                "patchbay_rechecks_total",
                "Rechecks of keys that were out of service, by class and by whether the key came back",
                &["class", "outcome"],
            ),
            probes: counter(
                "patchbay_probes_total",
                "Probes of accounts, by what they found",
                &["vendor", "account", "outcome"],
            ),
            limit_used: register(
                &registry,
                GaugeVec::new(
                    Opts::new("patchbay_limit_used_ratio", "Share of a limit that is used"),
                    &["vendor", "account", "upstream_model", "limit"],
                ),
            ),
            limits_passed: counter(
                "patchbay_limits_passed_total",
                "Quotas of which so much was used that it was warned of, or all",
                &["vendor", "account", "upstream_model", "limit", "passed"],
            ),
            plugin_failures: counter(
                "patchbay_plugin_failures_total",
                "Plugin calls that failed",
                &["plugin", "function", "problem"],
            ),
            strategy_fallbacks: counter(
                "patchbay_strategy_fallbacks_total",
                "Requests ordered by the built-in order because their strategy failed",
                &["model"],
            ),
            shadow_decisions: counter(
                "patchbay_shadow_decisions_total",
                "Decisions of strategies in shadow, by whether the first candidate was the same",
                &["model", "strategy", "outcome"],
            ),
            decisions: counter(
                "patchbay_recorded_decisions_total",
                "Decisions by whether they were written to the recording",
                &["outcome"],
            ),
            reload_failures: counter(
                "patchbay_reload_failures_total",
                "Parts whose newest version could not be used",
                &["part"],
            ),
            plugin_rollbacks: counter(
                "patchbay_plugin_rollbacks_total",
                "Versions of plugins that were taken back because of how they behaved",
                &["plugin"],
            ),
            plugins_slow: register(
                &registry,
                IntGaugeVec::new(
                    Opts::new(
                        "patchbay_plugin_slow",
                        "1 while a plugin's calls take too long for the threads that serve everybody",
                    ),
                    &["plugin"],
                ),
            ),
            generation: gauge("patchbay_generation", "Number of the current generation"),
            plugins: register(
                &registry,
                IntGaugeVec::new(
                    Opts::new("patchbay_plugin_info", "Plugins of the current generation"),
                    &["plugin", "kind", "version"],
                ),
            ),
            requests_in_flight: gauge("patchbay_requests_in_flight", "Requests being served"),
            requests_waiting: gauge(
                "patchbay_requests_waiting",
                "Requests that wait for their turn, when as many as may be are being served",
            ),
            in_flight: gauge("patchbay_attempts_in_flight", "Attempts under way"),
            instances: gauge("patchbay_plugin_instances", "Plugin instances held by exchanges"),
            registry,
        }
    }

    pub fn render(&self) -> String {
        // Writing into a String fails only for a metric without a name.
        TextEncoder::new()
            .encode_to_string(&self.registry.gather())
            .unwrap_or_default()
    }
}

#[expect(
    clippy::expect_used,
    reason = "names are constants; a wrong or double one shows at the first start"
)]
fn register<C: Collector + Clone + 'static>(registry: &Registry, metric: prometheus::Result<C>) -> C {
    let metric = metric.expect("a valid metric");
    registry
        .register(Box::new(metric.clone()))
        .expect("a name of its own");
    metric
}
