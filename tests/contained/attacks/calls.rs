//! What a call into a plugin may use up: time, memory, tables, stack, handles; and what becomes of one that traps or
//! returns what cannot be read.

use patchbay_tests::component;
use serde_json::json;

use crate::attack::Attack;
use crate::clay::{Clay, with_modules};

/// Longer than any limit here, and shorter than anybody would wait for.
const FOR_LONG: &str = "(call $spin (i64.const 400000000))";
/// 100 MB.
const MUCH: &str = "(call $take (i32.const 100000000))";

const CALL: &str = "took longer than the limit of 50 ms (plugins.limits.call)";
const MEMORY: &str = "needs more memory than the limit of 16777216 bytes (plugins.limits.memory)";
const TABLE: &str = "needs a table larger than the limit of 10000 elements (plugins.limits.table_elements)";
const CALL_DEFENCE: &str = "limits.call (plugin/store.rs, check_time)";
const MEMORY_DEFENCE: &str = "limits.memory (plugin/store.rs, memory_growing)";
const ABI: &str = "wasmtime's reading of results; plugin/error.rs, Problem::from_call";

const PROPER: Clay = Clay::PROPER;

pub(crate) fn attacks() -> Vec<Attack> {
    [time(), crowds(), memory(), tables_and_handles(), traps()]
        .into_iter()
        .flatten()
        .collect()
}

fn time() -> Vec<Attack> {
    vec![
        Attack::new(
            "loop in exchange.start",
            || {
                Clay {
                    start: FOR_LONG,
                    ..PROPER
                }
                .adapter()
            },
            CALL_DEFENCE,
        )
        .under("call = \"50ms\"")
        .fails("exchange.start", "call", CALL)
        .unless("call = \"20s\""),
        Attack::new(
            "loop in exchange.advance",
            || {
                Clay {
                    advance: FOR_LONG,
                    ..PROPER
                }
                .adapter()
            },
            CALL_DEFENCE,
        )
        .under("call = \"50ms\"")
        .fails("exchange.advance", "call", CALL)
        .unless("call = \"20s\""),
        Attack::new(
            "loop in the allocator",
            || {
                Clay {
                    realloc: "(call $spin (i64.const 50000000))",
                    ..PROPER
                }
                .adapter()
            },
            CALL_DEFENCE,
        )
        .loads()
        .under("call = \"50ms\"")
        .refused(&format!(
            "its trial went wrong: plugin suspect@1.0.0, exchange.start: {CALL}"
        ))
        .taken_if("call = \"20s\""),
        Attack::new(
            "loop in the destructor",
            || {
                Clay {
                    dropped: FOR_LONG,
                    ..PROPER
                }
                .adapter()
            },
            CALL_DEFENCE,
        )
        .under("call = \"50ms\"")
        .reused()
        // The caller had the answer before.
        .comes_to(&format!(
            "callers: 200\nlogged: exchange.drop: {CALL}\ncounted: exchange.drop call"
        ))
        .unless("call = \"20s\""),
        Attack::new(
            "loop in describe",
            || {
                Clay {
                    describe: FOR_LONG,
                    ..PROPER
                }
                .adapter()
            },
            CALL_DEFENCE,
        )
        .loads()
        .under("call = \"50ms\"")
        .refused(&format!("plugin suspect, adapter.describe: {CALL}"))
        .taken_if("call = \"20s\""),
        Attack::new(
            "loop in the start function",
            || {
                Clay {
                    instantiate: FOR_LONG,
                    ..PROPER
                }
                .adapter()
            },
            CALL_DEFENCE,
        )
        .loads()
        .under("call = \"50ms\"")
        .refused(&format!("plugin suspect, instantiation: {CALL}"))
        .taken_if("call = \"20s\""),
        Attack::new(
            "loop in a strategy's describe",
            || {
                Clay {
                    describe: FOR_LONG,
                    ..PROPER
                }
                .strategy()
            },
            CALL_DEFENCE,
        )
        .loads()
        .under("call = \"50ms\"")
        .refused(&format!("plugin suspect, strategy.describe: {CALL}"))
        .taken_if("call = \"20s\""),
    ]
}

/// Many callers at once. One plugin's run short of what is its own, and nobody else's do.
fn crowds() -> Vec<Attack> {
    vec![
        Attack::new(
            "instances held by a slow vendor",
            || component("hostile"),
            "limits.instances (plugin/instance.rs, enter)",
        )
        .told(&json!({"do": "send", "edit": ["model", "\"slow\""]}))
        .at_once(8)
        // Were the limit the gateway's alone, nothing would be left for the innocents.
        .under("instances = 2\nplugins.instances = 8")
        .sends("/suspect/v1/chat/completions")
        .comes_to(
            "callers: 200, 503 overloaded\n\
             logged: exchange.start: all 2 instances are in use (plugins.limits.instances)\n\
             counted: exchange.start instances",
        )
        .unless("instances = 8\nplugins.instances = 8"),
        Attack::new(
            "loops by many callers",
            || {
                Clay {
                    start: FOR_LONG,
                    ..PROPER
                }
                .adapter()
            },
            "limits.threads (plugin/lane.rs, run)",
        )
        // Far more than are under way before the plugin is found to be slow.
        .at_once(60)
        .under("call = \"50ms\"\nthreads = 1")
        .comes_to(&format!(
            "callers: 502 plugin_error, 503 overloaded\n\
             logged: exchange.start: too slow for the hot path, and busy on all of its 1 threads \
             (plugins.limits.threads)\nlogged: exchange.start: {CALL}\ncounted: exchange.start call\ncounted: exchange.start threads"
        ))
        .lifted(
            "call = \"50ms\"\nthreads = 60",
            &format!(
                "callers: 502 plugin_error\nlogged: exchange.start: {CALL}\ncounted: exchange.start call"
            ),
        ),
    ]
}

fn memory() -> Vec<Attack> {
    vec![
        Attack::new(
            "memory growth",
            || {
                Clay {
                    start: MUCH,
                    ..PROPER
                }
                .adapter()
            },
            MEMORY_DEFENCE,
        )
        .under("memory = \"16MiB\"")
        .fails("exchange.start", "memory", MEMORY)
        .unless("memory = \"256MiB\""),
        Attack::new(
            "memory growth in describe",
            || {
                Clay {
                    describe: MUCH,
                    ..PROPER
                }
                .adapter()
            },
            MEMORY_DEFENCE,
        )
        .loads()
        .under("memory = \"16MiB\"")
        .refused(&format!("plugin suspect, adapter.describe: {MEMORY}"))
        .taken_if("memory = \"256MiB\""),
        Attack::new(
            "a second memory, declared large",
            || with_modules(PROPER.adapter(), "(module (memory 1600))", 1),
            MEMORY_DEFENCE,
        )
        .loads()
        .under("memory = \"16MiB\"")
        .refused(&format!("plugin suspect, instantiation: {MEMORY}"))
        .taken_if("memory = \"256MiB\""),
        Attack::new(
            "memory hoarded piece by piece",
            || component("hostile"),
            MEMORY_DEFENCE,
        )
        .told(&json!({"do": "hoard", "most": 32 << 20}))
        .under("memory = \"16MiB\"")
        .fails("exchange.start", "memory", MEMORY)
        .unless("memory = \"64MiB\""),
    ]
}

fn tables_and_handles() -> Vec<Attack> {
    const TABLES: &str = "limits.table_elements (plugin/store.rs, table_growing)";
    vec![
        Attack::new(
            "table growth",
            || {
                Clay {
                    items: "(table $t 1 funcref)",
                    start: "(if (i32.lt_s (table.grow $t (ref.null func) (i32.const 15000)) (i32.const 0)) (then unreachable))",
                    ..PROPER
                }
                .adapter()
            },
            TABLES,
        )
        .under("table_elements = 10000")
        .fails("exchange.start", "table_elements", TABLE)
        .unless("table_elements = 20000"),
        Attack::new("a table declared large", || Clay { items: "(table $t 15000 funcref)", ..PROPER }.adapter(), TABLES)
            .loads()
            .under("table_elements = 10000")
            .refused(&format!("plugin suspect, instantiation: {TABLE}"))
            .taken_if("table_elements = 20000"),
        Attack::new(
            "deep recursion",
            || Clay { start: "(drop (call $recurse (i64.const 10000)))", ..PROPER }.adapter(),
            "plugins.stack (plugin/engine.rs, max_wasm_stack)",
        )
        .under("plugins.stack = \"128KiB\"")
        .fails("exchange.start", "stack", "nested its calls deeper than its stack of 131072 bytes (plugins.stack)")
        .unless("plugins.stack = \"1MiB\""),
        Attack::new("recursion without end", || component("hostile"), "plugins.stack (plugin/engine.rs, max_wasm_stack)")
            .told(&json!({"do": "recurse"}))
            .fails("exchange.start", "stack", "nested its calls deeper than its stack of 524288 bytes (plugins.stack)"),
        Attack::new(
            "handles without end",
            || {
                Clay {
                    items: "(global $left (mut i32) (i32.const 2000))",
                    start: "(loop $more
                        (drop (call $new_exchange (i32.const 1)))
                        (global.set $left (i32.sub (global.get $left) (i32.const 1)))
                        (br_if $more (global.get $left)))",
                    ..PROPER
                }
                .adapter()
            },
            "limits.handles (plugin/store.rs, new_store)",
        )
        .fails("exchange.start", "handles", "holds more handles than the limit of 1024 (plugins.limits.handles)")
        .unless("handles = 100000"),
    ]
}

fn traps() -> Vec<Attack> {
    vec![
        Attack::new("a panic", || component("hostile"), "plugin/error.rs, Problem::from_call")
            .told(&json!({"do": "panic", "message": "ouch"}))
            .fails(
                "exchange.start",
                "trap",
                "panicked at hostile/src/lib.rs:196:40: ouch (wasm trap: wasm `unreachable` instruction executed)",
            ),
        Attack::new(
            "a trap in every third exchange of an instance",
            || Clay { start: "(if (i32.eq (global.get $calls) (i32.const 5)) (then unreachable))", ..PROPER }.adapter(),
            "plugin/adapter.rs, Exchange: an instance that trapped is not used again",
        )
        .times(6)
        .reused()
        .comes_to("callers: 200, 502 plugin_error\nlogged: exchange.start: wasm trap: wasm `unreachable` instruction executed\ncounted: exchange.start trap"),
        Attack::new(
            "an allocator that points nowhere",
            || Clay { realloc: "(return (i32.const -256))", ..PROPER }.adapter(),
            ABI,
        )
        .loads()
        .refused("its trial went wrong: plugin suspect@1.0.0, exchange.start: realloc return: beyond end of memory"),
        Attack::new(
            "a list longer than memory",
            || Clay { advance: "(i32.store (i32.const 2068) (i32.const 0x7fffffff))", ..PROPER }.adapter(),
            ABI,
        )
        .fails("exchange.advance", "trap", "list pointer/length out of bounds of memory"),
        Attack::new(
            "a result that lies nowhere",
            || Clay { advance: "(local.set $progress (i32.const -8))", ..PROPER }.adapter(),
            ABI,
        )
        .fails("exchange.advance", "trap", "pointer out of bounds of memory"),
        Attack::new(
            "a case that does not exist",
            || Clay { advance: "(i32.store (i32.const 2096) (i32.const 77))", ..PROPER }.adapter(),
            ABI,
        )
        .fails("exchange.advance", "trap", "unexpected discriminant: 77"),
        Attack::new(
            "a name that is no text",
            || Clay { describe: "(i32.store8 (i32.load (local.get $description)) (i32.const 255))", ..PROPER }.adapter(),
            ABI,
        )
        .loads()
        .refused("plugin suspect, adapter.describe: invalid utf-8 sequence of 1 bytes from index 0"),
    ]
}
