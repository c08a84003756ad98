//! What a request is like chooses among targets, and callers choose among strategies.

use patchbay_simulator::Simulator;
use patchbay_tests::{Gateway, KEY, MARK, SERVER};
use serde_json::{Value, json};

use crate::setup::{asked, hello, say, simulator, status, vendor, with};

/// A public model with a small and a large target, and these rules.
async fn gateway(simulator: &Simulator, rules: &str) -> Gateway {
    let vendors = ["small", "large"].map(|name| vendor(simulator, name) + "models = [\"m\"]\n");
    let model = "[models.m]\ntargets = [\"small/m\", \"large/m\"]\n";
    let another = format!("[[keys]]\nname = \"batch\"\nkey = \"batch.{MARK}\"\ntags = [\"nightly\"]\n");
    let config = [SERVER, &another, &vendors.concat(), model, rules].concat();
    Gateway::start(&["openai"], &config).await
}

fn with_tools() -> Value {
    let tool = json!({"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}});
    with(hello(), json!({"tools": [tool]}))
}

fn with_image() -> Value {
    let image = json!({"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}});
    json!({"model": "m", "messages": [{"role": "user", "content": [image]}]})
}

/// Who answered.
async fn answered(client: patchbay_tests::Client, request: &Value) -> String {
    let answer = client.chat(request).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.header("x-patchbay-vendor").to_owned()
}

#[tokio::test]
async fn size_tools_images_tags_and_callers_choose() {
    let simulator = simulator().await;
    let rule = |terms: &str| format!("[[models.m.rules]]\n{terms}\nonly = [\"large/m\"]\n");
    let rules = [
        rule("tools = true"),
        rule("images = true"),
        rule("min_input_tokens = 1000"),
        rule("tags = [\"hard\", \"eu\"]"),
        rule("callers = [\"batch\"]\ntags = [\"nightly\"]"),
    ];
    let gateway = gateway(&simulator, &rules.concat()).await;
    let client = || gateway.client();
    let batch = || gateway.client_with(&format!("batch.{MARK}"));
    assert_eq!(answered(client(), &hello()).await, "small");
    assert_eq!(answered(client(), &with_tools()).await, "large");
    assert_eq!(answered(client(), &with_image()).await, "large");
    assert_eq!(
        answered(client(), &say(&"many words ".repeat(2000))).await,
        "large"
    );
    let tagged = |tags: &str| gateway.client().header("x-patchbay-tags", tags);
    assert_eq!(
        answered(tagged("hard"), &hello()).await,
        "small",
        "all tags are needed"
    );
    assert_eq!(answered(tagged(" eu ,hard,"), &hello()).await, "large");
    assert_eq!(
        answered(batch(), &hello()).await,
        "large",
        "a key has tags of its own"
    );
    assert_eq!(
        answered(tagged("nightly"), &hello()).await,
        "small",
        "and the rule is for that key"
    );
}

#[tokio::test]
async fn only_is_strict_and_first_falls_back() {
    let simulator = simulator().await;
    simulator.set_rules(vec![status("large", 500)]);
    let strict = gateway(
        &simulator,
        "[[models.m.rules]]\ntools = true\nonly = [\"large/m\"]\n",
    )
    .await;
    let answer = strict.client().chat(&with_tools()).await;
    assert_eq!(answer.status, 502, "{}", answer.text());
    assert_eq!(asked(&simulator), ["large"]);
    simulator.forget_requests();
    let lenient = gateway(
        &simulator,
        "[[models.m.rules]]\ntools = true\nfirst = [\"large/m\"]\n",
    )
    .await;
    assert_eq!(answered(lenient.client(), &with_tools()).await, "small");
    assert_eq!(asked(&simulator), ["large", "small"]);
}

#[tokio::test]
async fn the_first_rule_that_fits_applies_and_no_other() {
    let simulator = simulator().await;
    let rules = "[[models.m.rules]]\ntags = [\"a\"]\nonly = [\"large/m\"]\n\
                 [[models.m.rules]]\nmax_input_tokens = 4294967295\nonly = [\"small/m\"]\n";
    let gateway = gateway(&simulator, rules).await;
    let tagged = gateway.client().header("x-patchbay-tags", "a,b");
    for (client, vendor, rule) in [(tagged, "large", 1), (gateway.client(), "small", 2)] {
        let answer = client.chat(&hello()).await;
        assert_eq!(answer.header("x-patchbay-vendor"), vendor);
        let record = gateway.record(answer.header("x-request-id")).await;
        assert_eq!(record["rule"], rule, "{record}");
    }
}

#[tokio::test]
async fn tags_that_are_no_names_are_refused() {
    let simulator = simulator().await;
    let gateway = gateway(&simulator, "").await;
    let many = (0..17).map(|tag| format!("t{tag}")).collect::<Vec<_>>().join(",");
    for tags in ["a b", "ü", "a;b", &many] {
        let answer = gateway
            .client()
            .header("x-patchbay-tags", tags)
            .chat(&hello())
            .await;
        assert_eq!(answer.status, 400, "{tags}");
        assert!(answer.error().message.contains("x-patchbay-tags"), "{tags}");
    }
    assert!(asked(&simulator).is_empty());
}

#[tokio::test]
async fn callers_name_the_strategies_they_may() {
    let simulator = simulator().await;
    let vendors = ["one", "two"].map(|name| vendor(&simulator, name) + "models = [\"m\"]\n");
    let model = "[models.m]\ntargets = [\"one/m\", \"two/m\"]\nstrategy = \"priority\"\n";
    let strategies = "strategies = [\"round-robin\", \"built-in\", \"gone\"]\n";
    let server = SERVER.replacen(
        &format!("key = \"{KEY}\"\n"),
        &format!("key = \"{KEY}\"\n{strategies}"),
        1,
    );
    let other = format!("[[keys]]\nname = \"other\"\nkey = \"other.{MARK}\"\n");
    let config = [&server, &other, &vendors.concat(), model].concat();
    let gateway = Gateway::start(&["openai", "priority", "round-robin"], &config).await;
    let named = |name: &str| gateway.client().header("x-patchbay-strategy", name);

    for (name, decided) in [
        ("round-robin", "round-robin@"),
        ("built-in", "built-in"),
        ("gone", "built-in"),
    ] {
        let answer = named(name).chat(&hello()).await;
        assert_eq!(answer.status, 200, "{name}");
        assert!(
            answer.header("x-patchbay-strategy").starts_with(decided),
            "{name}"
        );
    }
    let own = gateway.client().chat(&hello()).await;
    assert!(
        own.header("x-patchbay-strategy").starts_with("priority@"),
        "whoever names none"
    );
    // Turns are those of the strategy, not of the model.
    simulator.forget_requests();
    for _ in 0..3 {
        named("round-robin").chat(&hello()).await;
        gateway.client().chat(&hello()).await;
    }
    assert_eq!(asked(&simulator), ["two", "one", "one", "one", "two", "one"]);

    let answer = named("priority").chat(&hello()).await;
    assert_eq!(answer.status, 403);
    let message = answer.error().message;
    assert!(message.contains("round-robin, built-in, gone"), "{message}");
    let stranger = gateway.client_with(&format!("other.{MARK}"));
    let answer = stranger
        .header("x-patchbay-strategy", "round-robin")
        .chat(&hello())
        .await;
    assert_eq!(answer.status, 403);
    assert!(answer.error().message.contains("name no strategy"));
    let metrics = gateway.client().get("/metrics").await.text();
    assert!(
        metrics.contains("patchbay_strategy_fallbacks_total{model=\"m\"} 1"),
        "the one that is gone: {metrics}"
    );
}
