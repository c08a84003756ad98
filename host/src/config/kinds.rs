//! What a text in the file can stand for: durations, sizes, addresses, names. Reads the text alone; where it
//! came from and what to do when it is wrong is the reader's business.

use std::net::SocketAddr;
use std::time::Duration;

use url::{Host, Url};

/// Longest vendor, account, key, plugin or tag name, in characters.
const LONGEST_NAME: usize = 64;
/// Longest model name, in characters.
const LONGEST_MODEL_NAME: usize = 200;

/// A kind of text, with the words for a message about one that is not of it.
pub(super) struct Kind<T> {
    /// With its article, such as `a duration`.
    pub(super) what: &'static str,
    /// How to write one, worded as a suggestion.
    pub(super) advice: &'static str,
    pub(super) parse: fn(&str) -> Option<T>,
}

pub(super) const DURATION: Kind<Duration> = Kind {
    what: "a duration",
    advice: "write for example \"250ms\", \"30s\" or \"1h30m\"",
    parse: duration,
};

pub(super) const TIMEOUT: Kind<Duration> = Kind {
    what: "a duration above zero",
    advice: "write for example \"250ms\", \"30s\" or \"1h30m\"",
    parse: |text| duration(text).filter(|duration| !duration.is_zero()),
};

pub(super) const PERIOD: Kind<Option<Duration>> = Kind {
    what: "\"off\" or a duration above zero",
    advice: "write \"off\", or for example \"2s\"",
    parse: |text| match text {
        "off" => Some(None),
        text => duration(text).filter(|duration| !duration.is_zero()).map(Some),
    },
};

pub(super) const SIZE: Kind<usize> = Kind {
    what: "a size above zero",
    advice: "write for example \"64MiB\", \"10MB\" or 1024 for bytes",
    parse: size,
};

pub(super) const ADDRESS: Kind<SocketAddr> = Kind {
    what: "an address with a port",
    advice: "write for example \"127.0.0.1:8080\", or \"0.0.0.0:8080\" for every interface",
    parse: |text| text.parse().ok(),
};

pub(super) const SWITCH: Kind<bool> = Kind {
    what: "\"on\" or \"off\"",
    advice: "write \"on\" or \"off\"",
    parse: |text| match text {
        "on" => Some(true),
        "off" => Some(false),
        _ => None,
    },
};

pub(super) const NAME: Kind<String> = Kind {
    what: "a name",
    advice: "use 1 to 64 letters, digits, \"-\", \"_\" and \".\"",
    parse: |text| is_name(text).then(|| text.to_owned()),
};

pub(super) const MODEL_NAME: Kind<String> = Kind {
    what: "a model name",
    advice: "use 1 to 200 characters without line breaks and other control characters",
    parse: |text| is_model_name(text).then(|| text.to_owned()),
};

pub(super) const FOLDER: Kind<String> = Kind {
    what: "a folder",
    advice: "write for example \"plugins\"",
    parse: |text| (!text.is_empty()).then(|| text.to_owned()),
};

pub(super) const FILE: Kind<String> = Kind {
    what: "a file",
    advice: "write the path of a file, or \"off\"",
    parse: |text| (!text.is_empty() && !text.ends_with('/')).then(|| text.to_owned()),
};

pub(super) const HOST: Kind<String> = Kind {
    what: "a host",
    advice: "write \"api.example.com\" or \"api.example.com:8443\", without scheme, path and wildcard",
    parse: host,
};

/// A base URL without its trailing slashes (one stays where there is no path at all).
///
/// # Errors
///
/// Says what is wrong without showing the text, which may hold a password.
pub(super) fn base_url(text: &str) -> Result<Url, &'static str> {
    let mut url = Url::parse(text).map_err(|_| "not a URL")?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err("not an http or https URL");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("a base URL must not hold a user name or password");
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err("a base URL must not hold a query or fragment");
    }
    let path = url.path().trim_end_matches('/').to_owned();
    url.set_path(&path);
    Ok(url)
}

/// Whole numbers with `h`, `m`, `s` and `ms`, each at most once and in this order.
fn duration(text: &str) -> Option<Duration> {
    let mut total = Duration::ZERO;
    let mut units = [("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)].into_iter();
    let mut rest = text;
    while !rest.is_empty() || text.is_empty() {
        let (count, after) = leading_number(rest)?;
        let end = after
            .find(|letter: char| letter.is_ascii_digit())
            .unwrap_or(after.len());
        let (unit, after) = after.split_at(end);
        let (_, milliseconds) = units.find(|(name, _)| *name == unit)?;
        total = total.checked_add(Duration::from_millis(count.checked_mul(milliseconds)?))?;
        rest = after;
    }
    Some(total)
}

/// A whole number with a power of 1000 (`kB`, `MB`, `GB`) or of 1024 (`KiB`, `MiB`, `GiB`), or of bytes.
fn size(text: &str) -> Option<usize> {
    let (count, unit) = leading_number(text)?;
    let bytes = match unit {
        "" | "B" => 1,
        "kB" | "KB" => 1_000,
        "MB" => 1_000_000,
        "GB" => 1_000_000_000,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        _ => return None,
    };
    usize::try_from(count.checked_mul(bytes)?)
        .ok()
        .filter(|size| *size > 0)
}

/// The digits `text` begins with, as a number, and what follows them.
fn leading_number(text: &str) -> Option<(u64, &str)> {
    let end = text
        .find(|letter: char| !letter.is_ascii_digit())
        .unwrap_or(text.len());
    let (digits, rest) = text.split_at(end);
    Some((digits.parse().ok()?, rest))
}

pub(crate) fn is_name(text: &str) -> bool {
    (1..=LONGEST_NAME).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
}

fn is_model_name(text: &str) -> bool {
    (1..=LONGEST_MODEL_NAME).contains(&text.chars().count()) && !text.chars().any(char::is_control)
}

/// `name` or `name:port`, in lower case.
fn host(text: &str) -> Option<String> {
    let text = text.to_ascii_lowercase();
    let name = match text.rsplit_once(':') {
        Some((name, port)) if !text.ends_with(']') => {
            port.parse::<u16>().ok().filter(|port| *port > 0)?;
            name
        }
        _ => &text,
    };
    // The parser also accepts what it can rewrite into a name; only what already is one will match later.
    let is_same = Host::parse(name).is_ok_and(|host| host.to_string() == name);
    (is_same && !name.contains('*')).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check<T: PartialEq + std::fmt::Debug>(kind: &Kind<T>, right: &[(&str, T)], wrong: &[&str]) {
        for (text, value) in right {
            assert_eq!((kind.parse)(text).as_ref(), Some(value), "{text}");
        }
        for text in wrong {
            assert_eq!((kind.parse)(text), None, "{text}");
        }
    }

    #[test]
    fn durations() {
        let millis = Duration::from_millis;
        let right = [
            ("250ms", millis(250)),
            ("5s", millis(5_000)),
            ("30m", millis(1_800_000)),
            ("1h30m", millis(5_400_000)),
            ("1h2m3s4ms", millis(3_723_004)),
            ("0s", millis(0)),
        ];
        let wrong = [
            "",
            "5",
            "s",
            "5 s",
            "-5s",
            "1.5s",
            "5d",
            "30m1h",
            "5s5s",
            "1h30",
            "99999999999999999999h",
        ];
        check(&DURATION, &right, &wrong);
        check(&DURATION, &[], &["18446744073709551615h", "5S", "٣s", "5sm"]);
        check(&TIMEOUT, &right[..5], &["0s", "0h0ms", ""]);
    }

    #[test]
    fn sizes() {
        let right = [
            ("1024", 1024),
            ("1B", 1),
            ("10MB", 10_000_000),
            ("2kB", 2_000),
            ("64MiB", 67_108_864),
            ("1KiB", 1024),
            ("3GiB", 3_221_225_472),
        ];
        let wrong = [
            "",
            "0",
            "0MiB",
            "MiB",
            "64mib",
            "64 MiB",
            "-1",
            "1.5MB",
            "64M",
            "99999999999999999999",
        ];
        check(&SIZE, &right, &wrong);
        check(&SIZE, &[], &["18446744073709551615GiB"]);
    }

    #[test]
    fn names() {
        let long = "x".repeat(64);
        let right: Vec<_> = ["a", "Team-A_1.x", &long]
            .map(|name| (name, name.to_owned()))
            .into();
        check(&NAME, &right, &["", "a b", "a/b", "ä", &"x".repeat(65), "a\n"]);
        let long = "ä".repeat(200);
        let right: Vec<_> = ["a", "org/model:free", "with space", &long]
            .map(|name| (name, name.to_owned()))
            .into();
        check(&MODEL_NAME, &right, &["", "a\nb", "a\u{7f}", &"x".repeat(201)]);
    }

    #[test]
    fn hosts() {
        let right: Vec<_> = [
            ("api.example.com", "api.example.com"),
            ("API.example.com:8443", "api.example.com:8443"),
            ("localhost", "localhost"),
            ("10.0.0.1:80", "10.0.0.1:80"),
            ("[::1]", "[::1]"),
            ("[::1]:80", "[::1]:80"),
        ]
        .map(|(text, host)| (text, host.to_owned()))
        .into();
        let wrong = [
            "",
            "*",
            "*.example.com",
            "https://example.com",
            "example.com/path",
            "example.com:0",
            "a b",
            ":80",
            "example.com:",
            "example.com:99999",
            "user@example.com",
            "::1",
            "exämple.com",
            "1.2.3",
        ];
        check(&HOST, &right, &wrong);
    }

    #[test]
    fn base_urls() {
        let right = [
            ("https://api.example.com/v1", "https://api.example.com/v1"),
            ("https://api.example.com/v1///", "https://api.example.com/v1"),
            ("http://127.0.0.1:8090", "http://127.0.0.1:8090/"),
            ("HTTP://Example.com:80/A/", "http://example.com/A"),
        ];
        for (text, url) in right {
            assert_eq!(base_url(text).unwrap().as_str(), url);
        }
        let wrong = [
            ("api.example.com/v1", "not a URL"),
            ("localhost:8080", "not an http or https URL"),
            ("ftp://example.com", "not an http or https URL"),
            ("https://", "not a URL"),
            ("", "not a URL"),
            (
                "https://user@example.com",
                "a base URL must not hold a user name or password",
            ),
            (
                "https://:pw@example.com",
                "a base URL must not hold a user name or password",
            ),
            (
                "https://example.com?key=1",
                "a base URL must not hold a query or fragment",
            ),
            (
                "https://example.com/#",
                "a base URL must not hold a query or fragment",
            ),
        ];
        for (text, reason) in wrong {
            assert_eq!(base_url(text), Err(reason), "{text}");
        }
    }
}
