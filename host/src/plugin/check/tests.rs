//! What a hostile guest could return, in the generated binding types, against what becomes of it.

mod requests;

use std::path::Path;
use std::sync::LazyLock;

use super::*;
use crate::config;
use crate::plugin::{Engine, Plugin, Serves, Source};

/// Below `http://127.0.0.1:8090/sim/v1`, by the adapter's one endpoint `api`.
static TARGET: LazyLock<Target> = LazyLock::new(|| {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("patchbay.toml");
    let text = "[server]\nlisten = \"127.0.0.1:0\"\nauthentication = \"off\"\n\
                [vendors.openai]\nbase_url = \"http://127.0.0.1:8090/sim/v1\"\nmodels = [\"m\"]\n";
    std::fs::write(&file, text).unwrap();
    let settings = config::load(&file, &|_| None).unwrap().settings;
    let component = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/plugins/openai.wasm");
    let component = std::fs::read(component).expect("a component; `make plugins` builds it");
    let plugins = &settings.plugins;
    let engine = Engine::new(plugins).unwrap();
    let plugin = Plugin::load(&engine, Source::new("openai", &component, plugins)).unwrap();
    let Serves::Adapter(adapter) = plugin.serves else {
        panic!("not an adapter");
    };
    let vendor = &settings.vendors["openai"];
    let (account, model) = (&vendor.accounts[0], &vendor.models[0]);
    Target::new(&adapter, &plugins.ungranted, vendor, account, model).unwrap()
});

/// The usual ones.
static LIMITS: LazyLock<Limits> = LazyLock::new(|| {
    let text = "[server]\nlisten = \"127.0.0.1:0\"\nauthentication = \"off\"\n";
    let loaded = config::parse(text, Path::new("patchbay.toml"), &|_| None).unwrap();
    (*loaded.settings.plugins.ungranted.limits).clone()
});

fn post(path: &str) -> wit::HttpRequest {
    wit::HttpRequest {
        endpoint: None,
        method: "POST".to_owned(),
        path: path.to_owned(),
        headers: Vec::new(),
        credentials: Vec::new(),
        body: wit::Body::Unchanged,
        framing: wit::Framing::Whole,
        canonical: false,
        want_head: false,
    }
}

fn returned(next: wit::Next) -> wit::Progress {
    wit::Progress {
        chunks: Vec::new(),
        usage: Vec::new(),
        limits: Vec::new(),
        warnings: Vec::new(),
        next,
    }
}

fn checked(raw: wit::Progress) -> Result<Progress, Problem> {
    progress(raw, &TARGET, &LIMITS)
}

fn sent(request: wit::HttpRequest) -> Result<Outgoing, Problem> {
    match checked(returned(wit::Next::Send(request)))?.next {
        Next::Send(outgoing) => Ok(*outgoing),
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn assert_broke<T: std::fmt::Debug>(result: Result<T, Problem>, expected: &str) {
    match result {
        Err(Problem::Broke(said)) if said.contains(expected) => {
            assert!(
                !said.contains(['\n', '\r']),
                "the words could forge a line: {said:?}"
            );
        }
        other => panic!("expected {expected:?}, found {other:?}"),
    }
}

fn header(name: &str, value: &str) -> types::Header {
    types::Header {
        name: name.to_owned(),
        value: value.to_owned(),
    }
}

fn with_credential(credential: wit::CredentialUse, body: wit::Body) -> Result<Outgoing, Problem> {
    sent(wit::HttpRequest {
        credentials: vec![credential],
        body,
        ..post("/a")
    })
}

fn bearer(prefix: &str) -> wit::CredentialUse {
    wit::CredentialUse::Header(wit::CredentialHeader {
        name: "Authorization".to_owned(),
        prefix: prefix.to_owned(),
        value: wit::CredentialValue::Field("api_key".to_owned()),
    })
}

#[test]
fn bodies_are_taken_as_they_are_and_edits_must_be_json() {
    let body = |body| sent(wit::HttpRequest { body, ..post("/a") }).map(|outgoing| outgoing.body);
    assert_eq!(body(wit::Body::Unchanged).unwrap(), Body::Unchanged);
    assert_eq!(body(wit::Body::Empty).unwrap(), Body::Empty);
    assert_eq!(
        body(wit::Body::Bytes(vec![0, 255])).unwrap(),
        Body::Bytes(Bytes::from_static(&[0, 255]))
    );
    let edited = |member: &str, value: Option<&[u8]>| {
        let value = value.map(<[u8]>::to_vec);
        body(wit::Body::Edited(vec![wit::Edit {
            member: member.to_owned(),
            value,
        }]))
    };
    let removed = Edit {
        member: "a".to_owned(),
        value: None,
    };
    assert_eq!(edited("a", None).unwrap(), Body::Edited(vec![removed]));
    for value in ["1", "null", " {\"a\": [1]} ", "\"text\""] {
        assert!(edited("a", Some(value.as_bytes())).is_ok(), "{value}");
    }
    for value in ["", "text", "{", "1 2", "1,\"b\":2", "}{", "NaN"] {
        assert_broke(edited("a", Some(value.as_bytes())), "is not JSON");
    }
    assert_broke(edited("a", Some(b"\"\xff\"")), "is not JSON");
    assert_broke(edited("", None), "edit.member");
    assert_broke(edited("a\nb", None), "edit.member");
}

fn chunk_of(data: &[u8]) -> wit::Chunk {
    wit::Chunk {
        data: data.to_vec(),
        token: true,
    }
}

#[test]
fn a_chunk_stays_on_its_line() {
    let made = |data: &[u8]| {
        checked(wit::Progress {
            chunks: vec![chunk_of(data)],
            ..returned(wit::Next::Done)
        })
    };
    let chunks = made(b"{\"a\":\"\\n\"}").unwrap().chunks;
    assert_eq!(
        (&chunks[0].data[..], chunks[0].token),
        (&b"{\"a\":\"\\n\"}"[..], true)
    );
    for data in [&b"{}\n"[..], b"{}\r", b"\n\ndata: [DONE]\n\n", b"{\r\n}"] {
        assert_broke(made(data), "a line break");
    }
}

#[test]
fn lists_are_bounded() {
    let many = SHORT_LIST + 1;
    let count = types::Count {
        class: "input".to_owned(),
        tokens: 1,
    };
    let limit = types::Limit {
        what: "requests".to_owned(),
        scope: types::Scope::Account,
        capacity: None,
        remaining: None,
        resets_in: None,
        window: None,
    };
    let done = || returned(wit::Next::Done);
    assert_broke(
        checked(wit::Progress {
            usage: vec![count; many],
            ..done()
        }),
        "257 usage; at most 256",
    );
    assert_broke(
        checked(wit::Progress {
            limits: vec![limit; many],
            ..done()
        }),
        "257 limits; at most 256",
    );
    assert_broke(
        checked(wit::Progress {
            warnings: vec![String::new(); many],
            ..done()
        }),
        "257 warnings",
    );
    let chunks = vec![chunk_of(b"{}"); LIMITS.chunks + 1];
    let too_many = checked(wit::Progress { chunks, ..done() }).unwrap_err();
    assert_eq!(
        too_many.to_string(),
        "returned more chunks in one call than the limit of 10000 (plugins.limits.chunks)"
    );
    let headers = vec![header("a", &"b".repeat(LIMITS.headers))];
    let too_large = sent(wit::HttpRequest {
        headers,
        ..post("/a")
    });
    assert_eq!(
        too_large.unwrap_err().to_string(),
        "made headers of more than the limit of 32768 bytes (plugins.limits.headers)"
    );
    let body = wit::Body::Bytes(vec![0; LIMITS.body + 1]);
    let too_large = sent(wit::HttpRequest { body, ..post("/a") });
    assert_eq!(
        too_large.unwrap_err().to_string(),
        "made a body of more than the limit of 33554432 bytes (plugins.limits.body)"
    );

    let headers = vec![header("a", "b"); many];
    assert_broke(
        sent(wit::HttpRequest {
            headers,
            ..post("/a")
        }),
        "257 headers",
    );
    let credentials = vec![bearer(""); many];
    assert_broke(
        sent(wit::HttpRequest {
            credentials,
            ..post("/a")
        }),
        "257 credentials",
    );
    let body = wit::Body::Edited(vec![
        wit::Edit {
            member: "a".to_owned(),
            value: None
        };
        many
    ]);
    assert_broke(sent(wit::HttpRequest { body, ..post("/a") }), "257 edits");
}

#[test]
fn what_is_not_performed_is_said_so() {
    let signed = wit::CredentialUse::Header(wit::CredentialHeader {
        name: "authorization".to_owned(),
        prefix: String::new(),
        value: wit::CredentialValue::Signed(wit::Signature {
            field: "api_key".to_owned(),
            key_prefix: String::new(),
            messages: Vec::new(),
            before: String::new(),
            encoding: wit::Encoding::Hex,
            after: String::new(),
        }),
    });
    let signed = with_credential(signed, wit::Body::Unchanged).unwrap_err();
    assert_eq!(signed, Problem::NotSupported("credential-value.signed"));
    let fetch = checked(returned(wit::Next::Fetch(vec![
        "http://evil.example/".to_owned(),
    ])))
    .unwrap_err();
    assert_eq!(fetch, Problem::NotSupported("next.fetch"));
    let renew = types::Failure {
        renew_token: true,
        ..failed("authentication_error")
    };
    let renew = checked(returned(wit::Next::Failed(renew))).unwrap_err();
    assert_eq!(renew, Problem::NotSupported("failure.renew-token"));
}

fn failed(kind: &str) -> types::Failure {
    types::Failure {
        kind: kind.to_owned(),
        scope: types::Scope::Candidate,
        message: "slow\ndown\u{1b}[31m".to_owned(),
        vendor_code: Some("a\rb".to_owned()),
        param: Some("c\0d".to_owned()),
        retry_after: Some(1500),
        renew_token: false,
    }
}

#[test]
fn a_failure_is_read_into_one_line_of_words() {
    let read = failure(failed("rate_limit_exceeded")).unwrap();
    assert_eq!((read.kind, read.scope), (Kind::RateLimit, Scope::Candidate));
    assert_eq!(read.message, "slow down [31m");
    assert_eq!(
        (read.vendor_code.as_deref(), read.param.as_deref()),
        (Some("a b"), Some("c d"))
    );
    assert_eq!(read.retry_after, Some(std::time::Duration::from_millis(1500)));
    for kind in ["", "a\nb", &"a".repeat(NAME + 1)] {
        assert_broke(failure(failed(kind)), "failure.kind");
    }
}

#[test]
fn counts_of_classes_that_the_host_does_not_know_are_left_out() {
    let count = |class: &str, tokens| types::Count {
        class: class.to_owned(),
        tokens,
    };
    let usage = vec![count("output", 3), count("joules", 9), count("reasoning", 2)];
    let usage = checked(wit::Progress {
        usage,
        ..returned(wit::Next::More)
    })
    .unwrap()
    .usage;
    assert_eq!(usage, [(TokenClass::Output, 3), (TokenClass::Reasoning, 2)]);
}

#[test]
fn limits_come_through_with_whatever_numbers_they_have() {
    let limit = |what: &str, remaining| types::Limit {
        what: what.to_owned(),
        scope: types::Scope::Account,
        capacity: Some(f64::INFINITY),
        remaining: Some(remaining),
        resets_in: Some(u64::MAX),
        window: None,
    };
    let reported = |limits| {
        checked(wit::Progress {
            limits,
            ..returned(wit::Next::More)
        })
    };
    let limits = reported(vec![limit("requests", f64::NAN), limit("joules", -1.0)])
        .unwrap()
        .limits;
    let [requests, joules] = &limits[..] else {
        panic!("{limits:?}")
    };
    assert!(requests.what == "requests" && requests.remaining.is_some_and(f64::is_nan));
    assert_eq!((joules.what.as_str(), joules.remaining), ("joules", Some(-1.0)));
    assert_eq!(joules.scope, Scope::Account);
    for what in ["", "a\nb", &"a".repeat(NAME + 1)] {
        assert_broke(reported(vec![limit(what, 1.0)]), "limit.what");
    }
}

#[test]
fn versions_can_stand_in_a_header() {
    for right in ["1", "0.1.0", "2.0.0-rc.1+build_5", &"a".repeat(64)] {
        assert!(version(right).is_ok(), "{right}");
    }
    for wrong in ["", "1 2", "1@2", "1\n2", "1/2", "é", &"a".repeat(65)] {
        assert_broke(version(wrong), "version");
    }
}
