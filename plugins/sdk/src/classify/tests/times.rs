//! Times to stay away, durations, dates, and limits.

use super::*;

#[test]
fn how_long_to_stay_away() {
    let wait = |headers: &[(&str, &str)]| retry_after(&head(429, headers), NOW);
    assert_eq!(wait(&[("Retry-After", "20")]), Some(20_000));
    assert_eq!(
        wait(&[("retry-after", "0.5"), ("retry-after-ms", "120")]),
        Some(120)
    );
    assert_eq!(wait(&[("retry-after", "1"), ("retry-after-ms", "0")]), Some(1000));
    assert_eq!(
        wait(&[("retry-after", "Thu, 13 Nov 2025 02:13:50 GMT")]),
        Some(30_000)
    );
    assert_eq!(wait(&[("retry-after", "Thu, 13 Nov 2025 02:13:10 GMT")]), None);
    assert_eq!(wait(&[("retry-after", "-5")]), None);
    assert_eq!(wait(&[("retry-after", "soon")]), None);
    assert_eq!(wait(&[]), None);
}

#[test]
fn durations_as_go_writes_them() {
    let known = [
        ("8.64s", 8640),
        ("132ms", 132),
        ("1m30s", 90_000),
        ("6m0s", 360_000),
        ("1h2m3.5s", 3_723_500),
        ("0s", 0),
        ("17.001ms", 18),
        ("500µs", 1),
        ("2us", 1),
        ("7", 7000),
        ("1.5", 1500),
    ];
    for (text, millis) in known {
        assert_eq!(duration(text), Some(millis), "{text}");
    }
    for text in ["", "s", "1x", "1s2", "-1s", "1e3", "1..2s", "NaN", "inf"] {
        assert_eq!(duration(text), None, "{text}");
    }
    assert_eq!(duration(&"9".repeat(400)), Some(Millis::MAX));
}

#[test]
fn dates_agree_with_the_calendar() {
    assert_eq!(http_date("Thu, 01 Jan 1970 00:00:00 GMT"), Some(0));
    assert_eq!(http_date("Sun, 06 Nov 1994 08:49:37 GMT"), Some(784_111_777_000));
    assert_eq!(http_date("Tue, 29 Feb 2000 00:00:00 GMT"), Some(951_782_400_000));
    assert_eq!(http_date("Wed, 01 Mar 2000 00:00:00 GMT"), Some(951_868_800_000));
    assert_eq!(
        http_date("Fri, 31 Dec 2100 23:59:59 GMT"),
        Some(4_133_980_799_000)
    );
    for text in [
        "",
        "Sun, 06 Nov 1994",
        "Sun, 06 Foo 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 08:49:37 CET",
    ] {
        assert_eq!(http_date(text), None, "{text}");
    }
}

#[test]
fn times_as_json_writes_them() {
    let known = [
        ("1970-01-01T00:00:00Z", 0),
        ("1994-11-06T08:49:37Z", 784_111_777_000),
        ("2000-02-29T00:00:00.25z", 951_782_400_250),
        ("2000-03-01 02:00:00+02:00", 951_868_800_000),
        ("2000-02-29T22:30:00-01:30", 951_868_800_000),
    ];
    for (text, millis) in known {
        assert_eq!(rfc3339(text), Some(millis), "{text}");
    }
    for text in [
        "",
        "2000-03-01",
        "2000-03-01T00:00:00",
        "2000-13-01T00:00:00Z",
        "2000-00-01T00:00:00Z",
        "2000-03-01T24:00:00Z",
        "2000-03-01T00:00:NaNZ",
        "2000-03-01T00:00:00Zulu",
        "1970-01-01T00:00:00+01:00",
        "1969-12-31T23:59:59Z",
    ] {
        assert_eq!(rfc3339(text), None, "{text}");
    }
}

#[test]
fn limits_are_read_from_the_head() {
    let head = head(
        200,
        &[
            ("x-ratelimit-limit-requests", "500"),
            ("x-ratelimit-remaining-requests", "499"),
            ("x-ratelimit-reset-requests", "120ms"),
            ("x-ratelimit-remaining-tokens", "199996"),
            ("x-ratelimit-reset-tokens", "soon"),
        ],
    );
    let limits = rate_limits(&head);
    let requests = Limit {
        capacity: Some(500.0),
        remaining: Some(499.0),
        resets_in: Some(120),
        ..Limit::new("requests", Scope::Candidate)
    };
    let tokens = Limit {
        remaining: Some(199_996.0),
        ..Limit::new("tokens", Scope::Candidate)
    };
    assert_eq!(limits, [requests, tokens]);
    assert_eq!(
        rate_limits(&Head {
            status: 200,
            headers: Vec::new()
        }),
        []
    );
}
