//! The processes a measurement needs: the vendor simulators, the bare pass-through and the gateways, each with a
//! port of its own, all stopped when dropped.

mod config;
mod server;
mod switching;

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use tempfile::TempDir;

use config::Reuse;
pub(crate) use config::{Model, OPEN_STREAM_PAUSE};
pub(crate) use server::Server;
pub(crate) use switching::{FAILING, Switch};

/// The caller's key at the gateway.
pub(crate) const KEY: &str = "bench-caller";

/// The guests that only benchmarks need.
const OWN: [&str; 2] = ["translating", "looping"];

pub(crate) struct Scene {
    pub(crate) bare: Server,
    /// With its default settings: each request is a line in its log, which is a file.
    pub(crate) gateway: Server,
    /// The same with reuse of instances granted to the adapters.
    pub(crate) trusted: Server,
    pub(crate) simulator: Server,
    /// A second one, which records what it is asked; the first would be slower for it.
    pub(crate) recording: Server,
    /// Removed last.
    _folder: TempDir,
}

/// Where the programs and components are that a build left behind.
#[derive(Debug, Clone)]
pub(crate) struct Built {
    target: PathBuf,
}

// === impl Scene ===

impl Scene {
    pub(crate) async fn set(built: &Built) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("patchbay-bench-").tempdir()?;
        let at = folder.path();
        built.copy_components(&at.join("plugins"))?;
        let simulator = start_simulator(built, at, "simulator", config::rules(), &["--no-record"]).await?;
        let recording = start_simulator(built, at, "recording simulator", switching::rules(), &[]).await?;
        let simulators = [simulator.address, recording.address];
        let bare = start_bare(at, simulator.address).await?;
        let gateway = start_gateway(built, at, "gateway", &simulators, Reuse::Never).await?;
        let trusted = start_gateway(built, at, "trusted gateway", &simulators, Reuse::Granted).await?;
        Ok(Self {
            bare,
            gateway,
            trusted,
            simulator,
            recording,
            _folder: folder,
        })
    }

    /// Every process of the benchmark, this one included.
    pub(crate) fn processes(&self) -> Vec<u32> {
        let servers = [
            &self.bare,
            &self.gateway,
            &self.trusted,
            &self.simulator,
            &self.recording,
        ];
        servers
            .into_iter()
            .map(Server::process)
            .chain([std::process::id()])
            .collect()
    }
}

async fn start_simulator(
    built: &Built,
    folder: &Path,
    name: &'static str,
    rules: String,
    more: &[&str],
) -> Result<Server> {
    let path = folder.join(format!("{name}.json"));
    fs::write(&path, rules)?;
    let address = server::free_address()?;
    let mut command = Command::new(built.program("patchbay-simulator")?);
    command
        .args(more)
        .args(["--quiet", "--listen", &address.to_string(), "--rules"])
        .arg(path);
    Server::start(name, command, address, folder).await
}

async fn start_bare(folder: &Path, simulator: SocketAddr) -> Result<Server> {
    let address = server::free_address()?;
    let mut command = Command::new(std::env::current_exe()?);
    command.args([
        "passthrough",
        "--listen",
        &address.to_string(),
        "--upstream",
        &simulator.to_string(),
    ]);
    Server::start("pass-through", command, address, folder).await
}

async fn start_gateway(
    built: &Built,
    folder: &Path,
    name: &'static str,
    [simulator, recording]: &[SocketAddr; 2],
    reuse: Reuse,
) -> Result<Server> {
    let address = server::free_address()?;
    // A folder of its own, because the gateway watches it: nobody else may write there.
    let own = folder.join(name);
    fs::create_dir(&own)?;
    let path = own.join("gateway.toml");
    let mut text = config::gateway(address, *simulator, reuse);
    switching::configure(&mut text, *recording);
    fs::write(&path, text)?;
    let mut command = Command::new(built.program("patchbay")?);
    command
        .arg("serve")
        .arg("--config")
        .arg(path)
        .env_remove("PATCHBAY_LOG");
    Server::start(name, command, address, folder).await
}

// === impl Built ===

impl Built {
    /// Beside the running program, where one build leaves them all.
    pub(crate) fn find() -> Result<Self> {
        let program = std::env::current_exe().context("cannot tell where this program is")?;
        let target = program
            .ancestors()
            .nth(2)
            .context("this program lies in no target folder")?;
        Ok(Self {
            target: target.to_owned(),
        })
    }

    /// Builds the guests of the benchmarks; nothing to do for cargo unless they have changed.
    pub(crate) fn build_guests(&self) -> Result<()> {
        let guests = Path::new(env!("CARGO_MANIFEST_DIR")).join("guests");
        let mut command = Command::new(self.program("patchbay")?);
        command
            .args(["plugin", "build"])
            .args(OWN.map(|guest| guests.join(guest)))
            .arg("--out")
            .arg(self.bench_plugins());
        let output = command.output().context("cannot run patchbay plugin build")?;
        let message = String::from_utf8_lossy(&output.stderr);
        ensure!(
            output.status.success(),
            "the guests in {} do not build:\n{message}",
            guests.display()
        );
        Ok(())
    }

    pub(crate) fn plugins(&self) -> PathBuf {
        self.target.join("plugins")
    }

    pub(crate) fn bench_plugins(&self) -> PathBuf {
        self.target.join("bench-plugins")
    }

    fn program(&self, name: &str) -> Result<PathBuf> {
        let path = self.target.join("release").join(name);
        ensure!(
            path.is_file(),
            "there is no {}: run `make bench`, which builds it",
            path.display()
        );
        Ok(path)
    }

    /// A folder of its own, so that a build under way cannot swap a plugin in the middle of a measurement.
    fn copy_components(&self, to: &Path) -> Result<()> {
        fs::create_dir(to)?;
        let components = [
            self.plugins().join("openai.wasm"),
            self.plugins().join("anthropic.wasm"),
            self.plugins().join("round-robin.wasm"),
        ];
        let own = OWN.map(|guest| self.bench_plugins().join(format!("{guest}.wasm")));
        for component in components.into_iter().chain(own) {
            let name = component.file_name().context("a component without a name")?;
            fs::copy(&component, to.join(name))
                .with_context(|| format!("cannot copy {}: run `make plugins`", component.display()))?;
        }
        Ok(())
    }
}
