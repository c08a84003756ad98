//! The simulator as a program: arguments, one line when ready, a clean stop. Must never hold behaviour
//! that the library does not have.

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::Parser;
use patchbay_simulator::{Rule, Simulator};
use tokio::signal::unix::{SignalKind, signal};

const EXAMPLES: &str = r#"Examples:
  patchbay-simulator
  patchbay-simulator --listen 127.0.0.1:8090 --rules slow.json
  patchbay-simulator --listen 127.0.0.1:0 --no-record

  A rules file is a list; this one answers 100 tokens, one every 15 ms, and fails
  the first two requests of one key:
    [{"then": {"reply": {"tokens": 100}, "interval_ms": 15}},
     {"when": {"account": "key-1"}, "times": 2, "then": {"status": 503}}]

  What "then" may hold besides; the crate's documentation says what each does:
    said        reply, stream, omit, twice, huge_after, status, body, headers
    when        informational, latency_ms, never, first_token_ms, interval_ms, endless
    wrong       malformed_after, noise_after, error_after, end_after, gzip
    broken off  stall_after, cut_after, reset_after, reset
    written     coalesce, content_length, split, drip_ms

  curl -N http://127.0.0.1:8090/v1/chat/completions -H 'authorization: Bearer key-1' \
    -d '{"model": "gpt-4o", "stream": true, "messages": [{"role": "user", "content": "Hello"}]}'
  curl -N http://127.0.0.1:8090/v1/messages -H 'x-api-key: key-1' -H 'anthropic-version: 2023-06-01' \
    -d '{"model": "claude-haiku-4-5", "max_tokens": 50, "stream": true,
         "messages": [{"role": "user", "content": "Hello"}]}'
  curl http://127.0.0.1:8090/control/requests
  curl http://127.0.0.1:8090/control/state"#;

/// An LLM vendor that is not there: speaks OpenAI's and Anthropic's wire formats, answers
/// deterministically, misbehaves on request and remembers what it was asked.
#[derive(Parser)]
#[command(name = "patchbay-simulator", version, after_help = EXAMPLES)]
struct Arguments {
    /// Address to listen on; port 0 takes a free port, which the ready line names
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:8090")]
    listen: String,
    /// Rules to start with: a JSON list, in the form that PUT /control/rules takes
    #[arg(long, value_name = "FILE.json")]
    rules: Option<PathBuf>,
    /// Do not record requests; counts per account go on
    #[arg(long)]
    no_record: bool,
    /// Print nothing but errors
    #[arg(long)]
    quiet: bool,
}

#[tokio::main]
async fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let rules = arguments.rules.as_deref().map(read_rules).transpose()?;
    // Signals are listened for before the ready line, so that whoever waits for it can stop us at once.
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;

    let simulator = Simulator::start(&arguments.listen)
        .await
        .with_context(|| format!("cannot listen on {}: choose another --listen", arguments.listen))?;
    simulator.set_rules(rules.unwrap_or_default());
    simulator.set_recording(!arguments.no_record);
    if !arguments.quiet {
        writeln!(
            std::io::stdout(),
            "patchbay-simulator is ready on {}",
            simulator.url()
        )?;
    }

    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    simulator.stop().await;
    Ok(())
}

fn read_rules(path: &Path) -> Result<Vec<Rule>> {
    let file = path.display();
    let json = std::fs::read(path).with_context(|| format!("cannot read the rules in {file}"))?;
    serde_json::from_slice(&json)
        .with_context(|| format!("{file} is not a list of rules; see --help for one"))
}
