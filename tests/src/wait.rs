//! Waiting for something that is about to happen.

use std::time::Duration;

use tokio::time::{Instant, sleep};

/// Long enough for whatever must happen, short enough for a test that hangs.
pub const SOON: Duration = Duration::from_secs(10);

/// How often is looked.
const OFTEN: Duration = Duration::from_millis(10);

/// What `look` finds, which it must within [`SOON`].
pub async fn eventually<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + SOON;
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(Instant::now() < deadline, "waited in vain: {what}");
        sleep(OFTEN).await;
    }
}
