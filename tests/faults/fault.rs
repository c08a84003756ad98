//! One fault as a row: what the vendor does wrong, and what must come of it.

use std::ops::RangeInclusive;

use patchbay_simulator::Rule;

use crate::cell::{Dialect, Form};

#[derive(Debug)]
pub(crate) struct Fault {
    pub(crate) name: &'static str,
    /// Where the vendor is to be found.
    pub(crate) place: Place,
    /// What it does, by dialect.
    rules: [Rule; 2],
    /// By dialect, then by form.
    expects: [[Expect; 2]; 2],
    /// Alone, the candidate is asked once more.
    pub(crate) repeated: bool,
    /// The vendor does not say what was used.
    pub(crate) uncounted: bool,
    /// The connection cannot be used again although the vendor finds nothing wrong with it.
    pub(crate) spoils: bool,
    /// Tokens after which there is one more, of so many bytes.
    pub(crate) huge: Option<(usize, usize)>,
    /// One cell of it is as much work as many others.
    pub(crate) heavy: bool,
    /// A stream repeats its last token.
    pub(crate) endless: bool,
    /// Seconds after which the caller is to come back.
    pub(crate) come_back: Option<RangeInclusive<u64>>,
}

/// Where a vendor is to be found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    Simulator,
    /// The simulator, over connections of the cell's own.
    Apart,
    /// The connection is refused.
    Refused,
    /// Connecting takes for ever.
    Silent,
    /// The TLS handshake takes a while.
    SlowTls,
    /// The TLS handshake never comes.
    NoTls,
}

/// What must come of a fault.
#[derive(Debug, Clone)]
pub(crate) enum Expect {
    /// Nobody notices.
    Harmless,
    /// It goes wrong the first time only: alone, the candidate answers when it is asked again.
    Once,
    /// The attempt fails before the caller has seen anything: alone that is the answer, else another candidate's.
    Hidden(Error),
    /// The error is the answer whoever else there is: it speaks of the request, or the time is up.
    Final(Error),
    /// The stream ends with an error behind its first tokens.
    Broken(Error),
    /// Something that the oracle allows.
    Either,
}

#[derive(Debug, Clone)]
pub(crate) struct Error {
    /// Of an answer that is nothing but an error.
    pub(crate) status: u16,
    pub(crate) code: &'static str,
    /// The clock that has run out.
    pub(crate) clock: Option<Clock>,
}

/// The clocks of a request, by their names in `[timeouts]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Clock {
    Connect,
    FirstByte,
    FirstToken,
    Idle,
    Total,
    Stream,
}

// === impl Fault ===

impl Fault {
    pub(crate) fn new(name: &'static str, rule: Rule) -> Self {
        Self {
            name,
            place: Place::Simulator,
            rules: [rule.clone(), rule],
            expects: std::array::from_fn(|_| [Expect::Harmless, Expect::Harmless]),
            repeated: false,
            uncounted: false,
            spoils: false,
            huge: None,
            heavy: false,
            endless: false,
            come_back: None,
        }
    }

    pub(crate) fn at(self, place: Place) -> Self {
        Self { place, ..self }
    }

    /// What a vendor of the other dialect does instead.
    pub(crate) fn translated(mut self, rule: Rule) -> Self {
        self.rules[Dialect::Translated as usize] = rule;
        self
    }

    pub(crate) fn expects(self, expect: Expect) -> Self {
        self.whole(expect.clone()).streamed(expect)
    }

    pub(crate) fn whole(mut self, expect: Expect) -> Self {
        for of_dialect in &mut self.expects {
            of_dialect[Form::Whole as usize] = expect.clone();
        }
        self
    }

    pub(crate) fn streamed(mut self, expect: Expect) -> Self {
        for of_dialect in &mut self.expects {
            of_dialect[Form::Streamed as usize] = expect.clone();
        }
        self
    }

    /// Where the other dialect makes a difference.
    pub(crate) fn but(mut self, form: Form, dialect: Dialect, expect: Expect) -> Self {
        self.expects[dialect as usize][form as usize] = expect;
        self
    }

    pub(crate) fn repeated(self) -> Self {
        Self {
            repeated: true,
            ..self
        }
    }

    pub(crate) fn uncounted(self) -> Self {
        Self {
            uncounted: true,
            ..self
        }
    }

    /// Apart from all others: whoever uses the connection too early meets what was left on it.
    pub(crate) fn spoils(self) -> Self {
        Self {
            spoils: true,
            place: Place::Apart,
            ..self
        }
    }

    pub(crate) fn heavy(self) -> Self {
        Self { heavy: true, ..self }
    }

    /// One more token of so many bytes after so many others.
    pub(crate) fn huge(name: &'static str, after: usize, bytes: usize) -> Self {
        Self {
            huge: Some((after, bytes)),
            ..Self::new(name, Rule::always().huge_after(after, bytes))
        }
    }

    pub(crate) fn endless(name: &'static str) -> Self {
        Self {
            endless: true,
            ..Self::new(name, Rule::always().endless())
        }
    }

    pub(crate) fn come_back(self, seconds: RangeInclusive<u64>) -> Self {
        Self {
            come_back: Some(seconds),
            ..self
        }
    }

    pub(crate) fn rule(&self, dialect: Dialect) -> Rule {
        self.rules[dialect as usize].clone()
    }

    pub(crate) fn expect(&self, form: Form, dialect: Dialect) -> Expect {
        self.expects[dialect as usize][form as usize].clone()
    }

    /// What the vendor says, which has so many tokens without the fault, and how many it counts itself.
    pub(crate) fn said(&self, tokens: u16, form: Form) -> (String, u64) {
        let mut words: Vec<String> = (0..tokens).map(|number| format!("token-{number}")).collect();
        let mut count = u64::from(tokens);
        if let Some((after, bytes)) = self.huge {
            // The token has no space before it, so that it is the end of a word.
            let word = match after {
                0 => format!("{}{}", "x".repeat(bytes), words[0]),
                after => format!("{}{}", words[after - 1], "x".repeat(bytes)),
            };
            words[after.saturating_sub(1)] = word;
            count += 1;
        }
        if self.endless && form == Form::Streamed {
            let last = words.last().cloned().unwrap_or_default();
            words.extend(std::iter::repeat_n(last, ENDLESS));
        }
        (words.join(" "), count)
    }
}

/// More tokens than an endless stream has until it is ended.
const ENDLESS: usize = 10_000;

// === impl Place ===

impl Place {
    /// Whether a request ever arrives there.
    pub(crate) fn is_reachable(self) -> bool {
        matches!(self, Self::Simulator | Self::Apart | Self::SlowTls)
    }
}

// === impl Expect ===

impl Expect {
    /// The clock that has to ring, if one has.
    pub(crate) fn clock(&self) -> Option<Clock> {
        match self {
            Self::Hidden(error) | Self::Final(error) | Self::Broken(error) => error.clock,
            Self::Harmless | Self::Once | Self::Either => None,
        }
    }
}

// === impl Error ===

impl Error {
    pub(crate) const fn new(status: u16, code: &'static str) -> Self {
        Self {
            status,
            code,
            clock: None,
        }
    }

    pub(crate) const fn timeout(clock: Clock) -> Self {
        Self {
            status: 504,
            code: "timeout",
            clock: Some(clock),
        }
    }
}
