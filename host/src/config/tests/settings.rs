//! What is made of a good file.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use super::{SECRET, check, parse, strategy};
use crate::config::Settings;
use crate::config::settings::Capabilities;
use crate::pool::Bounds;

fn settings(text: &str) -> Settings {
    check(text)
        .unwrap_or_else(|problems| panic!("{problems}"))
        .settings
}

/// `(vendor, model, accounts)` of each target of the public model `name`.
fn targets<'a>(settings: &'a Settings, name: &str) -> Vec<(&'a str, usize, &'a [usize])> {
    let targets = settings.models[name].targets.iter();
    targets
        .map(|target| (target.vendor.as_str(), target.model, target.accounts.as_slice()))
        .collect()
}

#[test]
fn defaults() {
    let settings = settings("");
    assert_eq!(settings.failover.attempts, 3);
    assert_eq!(settings.server.listen, SocketAddr::from(([127, 0, 0, 1], 8080)));
    assert!(settings.server.authentication && settings.server.admin_key.is_none());
    assert_eq!(
        (settings.server.max_body, settings.server.drain),
        (32 << 20, Duration::from_secs(30))
    );
    assert_eq!(settings.plugins.folder, Path::new("plugins"));
    let limits = &settings.plugins.ungranted.limits;
    assert_eq!((limits.memory, limits.table_elements), (64 << 20, 20_000));
    assert_eq!((limits.call, limits.threads), (Duration::from_millis(250), 1));
    assert_eq!((limits.instances, settings.plugins.instances), (3_000, 4_000));
    assert_eq!(settings.plugins.cache, None, "there is no home");
    let timeouts = &settings.timeouts;
    let seconds = [timeouts.connect, timeouts.total, timeouts.stream].map(|timeout| timeout.as_secs());
    assert_eq!(seconds, [5, 250, 1800]);
    assert_eq!((timeouts.first_byte, timeouts.first_token), (None, None));
    assert_eq!(timeouts.idle, Some(Duration::from_secs(120)));
    assert_eq!(settings.server.keep_alive, Some(Duration::from_secs(10)));
    assert!(settings.keys[0].models.is_none());

    let vendor = &settings.vendors["zz"];
    assert_eq!((vendor.adapter.as_str(), vendor.settings.as_str()), ("zz", "{}"));
    assert!(vendor.endpoints.is_empty());
    let account = &vendor.accounts[0];
    assert_eq!((account.name.as_str(), account.credentials.len()), ("default", 0));
    assert_eq!(
        (account.weight, account.priority, account.enabled),
        (1.0, 0, true)
    );
    let model = &vendor.models[0];
    let all_but_embeddings = Capabilities {
        chat: true,
        streaming: true,
        tools: true,
        vision: true,
        embeddings: false,
    };
    assert_eq!(
        (model.name.as_str(), model.capabilities),
        ("m", all_but_embeddings)
    );
    assert_eq!((model.weight, model.priority, model.enabled), (1.0, 0, true));
    assert!(
        model.context_length.is_none() && model.max_output_tokens.is_none() && model.price.input.is_none()
    );
    assert_eq!(strategy(&settings.models["m"]), None);
}

#[test]
fn relative_to_the_file() {
    let folder = |file: &str, line: &str| {
        let text = format!("[plugins]\n{line}{}", super::REST);
        parse(&text, Path::new(file), &|_| None)
            .unwrap()
            .settings
            .plugins
            .folder
    };
    assert_eq!(
        folder("/etc/patchbay/config.toml", ""),
        Path::new("/etc/patchbay/plugins")
    );
    assert_eq!(
        folder("/etc/patchbay/config.toml", "folder = \"../p\""),
        Path::new("/etc/patchbay/../p")
    );
    assert_eq!(
        folder("/etc/patchbay/config.toml", "folder = \"/p\""),
        Path::new("/p")
    );
    assert_eq!(folder("config.toml", "folder = \"p\""), Path::new("p"));
}

#[test]
fn accounts_and_credentials() {
    let settings = settings(
        "[vendors.short]\nmodels = [\"m\"]\napi_key = \"${SECRET}\"\ncredentials = { region = \"a$$b\" }\n\
         [vendors.long]\nmodels = [\"m\"]\naccounts = [{ name = \"x\" , api_key = \"k\", weight = 2, \
         priority = -1, tags = [\"t\"], enabled = false }, { name = \"y\", weight = 0.5 }]\n",
    );
    let short = &settings.vendors["short"].accounts;
    assert_eq!((short.len(), short[0].name.as_str()), (1, "default"));
    assert_eq!(short[0].credentials["api_key"].expose(), SECRET);
    assert_eq!(short[0].credentials["region"].expose(), "a$b");
    let long = &settings.vendors["long"].accounts;
    assert_eq!(
        (long[0].weight, long[0].priority, long[0].enabled),
        (2.0, -1, false)
    );
    assert_eq!(
        (long[0].tags.as_slice(), long[1].weight),
        (&["t".to_owned()][..], 0.5)
    );
    assert_eq!(long[0].credentials["api_key"].expose(), "k");
    assert!(long[1].credentials.is_empty());
}

#[test]
fn endpoints() {
    let settings = settings(
        "[vendors.a]\nmodels = [\"m\"]\nbase_url = \"http://localhost:1/v1/\"\n\
         [vendors.b]\nmodels = [\"m\"]\nendpoints = { main = \"http://b/\", other = \"https://o/x//\" }\n",
    );
    let urls = |vendor: &str| -> Vec<(String, String)> {
        let endpoints = settings.vendors[vendor].endpoints.iter();
        endpoints
            .map(|(name, url)| (name.clone(), url.to_string()))
            .collect()
    };
    let pair = |name: &str, url: &str| (name.to_owned(), url.to_owned());
    assert_eq!(urls("a"), [pair("", "http://localhost:1/v1")]);
    assert_eq!(
        urls("b"),
        [pair("main", "http://b/"), pair("other", "https://o/x")]
    );
}

#[test]
fn tables_become_json() {
    let settings = settings(
        "[[vendors.a.models]]\nname = \"m\"\n\
         parameters = { temperature = 0.2, stop = [\"${SECRET}\", 1], deep = { on = true } }\n\
         [vendors.a.settings]\nversion = 2024-10-21\nbig = 9007199254740993\n",
    );
    let vendor = &settings.vendors["a"];
    assert_eq!(
        vendor.settings,
        r#"{"big":9007199254740993,"version":"2024-10-21"}"#
    );
    let parameters: Vec<_> = vendor.models[0]
        .parameters
        .iter()
        .map(|(name, json)| format!("{name}={json}"))
        .collect();
    assert_eq!(
        parameters,
        [
            "deep={\"on\":true}",
            &format!("stop=[\"{SECRET}\",1]"),
            "temperature=0.2"
        ]
    );
}

#[test]
fn a_variable_never_adds_structure() {
    let text = format!(
        "[vendors.a]\nmodels = [\"m\"]\nsettings = {{ x = \"${{X}}\" }}{}",
        super::REST
    );
    let value = "\", y = \"1\" }\nattempts = 9\n${SECRET}";
    let settings = parse(&text, Path::new("config.toml"), &|_| Some(value.to_owned()))
        .unwrap()
        .settings;
    let json: serde_json::Value = serde_json::from_str(&settings.vendors["a"].settings).unwrap();
    assert_eq!(json, serde_json::json!({ "x": value }));
    assert_eq!(settings.failover.attempts, 3);
}

#[test]
fn models_that_no_target_names_are_public_wherever_they_are() {
    let settings = settings(
        "[models.fast]\ntargets = [\"b/small\"]\n[routing]\nstrategy = \"spread\"\nsettings = { a = 1 }\n\
         [vendors.b]\nmodels = [\"small\", \"large\"]\n[[vendors.b.accounts]]\nname = \"x\"\n\
         [[vendors.b.accounts]]\nname = \"y\"\n[vendors.a]\nmodels = [\"org/large\", \"large\"]\n",
    );
    let names: Vec<&str> = settings.models.keys().map(String::as_str).collect();
    assert_eq!(names, ["fast", "large", "m", "org/large"]);
    assert_eq!(targets(&settings, "fast"), [("b", 0, &[0, 1][..])]);
    assert_eq!(
        targets(&settings, "large"),
        [("b", 1, &[0, 1][..]), ("a", 1, &[0])]
    );
    assert_eq!(targets(&settings, "org/large"), [("a", 0, &[0][..])]);
    assert_eq!(strategy(&settings.models["large"]), Some(("spread", "{\"a\":1}")));
}

#[test]
fn targets_name_models_and_accounts() {
    let settings = settings(
        "[vendors.a]\nmodels = [\"org/x\", \"y\"]\naccounts = [{ name = \"e\" }, { name = \"w\" }]\n\
         [models.pub]\ntargets = [\"a/org/x\", { vendor = \"a\", model = \"y\", accounts = [\"w\"] }]\n",
    );
    assert_eq!(targets(&settings, "pub"), [("a", 0, &[0, 1][..]), ("a", 1, &[1])]);
}

#[test]
fn a_model_takes_the_default_strategy_with_its_settings_or_neither() {
    let settings = settings(
        "[routing]\nstrategy = \"spread\"\nsettings = { a = 1 }\n\
         [models.same]\ntargets = [\"zz/m\"]\n\
         [models.tuned]\ntargets = [\"zz/m\"]\nsettings = { a = 2 }\n\
         [models.other]\ntargets = [\"zz/m\"]\nstrategy = \"other\"\n\
         [models.none]\ntargets = [\"zz/m\"]\nstrategy = \"built-in\"\n",
    );
    let cases = [
        ("same", Some(("spread", "{\"a\":1}"))),
        ("tuned", Some(("spread", "{\"a\":2}"))),
        ("other", Some(("other", "{}"))),
        ("none", None),
    ];
    for (name, expected) in cases {
        assert_eq!(strategy(&settings.models[name]), expected, "{name}");
    }
}

#[test]
fn no_key_is_needed_where_nobody_else_can_call() {
    for listen in ["127.0.0.1:0", "[::1]:8080", "127.9.9.9:1"] {
        let text = format!(
            "[server]\nlisten = \"{listen}\"\nauthentication = \"off\"\n[vendors.a]\nmodels = [\"m\"]"
        );
        let loaded = parse(&text, Path::new("config.toml"), &|_| None).unwrap();
        assert!(!loaded.settings.server.authentication && loaded.warnings.is_empty());
    }
}

#[test]
fn what_a_plugin_is_granted_replaces_what_all_have() {
    let settings = settings(
        r#"
        [plugins.limits]
        memory = "8MiB"
        call = "100ms"
        [plugins.grants.zz]
        trusted = true
        limits = { memory = "16MiB", threads = 4 }
        "#,
    );
    let (all, zz) = (
        settings.plugins.grants_of("other"),
        settings.plugins.grants_of("zz"),
    );
    assert_eq!(
        (all.trusted, all.limits.memory, all.limits.threads),
        (false, 8 << 20, 1)
    );
    assert_eq!(
        (zz.trusted, zz.limits.memory, zz.limits.threads),
        (true, 16 << 20, 4)
    );
    assert_eq!(zz.limits.call, all.limits.call);
}

#[test]
fn the_database_lies_beside_the_file_unless_told_otherwise() {
    let path = |file: &str, line: &str| {
        let text = format!("[storage]\n{line}{}", super::REST);
        let loaded = parse(&text, Path::new(file), &|_| None).unwrap();
        loaded.settings.storage.path
    };
    let cases = [
        ("/etc/patchbay/config.toml", "", Some("/etc/patchbay/patchbay.db")),
        ("config.toml", "", Some("patchbay.db")),
        (
            "/etc/patchbay/config.toml",
            "path = \"data/keys.db\"",
            Some("/etc/patchbay/data/keys.db"),
        ),
        (
            "/etc/patchbay/config.toml",
            "path = \"/var/keys.db\"",
            Some("/var/keys.db"),
        ),
        ("/etc/patchbay/config.toml", "path = \"off\"", None),
    ];
    for (file, line, expected) in cases {
        assert_eq!(
            path(file, line).as_deref(),
            expected.map(Path::new),
            "{file} {line}"
        );
    }
}

#[test]
fn the_cache_is_where_this_person_keeps_such_things() {
    let text = "[server]\nauthentication = \"off\"\n[plugins]\n";
    let cache = |text: &str, env: &[(&str, &str)]| {
        let env = |name: &str| {
            env.iter()
                .find(|(known, _)| *known == name)
                .map(|(_, value)| (*value).to_owned())
        };
        parse(text, Path::new("here/patchbay.toml"), &env)
            .unwrap()
            .settings
            .plugins
            .cache
    };
    let home = ("HOME", "/home/p");
    assert_eq!(
        cache(text, &[home]).unwrap(),
        Path::new("/home/p/.cache/patchbay")
    );
    assert_eq!(
        cache(text, &[home, ("XDG_CACHE_HOME", "/fast")]).unwrap(),
        Path::new("/fast/patchbay")
    );
    assert_eq!(cache(&format!("{text}cache = \"off\"\n"), &[home]), None);
    assert_eq!(
        cache(&format!("{text}cache = \"compiled\"\n"), &[home]).unwrap(),
        Path::new("here/compiled")
    );
}

#[test]
fn limits_are_those_of_the_account_and_of_the_model() {
    let settings = settings(
        r#"
        [[vendors.a.accounts]]
        name = "x"
        limits = { concurrency = 4, requests_per_minute = 60, daily_cost = 1.5, warn_at = 0.5 }
        [[vendors.a.accounts]]
        name = "y"
        [[vendors.a.models]]
        name = "n"
        concurrency = 2
        price = { input = 1, output = 1 }
        limits = { tokens_per_minute = 1000, daily_tokens = 2, monthly_tokens = 3, monthly_cost = 4 }
        "#,
    );
    let vendor = &settings.vendors["a"];
    let account = Bounds {
        concurrency: Some(4),
        requests_per_minute: Some(60),
        daily_cost: Some(1.5),
        warn_at: 0.5,
        ..Bounds::default()
    };
    let model = Bounds {
        concurrency: Some(2),
        tokens_per_minute: Some(1000),
        daily_tokens: Some(2),
        monthly_tokens: Some(3),
        monthly_cost: Some(4.0),
        ..Bounds::default()
    };
    assert_eq!(vendor.accounts[0].limits, account);
    assert_eq!(vendor.accounts[1].limits, Bounds::default());
    assert_eq!(vendor.models[0].limits, model);
}
