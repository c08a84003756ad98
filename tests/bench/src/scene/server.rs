//! One server process: started, waited for, stopped.

use std::fs::{File, OpenOptions};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use tokio::net::TcpStream;

/// How long a server may take until it listens; compiling its plugins is the longest part.
const START: Duration = Duration::from_secs(60);

pub(crate) struct Server {
    pub(crate) name: &'static str,
    pub(crate) address: SocketAddr,
    child: Child,
    log: File,
}

/// An address that nobody listens on now.
pub(super) fn free_address() -> Result<SocketAddr> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?)
}

// === impl Server ===

impl Server {
    /// Starts a process that is going to listen on `address`, its standard error going to a file, and waits until
    /// it does.
    pub(super) async fn start(
        name: &'static str,
        mut command: Command,
        address: SocketAddr,
        folder: &Path,
    ) -> Result<Self> {
        let path = folder.join(format!("{name}.log"));
        let log = OpenOptions::new().create(true).append(true).open(&path)?;
        let child = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log.try_clone()?)
            .spawn()
            .with_context(|| format!("cannot start the {name}"))?;
        let mut server = Self {
            name,
            address,
            child,
            log,
        };
        server.wait(&path).await?;
        Ok(server)
    }

    pub(crate) fn process(&self) -> u32 {
        self.child.id()
    }

    /// Empties the log, which would otherwise fill the disk.
    pub(crate) fn forget_log(&self) -> Result<()> {
        Ok(self.log.set_len(0)?)
    }

    async fn wait(&mut self, log: &PathBuf) -> Result<()> {
        let started = Instant::now();
        while TcpStream::connect(self.address).await.is_err() {
            let ended = self.child.try_wait()?;
            if ended.is_some() || started.elapsed() > START {
                let said = std::fs::read_to_string(log).unwrap_or_default();
                bail!(
                    "the {} does not listen on {}; it says:\n{said}",
                    self.name,
                    self.address
                );
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Either it is gone already or it goes now.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
