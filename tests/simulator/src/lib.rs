//! A vendor that is not there: an HTTP server which speaks the wire formats of LLM vendors, answers
//! deterministically, misbehaves exactly as told, and remembers what it was asked.
//!
//! It serves the demo, the end-to-end tests and the benchmarks. It must never call out, and never
//! answer two equal requests differently except for the sequence number in their ids.
//!
//! # What it answers
//!
//! | request | answer |
//! |---|---|
//! | `POST /v1/chat/completions` | a chat completion, whole or streamed |
//! | `POST /v1/embeddings` | vectors derived from the input's text, as floats or base64 |
//! | `GET /v1/models` | a fixed list |
//!
//! The same paths below `/{vendor}` (`/north/v1/chat/completions`) let several vendors live on one port;
//! without a prefix the vendor is named after its format, `openai`. The account is the bearer key or the
//! `api-key` header, `anonymous` without either; every key is accepted unless a rule says otherwise. The
//! account comes back in `system_fingerprint` as `fp_<account>`, so a caller can tell who answered.
//!
//! Left to itself a reply repeats the start of the prompt, one word per token. Tools are answered with a
//! call of the first tool (or the one `tool_choice` names) whose arguments fit its schema; after a tool's
//! result comes text. `response_format` is honoured with JSON. Usage counts words.
//!
//! # Rules
//!
//! A rule says for which requests it holds (`when`, everything left out matches), for how many of them
//! (`times`, always if left out) and what happens then (`then`). All matching rules apply together; where
//! two speak of the same thing the later one wins, so a rule for everything sets the pace and a rule for
//! one account adds a fault. A rule whose `times` are used up no longer matches.
//!
//! ```json
//! {
//!   "when": {"vendor": "openai", "account": "key-1", "model": "gpt-4o", "operation": "chat"},
//!   "times": 2,
//!   "then": {
//!     "reply": {"tokens": 100},
//!     "status": 429,
//!     "body": {"error": {"message": "slow down"}},
//!     "headers": {"retry-after": "2"},
//!     "latency_ms": 20,
//!     "first_token_ms": 150,
//!     "interval_ms": 15,
//!     "stall_after": 5,
//!     "cut_after": 5,
//!     "coalesce": 10
//!   }
//! }
//! ```
//!
//! | `then` | meaning |
//! |---|---|
//! | `reply` | `{"text": "..."}` is said word for word, also where a tool call or JSON would be expected; `{"tokens": n}` says `token-0 token-1 ...` wherever text is expected |
//! | `status` | the status; from 400 on the vendor's usual error body replaces the reply |
//! | `body` | replaces the body: a string is sent as it is, anything else as JSON |
//! | `headers` | set on the reply |
//! | `latency_ms` | the pause before the headers |
//! | `first_token_ms` | streams only: the pause before the first token (the role is sent at once) |
//! | `interval_ms` | streams only: the pause before every further token |
//! | `stall_after` | falls silent after that many tokens, until the caller leaves |
//! | `cut_after` | closes the connection after that many tokens, without a clean end |
//! | `coalesce` | streams only: events per write, 1 if left out |
//!
//! A whole reply is cut or stalled at the same share of its bytes; the announced length stays.
//!
//! # Control
//!
//! | request | effect |
//! |---|---|
//! | `GET /control/requests` | what was received, oldest first: the last 10,000, bodies up to 64 KiB |
//! | `DELETE /control/requests` | forgets it |
//! | `GET /control/rules` | the rules and how often each was used |
//! | `PUT /control/rules` | replaces all rules by a list |
//! | `POST /control/rules` | adds one rule at the end |
//! | `DELETE /control/rules` | removes all rules |
//! | `GET /control/state` | open connections, and per account what is in flight and how requests ended |
//!
//! ```sh
//! patchbay-simulator --listen 127.0.0.1:8090 &
//! curl -X POST 127.0.0.1:8090/control/rules -H 'content-type: application/json' \
//!   -d '{"when": {"account": "key-1"}, "times": 2, "then": {"status": 503}}'
//! curl -N 127.0.0.1:8090/v1/chat/completions -H 'authorization: Bearer key-1' \
//!   -d '{"model": "gpt-4o", "stream": true, "messages": [{"role": "user", "content": "Hello there"}]}'
//! curl 127.0.0.1:8090/control/requests
//! ```
//!
//! # In a test
//!
//! ```no_run
//! # async fn example() -> std::io::Result<()> {
//! use patchbay_simulator::{Rule, Simulator};
//!
//! let simulator = Simulator::start("127.0.0.1:0").await?;
//! simulator.add(Rule::always().account("key-1").tokens(20).cut_after(5));
//! // ... send requests to simulator.url() ...
//! assert_eq!(simulator.requests().len(), 1);
//! # Ok(())
//! # }
//! ```

mod simulator;

mod control;
mod exchange;
mod server;
mod state;

mod behaviour;
mod rules;

mod answer;
mod ask;
mod example;
mod playback;
mod reply;
mod text;
mod vendors;

mod record;
mod tally;

pub use ask::Operation;
pub use record::{Ended, How, Received};
pub use rules::{ActiveRule, Rule};
pub use simulator::Simulator;
pub use state::Snapshot;
pub use tally::AccountSnapshot;
