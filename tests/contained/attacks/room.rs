//! What a component may try through WASI: the closed room has nothing behind its doors.

use crate::attack::Attack;
use crate::clay::Clay;

const PROPER: Clay = Clay::PROPER;
const GIVEN: &str = "plugin/room/given.rs";
const REFUSED: &str = "plugin/room/refused.rs";

const CLOCK: Clay = Clay {
    world: "import wasi:io/poll@0.2.6; import wasi:clocks/monotonic-clock@0.2.6;",
    imports: r#"
        (import "wasi:clocks/monotonic-clock@0.2.6" "now" (func $now (result i64)))
        (import "wasi:clocks/monotonic-clock@0.2.6" "subscribe-duration" (func $after (param i64) (result i32)))
        (import "wasi:io/poll@0.2.6" "[method]pollable.block" (func $block (param i32)))
        (import "wasi:io/poll@0.2.6" "poll" (func $poll (param i32 i32 i32)))"#,
    ..PROPER
};
const EXIT: Clay = Clay {
    world: "import wasi:cli/exit@0.2.6;",
    imports: r#"(import "wasi:cli/exit@0.2.6" "exit" (func $exit (param i32)))"#,
    ..PROPER
};
const FILES: Clay = Clay {
    world: "import wasi:filesystem/preopens@0.2.6; import wasi:filesystem/types@0.2.6;",
    imports: r#"
        (import "wasi:filesystem/preopens@0.2.6" "get-directories" (func $directories (param i32)))
        (import "wasi:filesystem/types@0.2.6" "[method]descriptor.sync" (func $sync (param i32 i32)))"#,
    ..PROPER
};
const SOCKETS: Clay = Clay {
    world: "import wasi:sockets/network@0.2.6; import wasi:sockets/tcp@0.2.6; import wasi:sockets/tcp-create-socket@0.2.6;",
    imports: r#"(import "wasi:sockets/tcp-create-socket@0.2.6" "create-tcp-socket" (func $socket (param i32 i32)))"#,
    ..PROPER
};
const RANDOM: Clay = Clay {
    world: "import wasi:random/random@0.2.6;",
    imports: r#"(import "wasi:random/random@0.2.6" "get-random-bytes" (func $random (param i64 i32)))"#,
    ..PROPER
};
const OUTPUT: Clay = Clay {
    world: "import wasi:cli/stdout@0.2.6; import wasi:io/error@0.2.6; import wasi:io/streams@0.2.6;",
    imports: r#"
        (import "wasi:cli/stdout@0.2.6" "get-stdout" (func $stdout (result i32)))
        (import "wasi:io/streams@0.2.6" "[method]output-stream.blocking-write-and-flush"
            (func $write (param i32 i32 i32 i32)))"#,
    ..PROPER
};

pub(crate) fn attacks() -> Vec<Attack> {
    [waiting(), outside(), output()].into_iter().flatten().collect()
}

fn denied(what: &str) -> String {
    format!("asked for what no plugin is given: {what}")
}

fn waiting() -> Vec<Attack> {
    vec![
        Attack::new(
            "sleep",
            || Clay { start: "(call $block (call $after (i64.const 3_000_000_000)))", ..CLOCK }.adapter(),
            REFUSED,
        )
        .fails("exchange.start", "denied", &denied("wasi:io/poll.[method]pollable.block: a plugin cannot wait")),
        Attack::new(
            "poll",
            || {
                Clay {
                    start: "(i32.store (i32.const 3200) (call $after (i64.const 3_000_000_000)))
                        (call $poll (i32.const 3200) (i32.const 1) (i32.const 3208))",
                    ..CLOCK
                }
                .adapter()
            },
            REFUSED,
        )
        .fails("exchange.start", "denied", &denied("wasi:io/poll.poll: a plugin cannot wait")),
        // It traps if the clock has moved.
        Attack::new(
            "the clock asked a million times",
            || {
                Clay {
                    items: "(global $left (mut i32) (i32.const 1000000)) (global $first (mut i64) (i64.const 0))",
                    start: "(global.set $first (call $now))
                        (loop $again
                            (if (i64.ne (call $now) (global.get $first)) (then unreachable))
                            (global.set $left (i32.sub (global.get $left) (i32.const 1)))
                            (br_if $again (global.get $left)))",
                    ..CLOCK
                }
                .adapter()
            },
            GIVEN,
        )
        .under("call = \"2s\"")
        .harmless(),
        Attack::new("exit", || Clay { start: "(call $exit (i32.const 0))", ..EXIT }.adapter(), GIVEN).fails(
            "exchange.start",
            "denied",
            &denied("wasi:cli/exit.exit: it ended itself in the middle of a call"),
        ),
        Attack::new("exit while it is loaded", || Clay { instantiate: "(call $exit (i32.const 1))", ..EXIT }.adapter(), GIVEN)
            .loads()
            .refused(&format!(
                "plugin suspect, instantiation: {}",
                denied("wasi:cli/exit.exit: it ended itself in the middle of a call")
            )),
    ]
}

fn outside() -> Vec<Attack> {
    vec![
        // It traps if there is a directory.
        Attack::new(
            "the directories of the machine",
            || {
                Clay {
                    start: "(call $directories (i32.const 3200)) (if (i32.load (i32.const 3204)) (then unreachable))",
                    ..FILES
                }
                .adapter()
            },
            GIVEN,
        )
        .harmless(),
        Attack::new(
            "a file by a guessed handle",
            || Clay { start: "(call $sync (i32.const 3) (i32.const 3200))", ..FILES }.adapter(),
            "wasmtime's handle tables",
        )
        .fails("exchange.start", "trap", "unknown handle index 3"),
        // It traps if it gets a socket, or is told anything but "access-denied".
        Attack::new(
            "a socket",
            || {
                Clay {
                    start: "(call $socket (i32.const 0) (i32.const 3200))
                        (if (i32.ne (i32.load8_u (i32.const 3200)) (i32.const 1)) (then unreachable))
                        (if (i32.ne (i32.load8_u (i32.const 3204)) (i32.const 1)) (then unreachable))",
                    ..SOCKETS
                }
                .adapter()
            },
            REFUSED,
        )
        .harmless(),
        Attack::new(
            "randomness beyond measure",
            || Clay { start: "(call $random (i64.const 0x7fffffffffffffff) (i32.const 3200))", ..RANDOM }.adapter(),
            GIVEN,
        )
        .fails("exchange.start", "denied", &denied("get-random-bytes: more than 65536 random bytes at once")),
    ]
}

fn output() -> Vec<Attack> {
    vec![
        Attack::new(
            "a flood on standard output",
            || {
                Clay {
                    items: "(global $out (mut i32) (i32.const 0)) (global $left (mut i32) (i32.const 50))",
                    start: "(global.set $out (call $stdout))
                        (loop $again
                            (call $write (global.get $out) (i32.const 4096) (i32.const 4000) (i32.const 3200))
                            (global.set $left (i32.sub (global.get $left) (i32.const 1)))
                            (br_if $again (global.get $left)))",
                    ..OUTPUT
                }
                .adapter()
            },
            "limits.log (plugin/store.rs, say)",
        )
        .fails(
            "exchange.start",
            "log",
            "logged more in one call than the limit of 65536 bytes (plugins.limits.log)",
        )
        .unless("log = \"1MiB\""),
    ]
}
