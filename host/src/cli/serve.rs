//! `patchbay serve`

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use clap::Args;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use super::ConfigPath;
use crate::app::{Gateway, StartError};
use crate::http;
use crate::telemetry::{LogFormat, start_log};

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  patchbay serve --config examples/demo.toml
  PATCHBAY_LOG=debug patchbay serve -c patchbay.toml --log-format json

Signals: SIGHUP reloads; SIGINT and SIGTERM drain and stop, a second one stops at once.")]
pub(super) struct Serve {
    #[command(flatten)]
    path: ConfigPath,
    /// How log lines look (on standard error; PATCHBAY_LOG sets what is logged)
    #[arg(long, value_enum, default_value = "text", value_name = "FORMAT")]
    log_format: LogFormat,
}

// === impl Serve ===

impl Serve {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        let _log = start_log(self.log_format);
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()
            .context("cannot start the runtime")?;
        let code = runtime.block_on(self.serve());
        // What still runs now has had its time.
        runtime.shutdown_timeout(Duration::from_millis(100));
        code
    }

    async fn serve(self) -> anyhow::Result<ExitCode> {
        let gateway = match Gateway::start(self.path.config).await {
            Ok(gateway) => gateway,
            Err(StartError::Config(problems)) => anyhow::bail!("{problems}"),
            Err(error) => return Err(error).context("cannot start"),
        };
        let settings = gateway.current().settings.clone();
        let listen = settings.server.listen;
        let listener = http::listen(listen)
            .with_context(|| format!("cannot listen on {listen}; is something else running there?"))?;
        if !settings.server.authentication {
            tracing::warn!("authentication is off: whoever reaches {listen} may use it");
        }
        tracing::info!("listening on http://{}", listener.local_addr().unwrap_or(listen));
        tokio::spawn(gateway.clone().watch());
        tokio::spawn(gateway.clone().keep_probing());
        tokio::spawn(reload_on_hangup(gateway.clone()));
        let (stop, stopped) = watch::channel(false);
        let mut on_stop = stopped.clone();
        let server = tokio::spawn(http::serve(gateway.clone(), listener, async move {
            let _ = on_stop.wait_for(|stop| *stop).await;
        }));
        interrupted().await?;
        let drain = gateway.current().settings.server.drain;
        tracing::info!(
            "draining: requests under way have {} s, or until another signal",
            drain.as_secs()
        );
        gateway.drain();
        stop.send_replace(true);
        tokio::select! {
            served = tokio::time::timeout(drain, server) => match served {
                Ok(served) => served.context("the server failed")?.context("the server failed")?,
                Err(_) => tracing::warn!("requests were still under way after server.drain; they are cut off"),
            },
            again = interrupted() => again?,
        }
        gateway.journal().close();
        tracing::info!("stopped");
        Ok(ExitCode::SUCCESS)
    }
}

async fn interrupted() -> anyhow::Result<()> {
    let mut terminate = signal(SignalKind::terminate()).context("cannot listen for SIGTERM")?;
    tokio::select! {
        _ = terminate.recv() => {}
        interrupt = tokio::signal::ctrl_c() => interrupt.context("cannot listen for SIGINT")?,
    }
    Ok(())
}

async fn reload_on_hangup(gateway: Arc<Gateway>) {
    let Ok(mut hangup) = signal(SignalKind::hangup()) else {
        return;
    };
    while hangup.recv().await.is_some() {
        if let Err(error) = gateway.reload().await {
            tracing::error!("{error}");
        }
    }
}
