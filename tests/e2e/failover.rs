//! Vendors that fail: who is tried next, what the caller learns, and what is never tried again.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use http::header::RETRY_AFTER;
use http::{HeaderValue, StatusCode};
use patchbay_simulator::{Rule, Simulator};
use patchbay_tests::{Gateway, SERVER};
use serde_json::json;

use crate::setup::{asked, hello, simulator, status, streamed, vendor, vendor_without_key, vendors};

async fn gateway(simulator: &Simulator, names: &[&str]) -> Gateway {
    Gateway::start(&["openai"], &vendors(simulator, names)).await
}

/// `[timeouts]` with one setting, and these vendors.
fn with_timeout(simulator: &Simulator, names: &[&str], setting: &str) -> String {
    format!("{}[timeouts]\n{setting}\n", vendors(simulator, names))
}

#[tokio::test]
async fn another_candidate_answers_whatever_the_first_one_failed_of() {
    let simulator = simulator().await;
    let gateway = gateway(&simulator, &["one", "two"]).await;
    let garbage = || Rule::always().vendor("one").body("<html>it works</html>");
    for (rule, kind) in [
        (status("one", 401), "authentication_error"),
        (status("one", 403), "permission_denied"),
        (status("one", 404), "model_not_found"),
        (status("one", 429), "rate_limit_exceeded"),
        (status("one", 500), "internal_error"),
        (status("one", 502), "service_unavailable"),
        (status("one", 503), "service_unavailable"),
        (garbage(), "malformed_reply"),
        (Rule::always().vendor("one").cut_after(0), "network_error"),
    ] {
        simulator.set_rules(vec![rule]);
        let labels = [("vendor", "one"), ("kind", kind)];
        let before = gateway.metric("patchbay_attempts_failed_total", &labels).await;
        let whole = gateway.client().chat(&hello()).await;
        assert_eq!(whole.content(), "Simulated reply to: Hello there", "{kind}");
        let stream = gateway.client().stream(&streamed(hello())).await.to_end().await;
        assert!(stream.is_done() && stream.clean, "{kind}");
        assert_eq!(stream.content(), "Simulated reply to: Hello there", "{kind}");
        for (attempts, vendor) in [
            (
                whole.header("x-patchbay-attempts"),
                whole.header("x-patchbay-vendor"),
            ),
            (
                stream.header("x-patchbay-attempts"),
                stream.header("x-patchbay-vendor"),
            ),
        ] {
            assert_eq!((attempts, vendor), ("2", "two"), "{kind}");
        }
        gateway
            .metric_until("patchbay_attempts_failed_total", &labels, before + 2.0)
            .await;
    }
    // What failed counts neither as an answer nor as tokens.
    assert_eq!(
        gateway
            .metric("patchbay_requests_total", &[("vendor", "one")])
            .await,
        0.0
    );
    assert_eq!(
        gateway
            .metric("patchbay_tokens_total", &[("vendor", "one")])
            .await,
        0.0
    );
    let completed = [("vendor", "two"), ("outcome", "completed")];
    gateway
        .metric_until("patchbay_requests_total", &completed, 18.0)
        .await;
}

#[tokio::test]
async fn a_server_that_is_not_there_is_passed_over() {
    let simulator = simulator().await;
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let config = vendors(&simulator, &["one", "two"])
        .replace(&format!("{}/one", simulator.url()), &format!("http://{free}"));
    let gateway = Gateway::start(&["openai"], &config).await;
    let answer = gateway.client().chat(&hello()).await;
    assert_eq!((answer.status, answer.header("x-patchbay-attempts")), (200, "2"));
    assert_eq!(asked(&simulator), ["two"]);
    let labels = [("vendor", "one"), ("kind", "network_error")];
    assert_eq!(
        gateway.metric("patchbay_attempts_failed_total", &labels).await,
        1.0
    );
}

#[tokio::test]
async fn a_request_that_is_wrong_itself_is_answered_at_once() {
    let simulator = simulator().await;
    let gateway = gateway(&simulator, &["one", "two"]).await;
    let error = json!({"error": {"message": "temperature is too high", "type": "invalid_request_error",
        "param": "temperature", "code": null}});
    simulator.add(Rule::always().status(StatusCode::BAD_REQUEST).body(error));
    for request in [hello(), streamed(hello())] {
        let answer = gateway.client().chat(&request).await;
        let error = answer.error();
        assert_eq!(
            (answer.status, error.kind.as_str()),
            (400, "invalid_request_error")
        );
        assert_eq!(
            (error.message.as_str(), error.param.as_deref()),
            ("temperature is too high", Some("temperature"))
        );
        assert_eq!(answer.header("x-patchbay-attempts"), "1");
    }
    assert_eq!(asked(&simulator), ["one", "one"]);
}

#[tokio::test]
async fn a_prompt_that_is_too_long_goes_only_to_candidates_with_more_room() {
    let simulator = simulator().await;
    let model = |name: &str, length: &str| {
        vendor(&simulator, name) + &format!("models = [{{ name = \"m\"{length} }}]\n")
    };
    let config = [
        SERVER.to_owned(),
        model("small", ", context_length = 1000"),
        model("same", ", context_length = 1000"),
        model("unknown", ""),
        model("large", ", context_length = 4000"),
    ]
    .concat();
    let targets = "[models.m]\ntargets = [\"small/m\", \"same/m\", \"unknown/m\", \"large/m\"]\n";
    let gateway = Gateway::start(&["openai"], &(config + targets)).await;
    let error = json!({"error": {"message": "too long", "type": "invalid_request_error", "param": "messages",
        "code": "context_length_exceeded"}});
    let refuse = |vendor: &str| {
        Rule::always()
            .vendor(vendor)
            .status(StatusCode::BAD_REQUEST)
            .body(error.clone())
    };
    simulator.set_rules(vec![refuse("small")]);
    assert_eq!(gateway.client().chat(&hello()).await.status, 200);
    assert_eq!(asked(&simulator), ["small", "large"]);

    simulator.add(refuse("large"));
    let answer = gateway.client().chat(&hello()).await;
    assert_eq!(
        (answer.status, answer.error().code.as_deref()),
        (400, Some("context_length_exceeded"))
    );
    assert_eq!(asked(&simulator)[2..], ["small", "large"]);
}

#[tokio::test]
async fn there_are_at_most_as_many_attempts_as_set() {
    let simulator = simulator().await;
    simulator.add(Rule::always().status(StatusCode::INTERNAL_SERVER_ERROR));
    let config = vendors(&simulator, &["one", "two", "three", "four"]);
    for (attempts, config) in [(3, config.clone()), (2, format!("attempts = 2\n{config}"))] {
        let gateway = Gateway::start(&["openai"], &config).await;
        simulator.forget_requests();
        let answer = gateway.client().chat(&hello()).await;
        assert_eq!(
            (answer.status, answer.header("x-patchbay-attempts")),
            (502, &*attempts.to_string())
        );
        assert_eq!(asked(&simulator), ["one", "two", "three"][..attempts]);
    }
}

#[tokio::test]
async fn no_candidate_is_tried_twice() {
    let simulator = simulator().await;
    simulator.add(Rule::always().status(StatusCode::TOO_MANY_REQUESTS));
    let config = format!(
        "attempts = 100\n{}",
        vendors(&simulator, &["one", "two", "three"])
    );
    let gateway = Gateway::start(&["openai"], &config).await;
    assert_eq!(gateway.client().chat(&hello()).await.status, 429);
    assert_eq!(asked(&simulator), ["one", "two", "three"]);
}

#[tokio::test]
async fn what_shares_the_fault_is_tried_last() {
    let simulator = simulator().await;
    let accounts = "[[vendors.one.accounts]]\nname = \"a\"\napi_key = \"key-a\"\n\
                    [[vendors.one.accounts]]\nname = \"b\"\napi_key = \"key-b\"\n";
    let one = vendor_without_key(&simulator, "one") + "models = [\"m\", \"n\"]\n" + accounts;
    let two = vendor(&simulator, "two") + "models = [\"m\"]\n";
    let models = "[models.m]\ntargets = [\"one/m\", \"one/n\", \"two/m\"]\n";
    let gateway = Gateway::start(&["openai"], &format!("attempts = 5\n{SERVER}{one}{two}{models}")).await;
    // Candidates in order: one/a/m, one/b/m, one/a/n, one/b/n, two.
    for (code, order) in [
        // The server: everything there.
        (502, ["key-a m", "two-key m", "key-b m", "key-a n", "key-b n"]),
        // The account, whatever the model.
        (401, ["key-a m", "key-b m", "two-key m", "key-a n", "key-b n"]),
        // The model, whichever account.
        (503, ["key-a m", "key-a n", "two-key m", "key-b m", "key-b n"]),
        // Nobody else.
        (429, ["key-a m", "key-b m", "key-a n", "key-b n", "two-key m"]),
    ] {
        simulator.set_rules(vec![Rule::always().status(StatusCode::from_u16(code).unwrap())]);
        simulator.forget_requests();
        gateway.client().chat(&hello()).await;
        let tried: Vec<String> = simulator
            .requests()
            .iter()
            .map(|request| format!("{} {}", request.account, request.model))
            .collect();
        assert_eq!(tried, order, "{code}");
    }
}

#[tokio::test]
async fn one_deadline_holds_over_all_attempts() {
    let simulator = simulator().await;
    let config = with_timeout(&simulator, &["one", "two", "three"], "total = \"1s\"");
    let gateway = Gateway::start(&["openai"], &config).await;
    let slow_failure = || {
        Rule::always()
            .latency(Duration::from_millis(600))
            .status(StatusCode::INTERNAL_SERVER_ERROR)
    };
    for (name, rule, vendors) in [
        (
            "stalled before the head",
            Rule::always().latency(Duration::from_secs(60)),
            vec!["one"],
        ),
        (
            "stalled in the body",
            Rule::always().tokens(10).stall_after(5),
            vec!["one"],
        ),
        ("slow failures", slow_failure(), vec!["one", "two"]),
    ] {
        simulator.set_rules(vec![rule]);
        simulator.forget_requests();
        let started = Instant::now();
        let answer = gateway.client().chat(&hello()).await;
        let took = started.elapsed();
        assert_eq!(
            (answer.status, answer.error().code.as_deref()),
            (504, Some("timeout")),
            "{name}"
        );
        assert!((950..1500).contains(&took.as_millis()), "{name}: {took:?}");
        assert_eq!(asked(&simulator), vendors, "{name}");
    }
    simulator.set_rules(vec![Rule::always().first_token(Duration::from_secs(60))]);
    let started = Instant::now();
    let answer = gateway.client().chat(&streamed(hello())).await;
    assert_eq!(
        (answer.status, answer.error().code.as_deref()),
        (504, Some("timeout"))
    );
    assert!(started.elapsed() < Duration::from_millis(1500));
    assert!(
        simulator.settled(Duration::from_secs(2)).await,
        "the vendor still works on a request that is over"
    );
}

#[tokio::test]
async fn when_all_fail_the_caller_gets_the_last_error() {
    let simulator = simulator().await;
    let gateway = gateway(&simulator, &["one", "two"]).await;
    let limited = status("two", 429).header(RETRY_AFTER, HeaderValue::from_static("7"));
    simulator.set_rules(vec![status("one", 500), limited]);
    let answer = gateway.client().chat(&hello()).await;
    let error = answer.error();
    assert_eq!((answer.status, answer.header("retry-after")), (429, "7"));
    assert_eq!(
        (error.kind.as_str(), error.code.as_deref()),
        ("rate_limit_error", Some("rate_limit_exceeded"))
    );
    assert_eq!(
        (
            answer.header("x-patchbay-attempts"),
            answer.header("x-patchbay-vendor")
        ),
        ("2", "two")
    );

    // The gateway's own key was refused, which is nothing the caller's key could change.
    for (code, expected) in [(401, 502), (403, 502), (404, 404), (500, 502), (503, 503)] {
        simulator.set_rules(vec![status("one", code), status("two", code)]);
        let answer = gateway.client().chat(&hello()).await;
        let error = answer.error();
        assert_eq!(answer.status, expected, "{error:?}");
        assert_eq!(answer.header("retry-after"), "");
        assert_eq!(gateway.client().chat(&streamed(hello())).await.error(), error);
    }
    assert_eq!(
        gateway
            .metric("patchbay_requests_total", &[("outcome", "completed")])
            .await,
        0.0
    );
}
