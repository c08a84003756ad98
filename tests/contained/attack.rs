//! One attack as a row: what carries it, how it is provoked, what it runs into and what must come of it.

use serde_json::Value;

/// One attack.
#[derive(Debug, Clone)]
pub(crate) struct Attack {
    pub(crate) name: &'static str,
    /// The setting, or the file and function, that it is aimed at.
    pub(crate) defence: &'static str,
    /// The component that carries it, as a file; made when its turn comes.
    pub(crate) carrier: fn() -> Vec<u8>,
    pub(crate) provoked: Provoked,
    /// Lines of `[plugins.limits]`; those that begin with "plugins." stand one level above.
    pub(crate) limits: &'static str,
    /// The plugin may use an instance for many exchanges.
    pub(crate) reuse: bool,
    /// It may call its vendor, who gets this: path with query, and the body if that is not JSON.
    pub(crate) sends: Option<&'static str>,
    /// What comes of it, see [`crate::outcome`], without what is sent.
    expected: String,
    /// With these limits instead, it gets through: then this comes of it.
    lifted: Option<(&'static str, String)>,
}

#[derive(Debug, Clone)]
pub(crate) enum Provoked {
    /// By callers of its vendor, who say this.
    Asked(Asked),
    /// By callers of a model that it ranks for; these are its settings.
    Ranked(&'static str),
    /// By putting its file into the folder, in place of a good one.
    Loaded,
}

#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) text: String,
    /// So many times until an outcome is taken ...
    pub(crate) times: usize,
    /// ... all at once, or after each other.
    pub(crate) at_once: bool,
}

// === impl Attack ===

impl Attack {
    /// Carried by a component that callers provoke by saying hello.
    pub(crate) fn new(name: &'static str, carrier: fn() -> Vec<u8>, defence: &'static str) -> Self {
        Self {
            name,
            defence,
            carrier,
            provoked: asked("hello".to_owned(), 1, false),
            limits: "",
            reuse: false,
            sends: None,
            expected: String::new(),
            lifted: None,
        }
    }

    /// Callers send this command.
    pub(crate) fn told(self, command: &Value) -> Self {
        let provoked = asked(command.to_string(), 1, false);
        Self { provoked, ..self }
    }

    /// It is judged when it was asked so many times.
    pub(crate) fn times(self, times: usize) -> Self {
        let provoked = asked(self.text(), times, false);
        Self { provoked, ..self }
    }

    /// It is judged when so many have asked at once.
    pub(crate) fn at_once(self, callers: usize) -> Self {
        let provoked = asked(self.text(), callers, true);
        Self { provoked, ..self }
    }

    /// A strategy with these settings.
    pub(crate) fn ranks(self, settings: &'static str) -> Self {
        let provoked = Provoked::Ranked(settings);
        Self { provoked, ..self }
    }

    /// Provoked by the file alone.
    pub(crate) fn loads(self) -> Self {
        let provoked = Provoked::Loaded;
        Self { provoked, ..self }
    }

    pub(crate) fn under(self, limits: &'static str) -> Self {
        Self { limits, ..self }
    }

    pub(crate) fn reused(self) -> Self {
        Self { reuse: true, ..self }
    }

    pub(crate) fn sends(self, what: &'static str) -> Self {
        let sends = Some(what);
        Self { sends, ..self }
    }

    /// The caller gets 502, `plugin_error`; `function` and `problem` are counted and `message` is logged.
    pub(crate) fn fails(self, function: &str, problem: &str, message: &str) -> Self {
        self.comes_to(&format!(
            "callers: 502 plugin_error\nlogged: {function}: {message}\ncounted: {function} {problem}"
        ))
    }

    /// As with [`Attack::fails`], for something the contract does not allow.
    pub(crate) fn breaks(self, function: &str, message: &str) -> Self {
        self.fails(function, "contract", &format!("broke the contract: {message}"))
    }

    /// The strategy's call fails and the built-in order takes its place.
    pub(crate) fn falls_back(self, problem: &str, message: &str) -> Self {
        self.comes_to(&format!(
            "callers: 200\nlogged: strategy.rank: {message}\ncounted: strategy.rank {problem}"
        ))
    }

    /// The file is not taken and the good one goes on serving.
    pub(crate) fn refused(self, problem: &str) -> Self {
        self.comes_to(&format!("kept: {problem}\nlogged: {problem}\ncounted: 1"))
    }

    /// Nobody notices anything.
    pub(crate) fn harmless(self) -> Self {
        self.comes_to("callers: 200")
    }

    pub(crate) fn comes_to(self, expected: &str) -> Self {
        let expected = expected.to_owned();
        Self { expected, ..self }
    }

    /// Under these limits callers get their answer.
    pub(crate) fn unless(self, limits: &'static str) -> Self {
        self.lifted(limits, "callers: 200")
    }

    /// Under these limits it is loaded.
    pub(crate) fn taken_if(self, limits: &'static str) -> Self {
        self.lifted(limits, "taken")
    }

    pub(crate) fn lifted(self, limits: &'static str, expected: &str) -> Self {
        let lifted = Some((limits, expected.to_owned()));
        Self { lifted, ..self }
    }

    /// The attack without its defence, if that can be lifted.
    pub(crate) fn without_defence(&self) -> Option<Self> {
        let (limits, expected) = self.lifted.clone()?;
        Some(Self {
            limits,
            expected,
            ..self.clone()
        })
    }

    /// All that must come of it.
    pub(crate) fn expected(&self) -> String {
        let sent = self.sends.map(|what| format!("\nsent: {what}"));
        format!("{}{}", self.expected, sent.unwrap_or_default())
    }

    fn text(&self) -> String {
        match &self.provoked {
            Provoked::Asked(asked) => asked.text.clone(),
            Provoked::Ranked(_) | Provoked::Loaded => "hello".to_owned(),
        }
    }
}

fn asked(text: String, times: usize, at_once: bool) -> Provoked {
    Provoked::Asked(Asked { text, times, at_once })
}
