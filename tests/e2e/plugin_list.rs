//! `patchbay plugin list`: every word it says, and how it exits.

use std::fs;
use std::net::TcpListener;
use std::process::Output;

use patchbay_tests::{ADMIN_KEY, Gateway, SERVER, other_version, run};
use tempfile::TempDir;

use crate::cli::{json_of, said};
use crate::setup::{hello, simulator, vendors};

fn list(gateway: &Gateway, more: &[&str]) -> Output {
    let config = gateway.folder().join("patchbay.toml");
    let (config, address) = (config.to_str().unwrap(), gateway.address.to_string());
    run(
        &[&["plugin", "list", "-c", config, "--url", &address], more].concat(),
        &[],
    )
}

const ALL_WELL: &str = "\
NAME         KIND      SERVING            STATE
echo         adapter   echo@0.1.0         serving
openai       adapter   openai@0.1.0       serving
priority     strategy  priority@0.1.0     serving
round-robin  strategy  round-robin@0.1.0  serving
";

#[tokio::test]
async fn a_list_of_plugins_that_serve_fits_a_terminal() {
    let plugins = ["echo", "openai", "priority", "round-robin"];
    let gateway = Gateway::start(&plugins, &format!("{SERVER}[vendors.echo]\nmodels = [\"m\"]\n")).await;
    let listed = said(&list(&gateway, &[]), gateway.folder());
    assert_eq!(listed, (Some(0), ALL_WELL.to_owned(), String::new()));
    assert!(listed.1.lines().all(|line| line.len() <= 80));
    let json = json_of(&list(&gateway, &["--json"]));
    assert_eq!(json, gateway.admin().get("/admin/plugins").await.json());
    assert_eq!(json["plugins"].as_array().unwrap().len(), 4);
}

const EVERY_STATE: &str = "\
NAME     KIND      SERVING                                              STATE
broken   -         -                                                    failed
         not WebAssembly at all
openai   adapter   openai@0.1.0                                         serving
relay    adapter   relay@version-placeholder-of-fixed-length-relay      kept
         an empty file
wayward  strategy  wayward@version-placeholder-of-fixed-length-wayward  rolled back
         wayward@bad-traps__________________________________ was taken back, \
wayward@version-placeholder-of-fixed-length-wayward serves again: 3 failed calls within 60 s of each other; \
change the file to try again
note: vendors.absent: there is no absent.wasm in the plugins folder
";

#[tokio::test]
async fn a_list_says_of_each_plugin_how_it_is_and_why() {
    let simulator = simulator().await;
    let config =
        vendors(&simulator, &["one"]) + "strategy = \"wayward\"\n[vendors.absent]\nmodels = [\"n\"]\n";
    let gateway = Gateway::start(&["openai", "relay", "wayward"], &config).await;
    gateway.write_plugin("broken.wasm", b"no plugin");
    gateway.write_plugin("relay.wasm", b"");
    let (bytes, bad) = other_version("wayward", "bad-traps");
    gateway.write_plugin("wayward.wasm", &bytes);
    gateway
        .plugin_until("wayward", |plugin| plugin["serving"] == format!("wayward@{bad}"))
        .await;
    for _ in 0..3 {
        assert_eq!(gateway.client().chat(&hello()).await.status, 200);
    }
    for (plugin, state) in [
        ("wayward", "rolled back"),
        ("relay", "kept"),
        ("broken", "failed"),
    ] {
        gateway
            .plugin_until(plugin, |plugin| plugin["state"] == state)
            .await;
    }
    let listed = said(&list(&gateway, &[]), gateway.folder());
    assert_eq!(listed, (Some(0), EVERY_STATE.to_owned(), String::new()));
    let json = json_of(&list(&gateway, &["--json"]));
    assert_eq!(json, gateway.admin().get("/admin/plugins").await.json());
}

#[tokio::test]
async fn a_list_that_cannot_be_had_says_what_is_in_the_way() {
    let gateway = Gateway::start(&[], &format!("{SERVER}[vendors.echo]\nmodels = [\"m\"]\n")).await;
    let nobody = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .to_string();
    let address = gateway.address.to_string();
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("patchbay.toml");
    let without = SERVER.replace("admin_key", "# admin_key");
    for (config, address, why) in [
        (
            SERVER.to_owned(),
            &nobody,
            format!(
                "nothing answers at {nobody} (Connection refused (os error 111)); is `patchbay serve` running?"
            ),
        ),
        (
            without,
            &address,
            "server.admin_key is not set in DIR/patchbay.toml, so the gateway tells nobody; set it first"
                .to_owned(),
        ),
        (
            SERVER.replace(ADMIN_KEY, "another-key"),
            &address,
            format!(
                "the gateway at {address} says 401: the admin key is missing or wrong; send it as `Authorization: \
                 Bearer KEY`"
            ),
        ),
        (
            SERVER.replace("listen", "lisen"),
            &address,
            "DIR/patchbay.toml:3: server.lisen: unknown field, did you mean \"listen\"?\n1 error".to_owned(),
        ),
    ] {
        fs::write(&file, format!("{config}[vendors.echo]\nmodels = [\"m\"]\n")).unwrap();
        for json in [&[][..], &["--json"]] {
            let list = ["plugin", "list", "-c", file.to_str().unwrap(), "--url", address];
            let output = run(&[&list, json].concat(), &[]);
            assert_eq!(
                said(&output, folder.path()),
                (Some(1), String::new(), format!("error: {why}\n"))
            );
        }
    }
}
