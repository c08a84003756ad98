//! What an account, or one of its models, may be used for: numbers and their names.

/// The limits that are configured. `None` is unlimited.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bounds {
    /// Attempts at once.
    pub concurrency: Option<u32>,
    pub requests_per_minute: Option<u64>,
    /// Read and written.
    pub tokens_per_minute: Option<u64>,
    /// Read and written, by the calendar of UTC.
    pub daily_tokens: Option<u64>,
    pub monthly_tokens: Option<u64>,
    /// US dollars, by the calendar of UTC.
    pub daily_cost: Option<f64>,
    pub monthly_cost: Option<f64>,
    /// The share of a limit from which on it is warned of (default 0.8).
    pub warn_at: f64,
}

/// One limit of what is used as time goes by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Bound {
    RequestsPerMinute,
    TokensPerMinute,
    DailyTokens,
    MonthlyTokens,
    DailyCost,
    MonthlyCost,
}

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    Requests,
    Tokens,
    Dollars,
}

// === impl Bounds ===

impl Default for Bounds {
    fn default() -> Self {
        Self {
            concurrency: None,
            requests_per_minute: None,
            tokens_per_minute: None,
            daily_tokens: None,
            monthly_tokens: None,
            daily_cost: None,
            monthly_cost: None,
            warn_at: 0.8,
        }
    }
}

impl Bounds {
    #[expect(
        clippy::cast_precision_loss,
        reason = "limits beyond 2^52 are met by nobody, so their last digit does not matter"
    )]
    pub(super) fn most(&self, bound: Bound) -> Option<f64> {
        let whole = |most: Option<u64>| most.map(|most| most as f64);
        match bound {
            Bound::RequestsPerMinute => whole(self.requests_per_minute),
            Bound::TokensPerMinute => whole(self.tokens_per_minute),
            Bound::DailyTokens => whole(self.daily_tokens),
            Bound::MonthlyTokens => whole(self.monthly_tokens),
            Bound::DailyCost => self.daily_cost,
            Bound::MonthlyCost => self.monthly_cost,
        }
    }

    /// Whether anything has to be counted. Places are counted by the gates.
    pub(super) fn are_none(&self) -> bool {
        Bound::ALL.iter().all(|bound| self.most(*bound).is_none())
    }

    pub(super) fn have_quotas(&self) -> bool {
        Bound::QUOTAS.iter().any(|bound| self.most(*bound).is_some())
    }

    pub fn have_money(&self) -> bool {
        self.daily_cost.is_some() || self.monthly_cost.is_some()
    }
}

// === impl Bound ===

impl Bound {
    pub(super) const ALL: [Self; 6] = [
        Self::RequestsPerMinute,
        Self::TokensPerMinute,
        Self::DailyTokens,
        Self::MonthlyTokens,
        Self::DailyCost,
        Self::MonthlyCost,
    ];
    /// Those that are kept over a restart.
    pub(super) const QUOTAS: [Self; 4] = [
        Self::DailyTokens,
        Self::MonthlyTokens,
        Self::DailyCost,
        Self::MonthlyCost,
    ];

    /// As in the configuration.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::RequestsPerMinute => "requests_per_minute",
            Self::TokensPerMinute => "tokens_per_minute",
            Self::DailyTokens => "daily_tokens",
            Self::MonthlyTokens => "monthly_tokens",
            Self::DailyCost => "daily_cost",
            Self::MonthlyCost => "monthly_cost",
        }
    }

    pub(super) fn unit(self) -> Unit {
        match self {
            Self::RequestsPerMinute => Unit::Requests,
            Self::TokensPerMinute | Self::DailyTokens | Self::MonthlyTokens => Unit::Tokens,
            Self::DailyCost | Self::MonthlyCost => Unit::Dollars,
        }
    }

    pub(super) fn is_quota(self) -> bool {
        Self::QUOTAS.contains(&self)
    }

    /// In words that complete "the limit of ...".
    pub(super) fn words(self, most: f64) -> String {
        let span = match self {
            Self::RequestsPerMinute | Self::TokensPerMinute => "minute",
            Self::DailyTokens | Self::DailyCost => "day",
            Self::MonthlyTokens | Self::MonthlyCost => "month",
        };
        match self.unit() {
            Unit::Requests => format!("{most} requests a {span}"),
            Unit::Tokens => format!("{most} tokens a {span}"),
            Unit::Dollars => format!("${most} a {span}"),
        }
    }
}
