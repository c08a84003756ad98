//! The pieces of a request's path, one by one: calls into guests, and the host's own that run for every request or
//! every event.
//!
//! `cargo bench -p patchbay-bench -- start`, once `make bench` has built the plugins.

#![expect(
    clippy::expect_used,
    reason = "a benchmark that cannot go on has nobody to tell"
)]

use std::hint::black_box;
use std::path::PathBuf;
use std::time::Duration;

use bytes::Bytes;
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use patchbay::chat::{ChatRequest, ChunkPeek, Operation};
use patchbay::plugin::{Event, Exchange, Framing, Head, Input, Next};
use patchbay::stream::{Chunks, Expected, Meter};
use patchbay::upstream::Framer;
use patchbay_bench::Guests;
use serde_json::json;
use tikv_jemallocator::Jemalloc;
use tokio::runtime::Runtime;

/// The gateway's.
#[global_allocator]
static ALLOCATOR: Jemalloc = Jemalloc;

const NOW: u64 = 1_700_000_000_000;
/// Of a stream.
const EXPECTED: Expected = Expected {
    usage: true,
    choices: 1,
    input: 1000,
};
/// Exchanges that are started before any of them is advanced: far fewer than there may be instances.
const STARTED: BatchSize = BatchSize::NumIterations(50);

fn guests() -> Guests {
    let program = std::env::current_exe().expect("the program's path");
    let target: PathBuf = program.ancestors().nth(3).expect("a target folder").to_owned();
    Guests::load(&target.join("plugins"), &target.join("bench-plugins"))
        .expect("plugins: run `make bench` first")
}

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .expect("a runtime")
}

/// A request whose body is about so many bytes.
fn request(bytes: usize) -> Bytes {
    let text = "What would you do? ".repeat(bytes.saturating_sub(130) / 19);
    let messages = json!([{"role": "system", "content": "Be brief."}, {"role": "user", "content": text}]);
    Bytes::from(json!({"model": "model", "messages": messages, "temperature": 0.5}).to_string())
}

/// A reply of about 2 KB.
fn reply() -> Bytes {
    let message = json!({"role": "assistant", "content": "I would wait and see. ".repeat(80)});
    let choices = json!([{"index": 0, "message": message, "finish_reason": "stop"}]);
    let usage = json!({"prompt_tokens": 1200, "completion_tokens": 400, "total_tokens": 1600});
    let created = NOW / 1000;
    let body = json!({"id": "a", "object": "chat.completion", "created": created, "model": "model",
        "choices": choices, "usage": usage});
    Bytes::from(body.to_string())
}

fn chunk(token: usize) -> String {
    let choices = json!([{"index": 0, "delta": {"content": format!(" token-{token}")}, "logprobs": null,
        "finish_reason": null}]);
    json!({"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": NOW / 1000, "model": "model",
        "system_fingerprint": "fp", "choices": choices, "usage": null})
    .to_string()
}

fn exchanges(c: &mut Criterion) {
    let (guests, runtime) = (guests(), runtime());
    let mut group = c.benchmark_group("exchange");
    let small = request(200);
    group.bench_function("start unchanged, fresh instance", |b| {
        b.iter(|| {
            runtime
                .block_on(guests.canonical.start(small.clone()))
                .expect("started")
        });
    });
    let body = request(5_000);
    group.bench_function("start rewriting 5 KB, fresh instance", |b| {
        b.iter(|| {
            runtime
                .block_on(guests.translating.start(body.clone()))
                .expect("started")
        });
    });
    let reply = reply();
    let start = || {
        runtime
            .block_on(guests.translating.start(small.clone()))
            .expect("started")
            .0
    };
    group.bench_function("advance with a reply of 2 KB", |b| {
        let advanced = |exchange| runtime.block_on(advance(exchange, reply.clone()));
        b.iter_batched(start, advanced, STARTED);
    });
    group.finish();
}

/// Hands the exchange back, so that giving up its instance is not counted.
async fn advance(mut exchange: Exchange, body: Bytes) -> Exchange {
    let head = Head {
        status: 200,
        headers: Vec::new(),
    };
    let progress = exchange
        .advance(NOW, Input::Reply { head, body })
        .await
        .expect("advanced");
    assert!(matches!(progress.next, Next::Done), "{progress:?}");
    exchange
}

fn requests(c: &mut Criterion) {
    let mut group = c.benchmark_group("request");
    for (name, body) in [("1 KB", request(1_000)), ("100 KB", request(100_000))] {
        group.throughput(Throughput::Bytes(body.len() as u64));
        let parse = || ChatRequest::parse(Operation::Chat, body.clone(), None).expect("a request");
        group.bench_function(format!("parse {name}"), |b| b.iter(parse));
        let parsed = parse();
        group.bench_function(format!("for_upstream {name}"), |b| {
            b.iter(|| parsed.for_upstream(black_box("another-model"), None, std::iter::empty()));
        });
    }
    group.finish();
}

fn streams(c: &mut Criterion) {
    let mut group = c.benchmark_group("stream");
    let chunks: Vec<Bytes> = (0..100).map(|token| Bytes::from(chunk(token))).collect();
    let framed: String = (0..100)
        .map(|token| format!("data: {}\n\n", chunk(token)))
        .collect();
    let framed = Bytes::from(framed);
    group.bench_function("ChunkPeek::read", |b| {
        b.iter(|| ChunkPeek::read(black_box(&chunks[0])).expect("a chunk"));
    });
    group.throughput(Throughput::Elements(100));
    group.bench_function("Framer::push of 100 events", |b| {
        b.iter(|| {
            let mut framer = Framer::new(Framing::Sse).expect("a framing with events");
            let mut events: Vec<Event> = Vec::new();
            framer.push(framed.clone(), &mut events).expect("events");
            assert_eq!(events.len(), 100);
            events
        });
    });
    group.bench_function("Meter::pass of 100 events", |b| {
        b.iter(|| {
            let (mut meter, mut out) = (Meter::new(EXPECTED), Chunks::default());
            chunks.iter().for_each(|chunk| {
                meter.pass(chunk, &mut out).expect("a chunk");
            });
            out
        });
    });
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default().warm_up_time(Duration::from_secs(1)).measurement_time(Duration::from_secs(3));
    targets = exchanges, requests, streams
}
criterion_main!(benches);
