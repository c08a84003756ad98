//! What an operator does to accounts while everything runs: all of it with the command line, and done when that says so.

use std::time::Duration;

use patchbay_tests::{ADMIN_KEY, MARK, run};

use crate::stage::Stage;

#[derive(Debug)]
pub(crate) struct Operator<'a> {
    stage: &'a Stage,
}

// === impl Operator ===

impl<'a> Operator<'a> {
    pub(crate) fn of(stage: &'a Stage) -> Self {
        Self { stage }
    }

    /// An account (`vendor/name`) with a key by which the simulator knows it.
    pub(crate) async fn add(&self, account: &str, key: &str) -> Duration {
        self.does(&["keys", "add", account, "--from-env", KEY], key).await
    }

    /// It has this key from now on.
    pub(crate) async fn rotate(&self, account: &str, key: &str) -> Duration {
        self.does(&["keys", "rotate", account, "--from-env", KEY], key)
            .await
    }

    pub(crate) async fn disable(&self, account: &str) -> Duration {
        self.does(&["keys", "disable", account], "").await
    }

    pub(crate) async fn enable(&self, account: &str) -> Duration {
        self.does(&["keys", "enable", account], "").await
    }

    pub(crate) async fn remove(&self, account: &str) -> Duration {
        self.does(&["keys", "remove", account], "").await
    }

    /// As the file has it.
    pub(crate) async fn restore(&self, account: &str) -> Duration {
        let path = format!("vendors.{}", account.replace('/', ".accounts."));
        self.does(&["config", "unset", &path], "").await
    }

    /// Has it probed now. What is printed.
    pub(crate) async fn recheck(&self, account: &str) -> String {
        command(self.stage, &["keys", "recheck", account], "").await
    }

    /// When it is in use.
    async fn does(&self, arguments: &[&str], key: &str) -> Duration {
        command(self.stage, arguments, key).await;
        self.stage.clock.now()
    }
}

/// The environment variable with the key of a command that takes one.
const KEY: &str = "GIVEN_KEY";

/// What the running gateway says to a command, which must go well.
pub(crate) async fn command(stage: &Stage, arguments: &[&str], key: &str) -> String {
    let arguments: Vec<String> = arguments.iter().map(|&argument| argument.to_owned()).collect();
    let (url, key) = (
        format!("http://{}", stage.gateway.address),
        format!("{key}.{MARK}"),
    );
    let output = tokio::task::spawn_blocking(move || {
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let admin = ("PATCHBAY_ADMIN_KEY", ADMIN_KEY);
        run(
            &arguments,
            &[("PATCHBAY_URL", url.as_str()), admin, (KEY, key.as_str())],
        )
    });
    let output = output.await.unwrap();
    let said = [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap());
    assert!(output.status.success(), "{said:?}");
    said.concat()
}
