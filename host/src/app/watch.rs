//! Watches the files a generation is made of, and reloads when they change.
//!
//! Watches folders, not files: editors and deployments replace files by renaming, and folders by turning a link. What
//! has changed is decided by content (see [`super::reload`]); here only that something may have.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};

use super::Gateway;
use crate::lock::lock;

/// A change is followed by others: a reload waits for a pause of this length.
const QUIET: Duration = Duration::from_millis(100);
/// But not for ever.
const LONGEST_WAIT: Duration = Duration::from_millis(500);
/// A folder that is not there, or cannot be watched, is looked at again after this time.
const LOOK_AGAIN: Duration = Duration::from_secs(2);
/// Even where changes are told of, one may get lost.
const LOOK_ANYWAY: Duration = Duration::from_secs(60);

/// The folders that matter, each watched as the folder it was when it was last looked at.
struct Folders {
    watcher: Option<RecommendedWatcher>,
    watched: BTreeMap<PathBuf, Identity>,
    names: Arc<Mutex<Names>>,
    /// The last complaint, so that it is made once.
    complaint: Option<String>,
}

/// Which folder it is, whatever it is called: device and inode.
type Identity = (u64, u64);

/// File names that matter besides those of components.
#[derive(Default)]
struct Names(Vec<OsString>);

/// Runs until it is dropped.
pub(super) async fn run(gateway: Arc<Gateway>) {
    // One pending signal is enough: a reload looks at everything.
    let (signal, mut changed) = mpsc::channel(1);
    let mut folders = Folders::new(signal);
    let mut unfinished = false;
    loop {
        let poll = gateway.current().settings.plugins.poll;
        let look = match poll {
            _ if unfinished => Duration::ZERO,
            Some(period) => {
                folders.forget();
                period
            }
            None => match folders.watch(&gateway) {
                // What has changed before anybody watched was seen by nobody.
                Watched::Anew => Duration::ZERO,
                Watched::All => LOOK_ANYWAY,
                Watched::NotAll => LOOK_AGAIN,
            },
        };
        tokio::select! {
            _ = changed.recv() => {
                let quiet = async { while timeout(QUIET, changed.recv()).await.is_ok() {} };
                let _ = timeout(LONGEST_WAIT, quiet).await;
            }
            // A version has to be taken back.
            () = gateway.engine.alarm().notified() => {}
            () = sleep(look) => {}
        }
        let reloaded = gateway.reload().await;
        unfinished = reloaded.as_ref().is_ok_and(|reloaded| reloaded.unfinished);
        if let Err(error) = reloaded {
            tracing::error!("{error}");
            sleep(QUIET).await;
        }
    }
}

/// What came of watching all folders.
enum Watched {
    All,
    /// Some are watched that were not before.
    Anew,
    /// Some are not there, or cannot be watched.
    NotAll,
}

// === impl Folders ===

impl Folders {
    fn new(signal: mpsc::Sender<()>) -> Self {
        let names: Arc<Mutex<Names>> = Arc::default();
        let of_event = names.clone();
        let watcher = notify::recommended_watcher(move |event: notify::Result<Event>| {
            let names = lock(&of_event);
            if event.map_or(true, |event| names.concern(&event)) {
                let _ = signal.try_send(());
            }
        });
        let watcher = watcher
            .inspect_err(|error| {
                tracing::warn!(
                    "cannot watch files: {error}; looking for changes every {LOOK_AGAIN:?} instead"
                );
            })
            .ok();
        Self {
            watcher,
            watched: BTreeMap::new(),
            names,
            complaint: None,
        }
    }

    /// Watches what is not watched yet, and what is another folder by now.
    fn watch(&mut self, gateway: &Gateway) -> Watched {
        let plugins = gateway.current().settings.plugins.folder.clone();
        let config = folder_of(&gateway.config_path);
        // The folder itself may be replaced, which its own parent sees.
        let parent = folder_of(&plugins);
        let names = [gateway.config_path.file_name(), plugins.file_name()];
        *lock(&self.names) = Names(names.into_iter().flatten().map(OsStr::to_owned).collect());
        let wanted = [config, parent, plugins];
        self.drop_others(&wanted);
        let mut all = self.watcher.is_some();
        let mut anew = false;
        for folder in wanted {
            match self.watch_one(&folder) {
                Ok(new) => anew |= new,
                Err(complaint) => {
                    all = false;
                    self.complain(complaint);
                }
            }
        }
        match (anew, all) {
            (true, _) => Watched::Anew,
            (false, true) => Watched::All,
            (false, false) => Watched::NotAll,
        }
    }

    /// True if it was not watched before. Where it is missing there is nothing to complain of: it may come.
    fn watch_one(&mut self, folder: &Path) -> Result<bool, String> {
        let known = self.watched.get(folder);
        let now = std::fs::metadata(folder)
            .ok()
            .map(|metadata| (metadata.dev(), metadata.ino()));
        if now.is_some() && known == now.as_ref() {
            return Ok(false);
        }
        self.forget_one(folder);
        let (Some(identity), Some(watcher)) = (now, &mut self.watcher) else {
            return Err(String::new());
        };
        watcher
            .watch(folder, RecursiveMode::NonRecursive)
            .map_err(|error| format!("cannot watch {}: {error}", folder.display()))?;
        self.watched.insert(folder.to_owned(), identity);
        Ok(true)
    }

    fn complain(&mut self, complaint: String) {
        if !complaint.is_empty() && self.complaint.as_ref() != Some(&complaint) {
            tracing::warn!("{complaint}; looking for changes every {LOOK_AGAIN:?} instead");
            self.complaint = Some(complaint);
        }
    }

    fn drop_others(&mut self, wanted: &[PathBuf]) {
        let others: Vec<PathBuf> = self
            .watched
            .keys()
            .filter(|known| !wanted.contains(known))
            .cloned()
            .collect();
        others.iter().for_each(|folder| self.forget_one(folder));
    }

    fn forget(&mut self) {
        self.drop_others(&[]);
    }

    fn forget_one(&mut self, folder: &Path) {
        if self.watched.remove(folder).is_some()
            && let Some(watcher) = &mut self.watcher
        {
            // A folder that was removed is not watched any more.
            let _ = watcher.unwatch(folder);
        }
    }
}

fn folder_of(path: &Path) -> PathBuf {
    match path.parent() {
        Some(parent) if parent != Path::new("") => parent.to_owned(),
        _ => PathBuf::from("."),
    }
}

// === impl Names ===

impl Names {
    /// Whether a generation may be made of what has changed. Whatever else lies in the folders, a log perhaps, changes
    /// all the time.
    fn concern(&self, event: &Event) -> bool {
        let ours = |path: &PathBuf| {
            let component = path.extension().is_some_and(|ending| ending == "wasm");
            path.file_name().is_none_or(|name| {
                // Kubernetes replaces the files of a ConfigMap by turning a link of a name like `..data`.
                component
                    || name.as_encoded_bytes().starts_with(b"..")
                    || self.0.iter().any(|ours| ours == name)
            })
        };
        match event.kind {
            EventKind::Access(_) => false,
            _ => event.need_rescan() || event.paths.is_empty() || event.paths.iter().any(ours),
        }
    }
}
