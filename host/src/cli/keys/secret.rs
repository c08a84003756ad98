//! A credential as it comes in: from standard input, a file or the environment, never from an argument, which others on
//! the machine can see and the shell remembers.

use std::fs;
use std::io::{self, BufRead, IsTerminal, Read, Write};
use std::path::PathBuf;

use anyhow::{Context, bail};
use clap::Args;
use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};

/// Longest credential, in bytes: a private key with its certificates has room.
const LONGEST: u64 = 64 << 10;

/// Where the credential comes from; standard input, if no option says so.
#[derive(Debug, Args)]
pub(super) struct Source {
    /// Read the key from this file instead of standard input
    #[arg(long, value_name = "FILE", conflicts_with = "from_env")]
    from_file: Option<PathBuf>,
    /// Read the key from this environment variable instead of standard input
    #[arg(long, value_name = "NAME")]
    from_env: Option<String>,
    /// Which credential it is, for vendors that want several
    #[arg(long, value_name = "FIELD", default_value = "api_key")]
    pub(super) field: String,
    // Whatever somebody gives as the key itself is taken to be refused, without being shown.
    #[arg(hide = true, value_name = "KEY")]
    stray: Vec<String>,
    #[arg(
        long,
        hide = true,
        alias = "api-key",
        alias = "secret",
        alias = "token",
        value_name = "KEY"
    )]
    key: Option<String>,
}

// === impl Source ===

impl Source {
    pub(super) fn read(&self) -> anyhow::Result<String> {
        if !self.stray.is_empty() || self.key.is_some() {
            bail!(
                "a key is not taken from an argument: others on this machine can see it there, and the shell remembers \
                 it. If it was a real one, replace it at the vendor. Run the command without it and type the key when \
                 asked, or use --from-file or --from-env"
            );
        }
        let text = match (&self.from_file, &self.from_env) {
            (Some(file), _) => {
                let opened =
                    fs::File::open(file).with_context(|| format!("cannot read {}", file.display()))?;
                bounded(opened).with_context(|| format!("cannot read {}", file.display()))?
            }
            (None, Some(name)) => {
                if !name
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
                {
                    bail!("--from-env takes the name of a variable, not the key itself");
                }
                std::env::var(name).with_context(|| format!("the environment variable {name}"))?
            }
            (None, None) if io::stdin().is_terminal() => ask()?,
            (None, None) => bounded(io::stdin().lock()).context("cannot read standard input")?,
        };
        let text = text.trim();
        if text.is_empty() {
            bail!("there is no key: it is empty");
        }
        Ok(text.to_owned())
    }
}

fn bounded(from: impl Read) -> io::Result<String> {
    let mut text = String::new();
    from.take(LONGEST + 1).read_to_string(&mut text)?;
    if text.len() as u64 > LONGEST {
        return Err(io::Error::other(format!("longer than {LONGEST} bytes")));
    }
    Ok(text)
}

/// One line, typed without being shown.
fn ask() -> anyhow::Result<String> {
    let stdin = io::stdin();
    let usual = tcgetattr(&stdin).context("cannot hide what is typed")?;
    let mut hidden = usual.clone();
    hidden.local_modes.remove(LocalModes::ECHO);
    let _ = write!(io::stderr(), "key (it is not shown): ");
    tcsetattr(&stdin, OptionalActions::Flush, &hidden).context("cannot hide what is typed")?;
    let mut line = String::new();
    let read = stdin.lock().read_line(&mut line);
    tcsetattr(&stdin, OptionalActions::Flush, &usual).context("cannot show again what is typed")?;
    let _ = writeln!(io::stderr());
    read.context("cannot read the key")?;
    Ok(line)
}
