//! Where a request may go and what it may carry.

use super::*;

#[test]
fn a_path_below_the_base_url_is_taken() {
    for (path, url) in [
        (
            "/chat/completions",
            "http://127.0.0.1:8090/sim/v1/chat/completions",
        ),
        ("/", "http://127.0.0.1:8090/sim/v1/"),
        ("/a?b=c&d=../e", "http://127.0.0.1:8090/sim/v1/a?b=c&d=../e"),
        (
            "/models/a:b@c;d=1/%E5%AD%97",
            "http://127.0.0.1:8090/sim/v1/models/a:b@c;d=1/%E5%AD%97",
        ),
        ("/...", "http://127.0.0.1:8090/sim/v1/..."),
        ("//evil.example/a", "http://127.0.0.1:8090/sim/v1//evil.example/a"),
    ] {
        assert_eq!(sent(post(path)).unwrap().url.as_str(), url);
    }
}

#[test]
fn a_path_that_climbs_or_leads_elsewhere_is_refused() {
    for path in [
        "",
        "chat",
        "?a=b",
        "http://evil.example/",
        "@evil.example/",
        ":1@evil.example/",
        ".evil.example/",
        "/..",
        "/../v1-internal/a",
        "/a/../../v1-internal/a",
        "/.",
        "/./a",
        "/a/./b",
        "/%2e%2e/a",
        "/%2E./a",
        "/.%2e/a",
        "/%2e",
        "/\\..\\a",
        "/a\\b",
        "/a#b",
        "/a b",
        "/a\tb",
        "/a\nb",
        "/a\r\nhost: b",
        "/a\0b",
        "/é",
        "/a&/../../other/a",
        "/a&/../../v1-internal/a",
        "/a&b/%2e%2e/%2e%2e/v1-internal/a",
    ] {
        assert_broke(sent(post(path)), "path");
    }
    assert_broke(sent(post(&format!("/{}", "a".repeat(PATH)))), "path");
}

#[test]
fn only_endpoints_with_a_base_url_are_reached() {
    let to = |endpoint: &str| {
        sent(wit::HttpRequest {
            endpoint: Some(endpoint.to_owned()),
            ..post("/a")
        })
    };
    assert_eq!(to("api").unwrap().url.as_str(), "http://127.0.0.1:8090/sim/v1/a");
    for unknown in ["", "API", "elsewhere", "http://evil.example"] {
        assert_broke(to(unknown), "has no base URL in the configuration");
    }
}

#[test]
fn only_the_methods_of_the_contract_are_sent() {
    let by = |method: &str| {
        sent(wit::HttpRequest {
            method: method.to_owned(),
            ..post("/a")
        })
    };
    for method in ["GET", "POST", "PUT", "PATCH", "DELETE"] {
        assert_eq!(by(method).unwrap().method, method);
    }
    for method in [
        "",
        "get",
        "HEAD",
        "CONNECT",
        "TRACE",
        "OPTIONS",
        "GET /\r\n",
        "GET ",
    ] {
        assert_broke(by(method), "expected GET, POST, PUT, PATCH or DELETE");
    }
}

fn with_header(name: &str, value: &str) -> Result<Outgoing, Problem> {
    sent(wit::HttpRequest {
        headers: vec![header(name, value)],
        ..post("/a")
    })
}

#[test]
fn headers_cannot_bring_others_along() {
    assert_eq!(
        with_header("X-Title", "a \tb").unwrap().headers["x-title"],
        "a \tb"
    );
    for value in ["a\r\nx-b: c", "a\nb", "a\rb", "a\0b", "a\u{7f}"] {
        assert_broke(with_header("x-a", value), "forbidden characters");
    }
    for name in [
        "",
        "x-a\r\nx-b",
        "x-a: b",
        "x a",
        "é",
        "x-a\0",
        &"a".repeat(NAME + 1),
    ] {
        assert_broke(with_header(name, "b"), "header");
    }
}

#[test]
fn headers_of_the_connection_are_the_hosts() {
    for name in HOST_HEADERS {
        assert_broke(with_header(name, "a"), "is set by the host");
        assert_broke(with_header(&name.to_ascii_uppercase(), "a"), "is set by the host");
    }
    let credential = wit::CredentialUse::Header(wit::CredentialHeader {
        name: "Host".to_owned(),
        prefix: String::new(),
        value: wit::CredentialValue::Field("api_key".to_owned()),
    });
    assert_broke(
        with_credential(credential, wit::Body::Unchanged),
        "is set by the host",
    );
}

#[test]
fn credentials_go_into_a_header_a_query_or_a_form() {
    let used = |credential| {
        with_credential(credential, wit::Body::Bytes(b"a=b".to_vec()))
            .unwrap()
            .credentials
    };
    let field = "api_key".to_owned();
    let (name, prefix) = (HeaderName::from_static("authorization"), "Bearer ".to_owned());
    assert_eq!(
        used(bearer("Bearer ")),
        [CredentialUse::Header {
            name,
            prefix,
            field: field.clone()
        }]
    );
    let query = wit::CredentialUse::Query(("key".to_owned(), field.clone()));
    assert_eq!(
        used(query),
        [CredentialUse::Query {
            parameter: "key".to_owned(),
            field: field.clone()
        }]
    );
    let form = wit::CredentialUse::Form(("key".to_owned(), field.clone()));
    assert_eq!(
        used(form.clone()),
        [CredentialUse::Form {
            member: "key".to_owned(),
            field
        }]
    );

    for body in [
        wit::Body::Unchanged,
        wit::Body::Empty,
        wit::Body::Edited(Vec::new()),
    ] {
        assert_broke(with_credential(form.clone(), body), "needs a body of bytes");
    }
    assert_broke(
        with_credential(bearer("a\r\nx-b: "), wit::Body::Empty),
        "forbidden characters",
    );
    for name in ["", "a\nb", &"a".repeat(NAME + 1)] {
        let pair = (name.to_owned(), "api_key".to_owned());
        let query = wit::CredentialUse::Query(pair.clone());
        assert_broke(with_credential(query, wit::Body::Empty), "query parameter");
        let form = wit::CredentialUse::Form(pair);
        assert_broke(with_credential(form, wit::Body::Bytes(Vec::new())), "form member");
    }
}
