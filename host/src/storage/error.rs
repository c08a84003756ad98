//! What can go wrong with the database, and what the operator can do about it.

use std::fmt;
use std::path::{Path, PathBuf};

use rusqlite::ErrorCode;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StorageError {
    #[error("cannot {task} the database {path}: {reason}; {advice}")]
    Failed {
        task: Task,
        path: PathBuf,
        reason: String,
        advice: &'static str,
    },
    #[error(
        "{path} is not a database of patchbay and stays as it is; move it away, or name another file in [storage] path"
    )]
    Foreign { path: PathBuf },
    #[error(
        "the database {path} has version {found}, and this patchbay knows versions up to {known}; start the newer \
         patchbay that wrote it, or name another file in [storage] path"
    )]
    Newer { path: PathBuf, found: i64, known: i64 },
    #[error("nothing is written to the database any more, its thread has ended; restart the gateway")]
    Stopped,
}

/// What was being done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Task {
    Open,
    Read,
    Write,
}

// === impl StorageError ===

impl StorageError {
    pub(super) fn failed(task: Task, path: &Path, error: &rusqlite::Error) -> Self {
        Self::Failed {
            task,
            path: path.to_owned(),
            reason: error.to_string(),
            advice: advice(error.sqlite_error_code()),
        }
    }

    /// Something other than SQLite stands in the way of opening it.
    pub(super) fn unopened(path: &Path, error: &std::io::Error) -> Self {
        Self::Failed {
            task: Task::Open,
            path: path.to_owned(),
            reason: error.to_string(),
            advice: advice(Some(ErrorCode::CannotOpen)),
        }
    }
}

// === impl Task ===

impl fmt::Display for Task {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Open => "open",
            Self::Read => "read",
            Self::Write => "write",
        })
    }
}

fn advice(code: Option<ErrorCode>) -> &'static str {
    match code {
        Some(ErrorCode::DiskFull) => "make room on that disk",
        Some(ErrorCode::CannotOpen | ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => {
            "name a file in [storage] path that this user may write to, or set it to \"off\""
        }
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => "end the other program that holds it",
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
            "put a backup in its place, or move it away to begin with an empty one"
        }
        _ => "see whether the disk and its file system are sound",
    }
}
