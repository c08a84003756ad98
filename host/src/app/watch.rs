//! Watches the files a generation is made of, and reloads when they change.
//!
//! Watches folders, not files: editors and deployments replace files by renaming. What has changed is decided by
//! content (see [`super::reload`]); here only that something may have.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};

use super::Gateway;

/// A change is followed by others: a reload waits for a pause of this length.
const QUIET: Duration = Duration::from_millis(100);
/// But not for ever.
const LONGEST_WAIT: Duration = Duration::from_millis(500);
/// A folder that is not there yet is looked for again after this time.
const LOOK_AGAIN: Duration = Duration::from_secs(2);

/// Runs until it is dropped.
pub(super) async fn run(gateway: Arc<Gateway>) {
    // One pending signal is enough: a reload looks at everything.
    let (signal, mut changed) = mpsc::channel(1);
    let config = gateway.config_path.file_name().map(OsStr::to_owned);
    let watcher = notify::recommended_watcher(move |event: notify::Result<Event>| {
        if event.map_or(true, |event| concerns(&event, config.as_deref())) {
            let _ = signal.try_send(());
        }
    });
    let mut watcher = match watcher {
        Ok(watcher) => watcher,
        Err(error) => {
            tracing::error!("cannot watch files: {error}; reload with POST /admin/reload or by restarting");
            return;
        }
    };
    let mut watched = BTreeSet::new();
    loop {
        let before = watched.len();
        let all = watch_folders(&mut watcher, &mut watched, &gateway);
        let found = if watched.len() > before {
            // What has changed before anybody watched was seen by nobody.
            true
        } else if all {
            changed.recv().await.is_some()
        } else {
            timeout(LOOK_AGAIN, changed.recv()).await.is_ok()
        };
        if found {
            let quiet = async { while timeout(QUIET, changed.recv()).await.is_ok() {} };
            let _ = timeout(LONGEST_WAIT, quiet).await;
            reload(&gateway).await;
        }
    }
}

/// Whether a generation may be made of what has changed. Whatever else lies in the folders, a log perhaps, changes
/// all the time.
fn concerns(event: &Event, config: Option<&OsStr>) -> bool {
    let ours = |path: &PathBuf| {
        let name = path.file_name();
        let component = path.extension().is_some_and(|ending| ending == "wasm");
        // Kubernetes replaces the files of a ConfigMap by turning a link of a name like `..data`.
        let link = name.is_some_and(|name| name.as_encoded_bytes().starts_with(b".."));
        component || link || name == config
    };
    match event.kind {
        EventKind::Access(_) => false,
        _ => event.need_rescan() || event.paths.is_empty() || event.paths.iter().any(ours),
    }
}

async fn reload(gateway: &Arc<Gateway>) {
    if let Err(error) = gateway.reload().await {
        tracing::error!("{error}");
        sleep(QUIET).await;
    }
}

/// Watches what is not watched yet; false if a folder is missing.
fn watch_folders(
    watcher: &mut RecommendedWatcher,
    watched: &mut BTreeSet<PathBuf>,
    gateway: &Gateway,
) -> bool {
    let plugins = gateway.current().settings.plugins.folder.clone();
    let config = gateway.config_path.parent().map(|folder| match folder {
        folder if folder == Path::new("") => PathBuf::from("."),
        folder => folder.to_owned(),
    });
    let mut all = true;
    for folder in config.into_iter().chain([plugins]) {
        if watched.contains(&folder) {
            continue;
        }
        match watcher.watch(&folder, RecursiveMode::NonRecursive) {
            Ok(()) => drop(watched.insert(folder)),
            Err(error) => {
                tracing::debug!(folder = %folder.display(), "cannot watch yet: {error}");
                all = false;
            }
        }
    }
    all
}
