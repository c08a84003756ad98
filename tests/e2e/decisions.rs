//! `GET /admin/decisions` and `patchbay explain`: why requests went where they went, as operators are told.

use patchbay_simulator::{Rule, Simulator};
use patchbay_tests::{Gateway, MARK, eventually};
use serde_json::{Value, json};

use crate::setup::{hello, simulator, status, streamed, vendors, with};
use crate::status::{asked, printed};

/// Three vendors, of which `wayward` takes turns; `pick` begins with the last one in shadow, and prefers the second one
/// for whoever has a tag.
async fn gateway(simulator: &Simulator, more: &str) -> Gateway {
    let targets = "targets = [\"one/m\", \"two/m\", \"three/m\"]\n";
    let config = [
        vendors(simulator, &["one", "two", "three"]),
        "strategy = \"wayward\"\nshadow = { strategy = \"wayward\", settings = { rank = \"only-the-last\" } }\n".to_owned(),
        "[[models.m.rules]]\ntags = [\"careful\"]\nfirst = [\"two/m\"]\n".to_owned(),
        format!("[models.panics]\n{targets}strategy = \"wayward\"\nsettings = {{ rank = \"panic\" }}\n"),
        format!("[models.alone]\n{targets}"),
        format!("[[keys]]\nname = \"careful\"\nkey = \"careful.{MARK}\"\ntags = [\"careful\"]\n"),
        more.to_owned(),
    ];
    Gateway::start(&["openai", "wayward"], &config.concat()).await
}

/// What is told of a request, once it is as it must be.
async fn told_until(gateway: &Gateway, id: &str, is_it: impl Fn(&Value) -> bool) -> Value {
    eventually("the decision is told as it must be", async || {
        let answer = gateway.admin().get(&format!("/admin/decisions/{id}")).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        Some(answer.json()).filter(|told| is_it(told))
    })
    .await
}

/// The ids of the decisions that fit, the newest first.
async fn listed(gateway: &Gateway, query: &str) -> Vec<String> {
    let answer = gateway.admin().get(&format!("/admin/decisions?{query}")).await;
    assert_eq!(answer.status, 200, "{query}: {}", answer.text());
    let told = answer.json();
    let ids = told["decisions"].as_array().unwrap().iter();
    ids.map(|brief| brief["request_id"].as_str().unwrap().to_owned())
        .collect()
}

async fn asks(gateway: &Gateway, request: &Value) -> String {
    let answer = gateway.client().chat(request).await;
    answer.header("x-request-id").to_owned()
}

#[tokio::test]
async fn a_failover_is_told_from_the_order_to_the_answer() {
    let simulator = simulator().await;
    let gateway = gateway(&simulator, "").await;
    simulator.set_rules(vec![status("one", 429)]);
    let id = asks(&gateway, &hello()).await;
    let told = told_until(&gateway, &id, |told| told["shadow"]["order"].is_array()).await;
    assert_eq!(told["request_id"], json!(id));
    assert_eq!(
        (&told["caller"], &told["model"], &told["operation"]),
        (&json!("tester"), &json!("m"), &json!("chat"))
    );
    assert!(
        told["strategy"].as_str().unwrap().starts_with("wayward@"),
        "{told}"
    );
    let candidates = told["candidates"].as_array().unwrap();
    let order: Vec<_> = candidates
        .iter()
        .map(|one| (one["place"].as_u64().unwrap(), one["vendor"].as_str().unwrap()))
        .collect();
    assert_eq!(order, [(1, "one"), (2, "two"), (3, "three")]);
    // Known, not known yet, and without a bound.
    let facts = &candidates[0]["facts"];
    assert_eq!(
        (
            &facts["available"],
            &facts["weight"],
            &facts["latency-ms"],
            &facts["quota-left"]
        ),
        (&json!(1.0), &json!(1.0), &Value::Null, &json!("unlimited"))
    );
    assert_eq!(told["wanted"], json!(["available"]));
    let attempts = told["attempts"].as_array().unwrap();
    let outcomes: Vec<_> = attempts
        .iter()
        .map(|one| (one["vendor"].as_str().unwrap(), one["outcome"].as_str().unwrap()))
        .collect();
    assert_eq!(outcomes, [("one", "rate_limit_exceeded"), ("two", "completed")]);
    assert!(attempts.iter().all(|one| one["took_ms"].as_f64().unwrap() > 0.0));
    assert_eq!(told["outcome"], "completed");
    assert!(told["output_tokens"].as_u64().unwrap() > 0, "{told}");
    let shadow = &told["shadow"];
    assert_eq!(
        (&shadow["agreed"], &shadow["order"][0]["vendor"]),
        (&json!(false), &json!("three"))
    );

    // The same in words, from whatever was copied with the id.
    let quoted = format!("\"{id}\",");
    for words in [
        &["explain", &id][..],
        &["explain", "x-request-id:", &id],
        &["explain", &quoted],
        &["explain", &id[..14]],
        &["explain", &id[4..14]],
    ] {
        let text = printed(&asked(&gateway, words));
        let story = text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(text.starts_with(&id), "{text}");
        for part in [
            "put one/default m first of 3; it failed with rate_limit_exceeded after",
            "; two/default answered in",
            "would have put three/default m first",
            "Ended completed after",
        ] {
            assert!(story.contains(part), "{part}: {text}");
        }
    }
    let output = asked(&gateway, &["explain", &id, "--json"]);
    let machine: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(machine["attempts"], told["attempts"]);
}

#[tokio::test]
async fn what_is_under_way_and_whoever_leaves() {
    let simulator = simulator().await;
    let gateway = gateway(&simulator, "").await;
    simulator.add(Rule::always().tokens(1000).stall_after(5));
    let mut stream = gateway.client().stream(&streamed(hello())).await;
    while !stream.next().await.unwrap().data.contains("token-4") {}
    let id = stream.header("x-request-id").to_owned();
    let told = told_until(&gateway, &id, |_| true).await;
    assert_eq!(
        (&told["outcome"], &told["streaming"]),
        (&json!("under way"), &json!(true))
    );
    assert_eq!(
        (&told["attempts"][0]["outcome"], &told["attempts"][0]["took_ms"]),
        (&json!("under way"), &Value::Null)
    );
    assert_eq!(listed(&gateway, "outcome=under%20way").await, [id.as_str()]);
    let text = printed(&asked(&gateway, &["explain", &id]));
    assert!(text.contains("is at work."), "{text}");
    drop(stream);
    let told = told_until(&gateway, &id, |told| told["outcome"] != "under way").await;
    assert_eq!(
        (&told["outcome"], &told["attempts"][0]["outcome"]),
        (&json!("cancelled"), &json!("cancelled"))
    );
    assert!(told["first_token_ms"].as_f64().unwrap() > 0.0, "{told}");
    assert!(listed(&gateway, "outcome=under%20way").await.is_empty());
    // Who leaves is nobody's failure.
    assert!(listed(&gateway, "failed=true").await.is_empty());
}

#[tokio::test]
async fn the_latest_can_be_sifted() {
    let simulator = simulator().await;
    let gateway = gateway(&simulator, "").await;
    let of = |model: &str| with(hello(), json!({"model": model}));
    let first = asks(&gateway, &hello()).await;
    let panicked = asks(&gateway, &of("panics")).await;
    let built_in = asks(&gateway, &of("alone")).await;
    simulator.set_rules(vec![status("one", 400)]);
    let refused = asks(&gateway, &of("alone")).await;
    let all = [refused.as_str(), &built_in, &panicked, &first];
    assert_eq!(listed(&gateway, "").await, all);
    assert_eq!(listed(&gateway, "limit=1").await, [refused.as_str()]);
    assert_eq!(listed(&gateway, "model=m").await, [first.as_str()]);
    assert_eq!(listed(&gateway, "strategy=wayward").await, [first.as_str()]);
    assert_eq!(listed(&gateway, "strategy=built-in").await, all[..3]);
    assert_eq!(
        listed(&gateway, "caller=tester&model=panics").await,
        [panicked.as_str()]
    );
    assert_eq!(
        listed(&gateway, "failed=true").await,
        [refused.as_str(), &panicked]
    );
    assert_eq!(
        listed(&gateway, "outcome=invalid_request").await,
        [refused.as_str()]
    );
    assert!(listed(&gateway, "caller=nobody").await.is_empty());
    eventually("the shadow has decided", async || {
        (listed(&gateway, "disagreed=true").await == [first.as_str()]).then_some(())
    })
    .await;
    for wrong in ["limit=many", "modle=m", "failed=perhaps"] {
        let answer = gateway.admin().get(&format!("/admin/decisions?{wrong}")).await;
        assert_eq!(answer.status, 400, "{wrong}: {}", answer.text());
    }
    // A strategy that could not decide, and a rule.
    let told = told_until(&gateway, &panicked, |_| true).await;
    assert_eq!(told["strategy"], "built-in");
    assert!(
        told["failed"]
            .as_str()
            .unwrap()
            .contains("no idea whom to choose"),
        "{told}"
    );
    let text = printed(&asked(&gateway, &["explain", &panicked]));
    assert!(
        text.contains("The strategy could not decide, so the built-in order put"),
        "{text}"
    );
    let careful = gateway.client_with(&format!("careful.{MARK}"));
    let request = careful.chat(&hello()).await;
    let told = told_until(&gateway, request.header("x-request-id"), |_| true).await;
    assert_eq!(
        (
            &told["rule"],
            &told["candidates"][0]["vendor"],
            &told["candidates"][0]["preferred"]
        ),
        (&json!(1), &json!("two"), &json!(true))
    );
    // As a table.
    let text = printed(&asked(&gateway, &["explain", "--failed", "--limit", "5"]));
    assert_eq!(
        text.lines().filter(|line| line.starts_with("req_")).count(),
        2,
        "{text}"
    );
    assert!(
        text.contains(&format!("Next: `patchbay explain {}` tells why.", &refused[..12])),
        "{text}"
    );
}

#[tokio::test]
async fn only_so_many_are_kept_and_the_rest_is_explained() {
    let simulator = simulator().await;
    let gateway = gateway(&simulator, "[decisions]\nkeep = 2\n").await;
    let mut ids = Vec::new();
    for _ in 0..3 {
        ids.push(asks(&gateway, &hello()).await);
    }
    ids.reverse();
    assert_eq!(listed(&gateway, "").await, ids[..2]);
    // Too old, refused before there was anything to decide, and never heard of.
    let unknown = gateway
        .client()
        .chat(&with(hello(), json!({"model": "nothing"})))
        .await;
    assert_eq!(unknown.status, 404);
    for id in [&ids[2], unknown.header("x-request-id"), "req_of-nobody", "hello"] {
        let answer = gateway.admin().get(&format!("/admin/decisions/{id}")).await;
        assert_eq!(answer.status, 404, "{id}");
        assert!(
            answer
                .text()
                .contains("it is not among the last 2 (decisions.keep)"),
            "{}",
            answer.text()
        );
    }
    let answer = gateway.admin().get("/admin/decisions/req_").await;
    assert_eq!(answer.status, 404);
    assert!(
        answer.text().contains("several requests begin with"),
        "{}",
        answer.text()
    );
    let output = asked(&gateway, &["explain", "hello"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("\"hello\" is not a request id"));
    for client in [gateway.client(), gateway.client_with("somebody-else")] {
        for path in ["/admin/decisions", &format!("/admin/decisions/{}", ids[0])] {
            assert_eq!(client.get(path).await.status, 401, "{path}");
        }
    }
}
