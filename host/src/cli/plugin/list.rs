//! `patchbay plugin list`

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::process::ExitCode;

use anyhow::{Context, bail};
use clap::Args;
use serde::Deserialize;
use serde_json::Value;

use super::settings;
use crate::cli::ConfigPath;
use crate::cli::output::{say, say_json};
use crate::upstream::ask;

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  patchbay plugin list --config patchbay.toml
  patchbay plugin list -c patchbay.toml --json | jq '.plugins[] | select(.state != \"serving\")'

Asks the running gateway, at server.listen with server.admin_key of the configuration.")]
pub(in crate::cli) struct List {
    #[command(flatten)]
    path: ConfigPath,
    /// Ask the gateway at this address instead of server.listen
    #[arg(long, value_name = "HOST:PORT")]
    address: Option<SocketAddr>,
    /// Print what the gateway answers as JSON
    #[arg(long)]
    json: bool,
}

/// What is read of the answer.
#[derive(Deserialize)]
struct Answer {
    plugins: Vec<Row>,
    notices: Vec<String>,
}

#[derive(Deserialize)]
struct Row {
    name: String,
    state: String,
    kind: Option<String>,
    serving: Option<String>,
    problem: Option<String>,
    hot_path: Option<bool>,
}

// === impl List ===

impl List {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        let server = settings(&self.path.config)?.server;
        let Some(key) = &server.admin_key else {
            bail!(
                "server.admin_key is not set, so the gateway tells nobody; set it and start the gateway again"
            );
        };
        let address = self.address.unwrap_or_else(|| reachable(server.listen));
        let url = format!("http://{address}/admin/plugins");
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let (status, body) = match runtime.block_on(ask(&url, key.expose())) {
            Ok(answer) => answer,
            Err(error) => bail!("no gateway answers at {address}: {error}; is it running?"),
        };
        let told: Value = serde_json::from_slice(&body).context("the gateway's answer is not JSON")?;
        if status != 200 {
            let message = told["error"]["message"].as_str().unwrap_or("nothing more");
            bail!("the gateway at {address} says {status}: {message}");
        }
        if self.json {
            say_json(&told);
        } else {
            print(&serde_json::from_value(told).context("the gateway's answer is not understood")?);
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// Where a gateway that listens on every interface can be asked.
fn reachable(listen: SocketAddr) -> SocketAddr {
    let ip = match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, listen.port())
}

fn print(answer: &Answer) {
    let widest =
        |of: fn(&Row) -> usize, least: usize| answer.plugins.iter().map(of).max().unwrap_or(0).max(least);
    let name = widest(|row| row.name.len(), 4);
    let serving = widest(|row| row.serving.as_ref().map_or(1, String::len), 7);
    say(format_args!(
        "{:name$}  {:8}  {:serving$}  STATE",
        "NAME", "KIND", "SERVING"
    ));
    for row in &answer.plugins {
        let slow = if row.hot_path == Some(false) { ", slow" } else { "" };
        say(format_args!(
            "{:name$}  {:8}  {:serving$}  {}{slow}",
            row.name,
            row.kind.as_deref().unwrap_or("-"),
            row.serving.as_deref().unwrap_or("-"),
            row.state
        ));
        if let Some(problem) = &row.problem {
            say(format_args!("{:name$}  {problem}", ""));
        }
    }
    answer
        .notices
        .iter()
        .for_each(|notice| say(format_args!("note: {notice}")));
}
