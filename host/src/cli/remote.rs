//! The running gateway as commands meet it: where it is, the admin key, questions and answers.
//!
//! A key comes from the configuration or the environment, never from an argument, which every user of the machine
//! could read; nothing here prints one.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow, bail};
use http::Method;
use serde::Serialize;
use serde_json::Value;
use url::Url;

use super::output::patiently;
use super::text::clean;
use crate::config::{Secret, load_server};
use crate::upstream::{AskError, Question, ask};

const CONFIG: &str = "patchbay.toml";
/// Where the gateway is, if no option says so.
const URL: &str = "PATCHBAY_URL";
/// Its admin key, where no configuration file is read.
const ADMIN_KEY: &str = "PATCHBAY_ADMIN_KEY";
/// Longest error message that is shown, in characters.
const LONGEST_MESSAGE: usize = 1_000;

/// The options of every command that asks the running gateway.
#[derive(Debug, clap::Args)]
pub(super) struct Remote {
    /// The configuration file of the running gateway [default: patchbay.toml, unless there is a URL]
    #[arg(short, long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Where the gateway is, instead of server.listen; PATCHBAY_URL does the same. Without --config the admin key is
    /// PATCHBAY_ADMIN_KEY
    #[arg(long, value_name = "URL")]
    url: Option<String>,
}

/// A gateway that can be asked.
#[derive(Debug)]
pub(super) struct Running {
    url: Url,
    key: Secret,
}

// === impl Remote ===

impl Remote {
    pub(super) fn find(&self) -> anyhow::Result<Running> {
        self.find_with(&|name| std::env::var(name).ok().filter(|value| !value.is_empty()))
    }

    /// An option counts for more than the environment, and both for more than the file's `server.listen`.
    fn find_with(&self, env: &dyn Fn(&str) -> Option<String>) -> anyhow::Result<Running> {
        let named = match (&self.url, &self.config) {
            (Some(url), _) => Some(address(url)?),
            (None, Some(_)) => None,
            (None, None) => env(URL)
                .map(|url| address(&url))
                .transpose()
                .with_context(|| format!("in the variable {URL}"))?,
        };
        if let (Some(url), None) = (&named, &self.config) {
            let key = env(ADMIN_KEY).ok_or_else(|| {
                anyhow!("no admin key: set {ADMIN_KEY}, or name the gateway's configuration with --config")
            })?;
            return Ok(Running {
                url: url.clone(),
                key: Secret::new(key),
            });
        }
        let config = self.config.as_deref().unwrap_or(Path::new(CONFIG));
        let server = load_server(config, env).map_err(|problems| anyhow!("{problems}"))?;
        let Some(key) = server.admin_key else {
            bail!(
                "server.admin_key is not set in {}, so the gateway tells nobody; set it first",
                config.display()
            );
        };
        let url = match named {
            Some(url) => url,
            None => address(&reachable(server.listen).to_string())?,
        };
        Ok(Running { url, key })
    }
}

// === impl Running ===

impl Running {
    /// As people call it: host and port.
    pub(super) fn place(&self) -> String {
        let host = self.url.host_str().unwrap_or_default();
        match self.url.port_or_known_default() {
            Some(port) => format!("{host}:{port}"),
            None => host.to_owned(),
        }
    }

    /// Each segment of the path as it is; it is escaped here.
    pub(super) fn get(&self, path: &[&str], query: &[(&str, &str)]) -> anyhow::Result<Value> {
        self.ask(Method::GET, path, query, None::<&()>)
    }

    /// The answer, or what it says of what went wrong.
    pub(super) fn ask(
        &self,
        method: Method,
        path: &[&str],
        query: &[(&str, &str)],
        body: Option<&impl Serialize>,
    ) -> anyhow::Result<Value> {
        let mut url = self.url.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(path);
        }
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        let question = Question {
            method,
            url,
            bearer: self.key.expose(),
            body: body.map(serde_json::to_vec).transpose()?,
        };
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let place = self.place();
        let asked = patiently(&format!("asking the gateway at {place}"), || {
            runtime.block_on(ask(question))
        });
        let asked = asked.map_err(|error| match error {
            AskError::Unreached(why) => {
                anyhow!("nothing answers at {place} ({why}); is `patchbay serve` running?")
            }
            AskError::Late | AskError::Broken(_) => anyhow!("the gateway at {place}: {error}"),
        })?;
        let told: Result<Value, _> = serde_json::from_slice(&asked.body);
        if (200..300).contains(&asked.status) {
            return told.with_context(|| format!("the answer of {place} is not JSON; is it a gateway?"));
        }
        let message = told.unwrap_or_default();
        let message = message["error"]["message"].as_str().unwrap_or("nothing more");
        bail!(
            "the gateway at {place} says {}: {}",
            asked.status,
            clean(message, LONGEST_MESSAGE)
        )
    }
}

/// `http://host:port/path`, or `host:port` alone.
fn address(text: &str) -> anyhow::Result<Url> {
    let whole = if text.contains("://") {
        text.to_owned()
    } else {
        format!("http://{text}")
    };
    let url = Url::parse(&whole).ok().filter(|url| {
        matches!(url.scheme(), "http" | "https")
            && url.has_host()
            && url.username().is_empty()
            && url.password().is_none()
    });
    // It is not shown: somebody may have put a key into it.
    url.context("the gateway's address must look like http://127.0.0.1:8080 or 127.0.0.1:8080")
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

#[cfg(test)]
mod tests;
