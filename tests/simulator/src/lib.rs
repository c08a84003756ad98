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
//! | `POST /v1/chat/completions` | a chat completion in OpenAI's format, whole or streamed |
//! | `POST /v1/embeddings` | vectors derived from the input's text, as floats or base64 |
//! | `POST /v1/messages` | a message in Anthropic's format, whole or streamed |
//! | `GET /v1/models` | a fixed list; Anthropic's if there is an `anthropic-version` header |
//!
//! The same paths below `/{vendor}` (`/north/v1/chat/completions`) let several vendors live on one port;
//! without a prefix the vendor is named after its format, `openai` or `anthropic`. The account is the
//! bearer key or the header `api-key` (`x-api-key` at Anthropic) up to its first dot, so that tests can tell
//! the name from the secret, and `anonymous` without either; every key is accepted unless a rule says otherwise. The account comes back in `system_fingerprint` as
//! `fp_<account>`, at Anthropic in the message's `id` as `msg_<account>_<n>`, so a caller can tell who
//! answered.
//!
//! Left to itself a reply repeats the start of the prompt, one word per token. Tools are answered with a
//! call of the first tool (or the one `tool_choice` names) whose arguments fit its schema; after a tool's
//! result comes text. `response_format`, at Anthropic `output_config`, is honoured with JSON, and text ends
//! at the stop sequences asked for. Usage counts words.
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
//!     "cut_after": 5
//!   }
//! }
//! ```
//!
//! Everything that `then` may hold; the tests have an example of each. First what is said:
//!
//! | `then` | meaning |
//! |---|---|
//! | `reply` | `{"text": "..."}` is said word for word, also where a tool call or JSON would be expected; `{"tokens": n}` says `token-0 token-1 ...` wherever text is expected |
//! | `stream` | `true`: a stream though none was asked for; `false`: a whole reply though a stream was |
//! | `omit` | a list of parts left out: `"finish"` (the reason; `null` in a whole reply), `"usage"`, `"done"` (a stream's end mark) |
//! | `twice` | streams only: one such part that comes twice |
//! | `huge_after` | `{"tokens": n, "bytes": m}`: one more token, of m bytes, after n others |
//! | `status` | the status; from 400 on the vendor's usual error body replaces the reply |
//! | `body` | replaces the body: a string is sent as it is, anything else as JSON |
//! | `headers` | set on the reply in place of its own: `content-type` for another type, `location` with a `status` of 302 or 307 for a redirect |
//!
//! When it is said:
//!
//! | `then` | meaning |
//! |---|---|
//! | `informational` | a list of statuses below 200 (not 101) whose heads are sent at once, before the pause |
//! | `latency_ms` | the pause before the headers |
//! | `never` | `true`: the request is taken and never answered, until the caller leaves |
//! | `first_token_ms` | streams only: the pause before the first token (the role is sent at once) |
//! | `interval_ms` | streams only: the pause before every further token |
//! | `endless` | `true`, streams only: the last token is repeated, one every `interval_ms`, until the caller leaves; faults after n tokens still come |
//!
//! What is wrong with it, though HTTP finds nothing wrong:
//!
//! | `then` | meaning |
//! |---|---|
//! | `malformed_after` | one more event after n tokens, of broken JSON that begins with `{`; a whole reply has a byte of its middle replaced by a NUL, which is no JSON, at its full length |
//! | `noise_after` | streams only: one more event after n tokens whose data is `ping` and no JSON at all |
//! | `error_after` | after n tokens the vendor's error event, and a proper end without anything else; a whole reply is the error object, with the status of success |
//! | `end_after` | a proper end after n tokens, with neither finish, usage nor end mark; a whole reply is shorter, and its length says so |
//! | `gzip` | `true`: the body is compressed whatever the caller accepts, and each event can be decompressed once it is there |
//!
//! How it breaks off, and how it is written:
//!
//! | `then` | meaning |
//! |---|---|
//! | `stall_after` | falls silent after that many tokens, until the caller leaves |
//! | `cut_after` | closes the connection after that many tokens, without a clean end |
//! | `reset_after` | resets the connection (RST) after that many tokens |
//! | `reset` | resets the connection: `"before_headers"`, without a byte of reply, or `"after_headers"`, without a byte of body |
//! | `coalesce` | streams only: events per write, 1 if left out |
//! | `content_length` | announces n bytes more than the body has, and closes the connection behind it, or with a negative n fewer, and the body goes on beyond them; a stream then has a length, too, unless it is endless |
//! | `split` | n bytes of the body per write (and chunk), wherever that splits an event; 1 is every byte by itself |
//! | `drip_ms` | the pause before every byte of the body, which is then a write; with `split` before every n bytes. The headers do not drip |
//!
//! Where "after n tokens" is more than there are, it is after the last; what breaks a reply off does so
//! right after the token, so anything else due there is not sent. A whole reply is cut, reset, stalled or
//! ended at the same share of its bytes; the announced length stays except with `end_after`.
//!
//! In Anthropic's format finish and usage share an event, `message_delta`, which is left out only if both
//! are; the usage of `message_start` goes with the other one. The end mark is `message_stop`.
//!
//! # Other addresses
//!
//! In a test, [`Refused`] is an address that refuses connections, [`Silent`] one where connecting takes
//! for ever, and [`Simulator::tls`] opens a door for HTTPS whose handshake is late or never comes.
//!
//! # Control
//!
//! | request | effect |
//! |---|---|
//! | `GET /control/requests` | what was received, on which connection, when it was answered and how it ended, oldest first: the last 10,000, bodies up to 64 KiB |
//! | `DELETE /control/requests` | forgets it |
//! | `GET /control/rules` | the rules and how often each was used |
//! | `PUT /control/rules` | replaces all rules by a list |
//! | `POST /control/rules` | adds one rule at the end |
//! | `DELETE /control/rules` | removes all rules |
//! | `GET /control/state` | connections accepted and open, and per account what is in flight and how requests ended |
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
mod doors;
mod exchange;
mod server;
mod state;
mod wire;

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

pub use answer::Part;
pub use ask::Operation;
pub use behaviour::Reset;
pub use doors::{Refused, Silent, Tls};
pub use record::{Ended, How, Received};
pub use rules::{ActiveRule, Rule};
pub use simulator::Simulator;
pub use state::Snapshot;
pub use tally::AccountSnapshot;
