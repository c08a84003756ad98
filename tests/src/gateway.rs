//! The gateway under test: the real program in a folder of its own.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, Stdio};
use std::sync::{Arc, Mutex};

use serde_json::Value;
use tempfile::TempDir;

use crate::client::Client;
use crate::components::component;
use crate::marked::{unmarked, unmarked_files};
use crate::program::{patchbay, root};
use crate::wait::eventually;

/// A caller's key in [`LISTEN`].
pub const KEY: &str = "test-key.unspeakable";
pub const ADMIN_KEY: &str = "test-admin.unspeakable";

/// The part of a configuration that all tests share; vendors and models follow.
pub const LISTEN: &str = r#"
[server]
listen = "127.0.0.1:0"
admin_key = "test-admin.unspeakable"

[[keys]]
name = "tester"
key = "test-key.unspeakable"
"#;

/// The same for tests of something else than accounts: nobody is left alone, asked without a caller, or remembered.
pub const SERVER: &str = r#"
[server]
listen = "127.0.0.1:0"
admin_key = "test-admin.unspeakable"

[[keys]]
name = "tester"
key = "test-key.unspeakable"

[circuit]
enabled = "off"

[health]
probe = "off"

[storage]
path = "off"
"#;

/// The file of [`Gateway::start_trusting`].
const AUTHORITIES: &str = "authorities.pem";

/// A running gateway. Dropping it kills it and removes its folder.
#[derive(Debug)]
pub struct Gateway {
    pub process: Child,
    pub address: SocketAddr,
    folder: TempDir,
    log: Arc<Mutex<Vec<Value>>>,
}

// === impl Gateway ===

impl Gateway {
    /// Starts with these plugins and this configuration, on a free port, and returns when it listens.
    pub async fn start(plugins: &[&str], config: &str) -> Self {
        let files: Vec<_> = plugins.iter().map(|name| (*name, component(name))).collect();
        Self::start_with(&files, config).await
    }

    /// The same with these bytes as plugins of these names.
    pub async fn start_with(plugins: &[(&str, Vec<u8>)], config: &str) -> Self {
        Self::start_in(filled_folder(plugins, config)).await
    }

    /// The same as [`Gateway::start`], with these certificate authorities (PEM) as all that it trusts.
    pub async fn start_trusting(authorities: &str, plugins: &[&str], config: &str) -> Self {
        let files: Vec<_> = plugins.iter().map(|name| (*name, component(name))).collect();
        let folder = filled_folder(&files, config);
        write_into(folder.path(), AUTHORITIES, authorities.as_bytes());
        Self::start_in(folder).await
    }

    /// Starts with what is in the folder: `patchbay.toml` and whatever that names. If there is an
    /// `authorities.pem`, these are trusted and no others.
    pub async fn start_in(folder: TempDir) -> Self {
        // Whole before anything is waited for: whatever goes wrong from here on, it is dropped and ends its process.
        let mut gateway = Self {
            process: spawn(folder.path()),
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
            folder,
            log: Arc::default(),
        };
        collect(gateway.process.stderr.take().unwrap(), &gateway.log);
        gateway.address = gateway.listens().await;
        gateway
    }

    /// Kills the process where it stands and starts another in the same folder. `between`: what happens meanwhile. Its
    /// log begins anew.
    pub async fn restart(&mut self, between: impl FnOnce(&Path)) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
        between(self.folder.path());
        self.log = Arc::default();
        self.process = spawn(self.folder.path());
        collect(self.process.stderr.take().unwrap(), &self.log);
        self.address = self.listens().await;
    }

    /// Where it listens, once it does.
    async fn listens(&mut self) -> SocketAddr {
        let (process, log) = (&mut self.process, &self.log);
        eventually("the gateway listens", async || {
            let log = log.lock().unwrap();
            if let Some(status) = process.try_wait().unwrap() {
                panic!("the gateway ended with {status}: {log:#?}");
            }
            log.iter().find_map(|line: &Value| {
                line["message"]
                    .as_str()?
                    .strip_prefix("listening on http://")?
                    .parse()
                    .ok()
            })
        })
        .await
    }

    /// A caller with the key [`KEY`].
    pub fn client(&self) -> Client {
        Client::new(self.address, Some(KEY))
    }

    pub fn client_with(&self, key: &str) -> Client {
        Client::new(self.address, Some(key))
    }

    pub fn admin(&self) -> Client {
        Client::new(self.address, Some(ADMIN_KEY))
    }

    /// Where the configuration lies.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub fn plugins_folder(&self) -> PathBuf {
        self.folder.path().join("plugins")
    }

    // What an operator does.

    pub fn write_config(&self, config: &str) {
        write_into(self.folder.path(), "patchbay.toml", config.as_bytes());
    }

    /// Adds or replaces a file of the plugins folder in one step, as deployments do.
    pub fn write_plugin(&self, file: &str, bytes: &[u8]) {
        write_into(&self.plugins_folder(), file, bytes);
    }

    pub fn remove_plugin(&self, file: &str) {
        fs::remove_file(self.plugins_folder().join(file)).unwrap();
    }

    /// Sends a signal by its name ("TERM").
    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill")
            .args(["-s", name, &self.process.id().to_string()])
            .status();
        assert!(sent.unwrap().success());
    }

    // What an operator sees.

    /// A plugin in `/admin/plugins`; null if it is not there.
    pub async fn plugin(&self, name: &str) -> Value {
        let listed = self.admin().get("/admin/plugins").await.json();
        let plugins = listed["plugins"].as_array().unwrap();
        plugins
            .iter()
            .find(|plugin| plugin["name"] == name)
            .cloned()
            .unwrap_or_default()
    }

    pub async fn notices(&self) -> String {
        self.admin().get("/admin/plugins").await.json()["notices"].to_string()
    }

    /// Waits until `/admin/plugins` says of a plugin what the test expects.
    pub async fn plugin_until(&self, name: &str, expected: impl Fn(&Value) -> bool) -> Value {
        let what = format!("/admin/plugins says what it must of {name}");
        eventually(&what, async || {
            Some(self.plugin(name).await).filter(|plugin| expected(plugin))
        })
        .await
    }

    /// The sum of all samples of a metric that have these labels.
    pub async fn metric(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        let fits = |found: &BTreeMap<String, String>| {
            let has = |(name, value): &(&str, &str)| found.get(*name).is_some_and(|found| found == value);
            labels.iter().all(has)
        };
        let samples = self.samples(name).await.into_iter();
        samples
            .filter(|(found, _)| fits(found))
            .map(|(_, value)| value)
            .sum()
    }

    /// All samples of a metric, with their labels.
    pub async fn samples(&self, name: &str) -> Vec<(BTreeMap<String, String>, f64)> {
        let text = self.client().get("/metrics").await.text();
        text.lines().filter_map(|line| sample(line, name)).collect()
    }

    /// Waits until a metric has this value.
    pub async fn metric_until(&self, name: &str, labels: &[(&str, &str)], expected: f64) {
        let what = format!("{name} {labels:?} becomes {expected}");
        eventually(&what, async || {
            (self.metric(name, labels).await == expected).then_some(())
        })
        .await;
    }

    /// The log so far, line by line.
    pub fn log(&self) -> Vec<Value> {
        self.log.lock().unwrap().clone()
    }

    /// What the log says beyond its first so many lines.
    pub fn log_after(&self, lines: usize) -> Vec<Value> {
        self.log.lock().unwrap().get(lines..).unwrap_or_default().to_vec()
    }

    /// The lines of the log so far.
    pub fn log_lines(&self) -> usize {
        self.log.lock().unwrap().len()
    }

    /// Waits for a line of the log.
    pub async fn logged(&self, what: &str, is_it: impl Fn(&Value) -> bool) -> Value {
        self.logged_after(0, what, is_it).await
    }

    /// Waits for a line of the log, beyond the first so many lines.
    pub async fn logged_after(&self, lines: usize, what: &str, is_it: impl Fn(&Value) -> bool) -> Value {
        eventually(&format!("the log says: {what}"), async || {
            let log = self.log.lock().unwrap();
            log.iter().skip(lines).find(|line| is_it(line)).cloned()
        })
        .await
    }

    /// Waits for a line of the log that holds this text.
    pub async fn logged_text(&self, text: &str) -> Value {
        self.logged(text, |line| line.to_string().contains(text)).await
    }

    /// Waits for the record of a request, by the id in its answer.
    pub async fn record(&self, request_id: &str) -> Value {
        let is_it = |line: &Value| line["message"] == "request" && line["request_id"] == request_id;
        self.logged(&format!("the record of {request_id}"), is_it).await
    }

    /// Open file descriptors of the process: how many are connections, and how many anything else.
    pub fn open_files(&self) -> (usize, usize) {
        let listed = fs::read_dir(format!("/proc/{}/fd", self.process.id())).unwrap();
        // What is closed while it is looked at is not open.
        let behind = listed.filter_map(|entry| fs::read_link(entry.unwrap().path()).ok());
        let (sockets, others): (Vec<PathBuf>, Vec<PathBuf>) =
            behind.partition(|behind| behind.to_string_lossy().starts_with("socket:"));
        (sockets.len(), others.len())
    }

    /// Resident memory of the process, in bytes.
    pub fn resident(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.process.id())).unwrap();
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:"))
            .unwrap();
        line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        // Either may fail because the gateway has ended already, as some tests want.
        let _ = self.process.kill();
        let _ = self.process.wait();
        if !std::thread::panicking() {
            for line in self.log() {
                unmarked("the log", line.to_string().as_bytes());
            }
            unmarked_files(self.folder.path());
        }
    }
}

fn spawn(folder: &Path) -> Child {
    let mut command = Command::new(patchbay());
    command
        .args(["serve", "--log-format", "json", "--config"])
        .arg(folder.join("patchbay.toml"))
        // Compiled once for all tests of all runs.
        .env("XDG_CACHE_HOME", root().join("target/test-cache"))
        // Whatever stands between this machine and the world does not stand between it and itself.
        .env("NO_PROXY", "127.0.0.1")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    let authorities = folder.join(AUTHORITIES);
    if authorities.is_file() {
        command.env("SSL_CERT_FILE", authorities);
    }
    command.spawn().unwrap()
}

/// A folder of its own for a gateway.
pub fn new_folder() -> TempDir {
    TempDir::with_prefix("patchbay-").unwrap()
}

/// A folder with these plugins and this configuration.
fn filled_folder(plugins: &[(&str, Vec<u8>)], config: &str) -> TempDir {
    let folder = new_folder();
    fs::create_dir(folder.path().join("plugins")).unwrap();
    for (name, bytes) in plugins {
        write_into(&folder.path().join("plugins"), &format!("{name}.wasm"), bytes);
    }
    write_into(folder.path(), "patchbay.toml", config.as_bytes());
    folder
}

/// Whoever watches the file sees the old content or the new, nothing between.
fn write_into(folder: &Path, file: &str, bytes: &[u8]) {
    let part = folder.join(format!(".{file}.part"));
    fs::write(&part, bytes).unwrap();
    fs::rename(part, folder.join(file)).unwrap();
}

/// Takes over the program's log until it ends. A line that is not JSON, as a panic's, is kept as text.
fn collect(stderr: ChildStderr, log: &Arc<Mutex<Vec<Value>>>) {
    let log = log.clone();
    std::thread::spawn(move || {
        for line in BufReader::new(stderr).lines().map_while(Result::ok) {
            let line = serde_json::from_str(&line).unwrap_or(Value::String(line));
            log.lock().unwrap().push(line);
        }
    });
}

/// Labels and value, if the line is a sample of this metric.
fn sample(line: &str, name: &str) -> Option<(BTreeMap<String, String>, f64)> {
    let rest = line.strip_prefix(name)?;
    let (labels, value) = rest.rsplit_once(' ')?;
    let labels = match labels {
        "" => "",
        labels => labels.strip_prefix('{')?.strip_suffix('}')?,
    };
    let pairs = labels
        .split("\",")
        .filter_map(|pair| pair.trim_end_matches('"').split_once("=\""))
        .map(|(name, value)| (name.to_owned(), value.to_owned()));
    Some((pairs.collect(), value.parse().ok()?))
}
