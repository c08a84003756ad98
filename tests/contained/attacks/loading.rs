//! Files that are no plugins, or plugins that are too much to load. The good version goes on serving.

use std::fmt::Write;

use crate::attack::Attack;
use crate::clay::{Clay, leb128, with_modules};

const PROPER: Clay = Clay::PROPER;
const LOAD: &str = "plugin/load.rs, Plugin::load";
const WORLD: &str = "plugin/load.rs, world";
const PARSER: &str = "wasmtime's parser; plugin/log.rs, readable";
const SCHEMA: &str = "plugin/schema.rs, Schema::parse";

pub(crate) fn attacks() -> Vec<Attack> {
    [files(), worlds(), bombs(), descriptions()]
        .into_iter()
        .flatten()
        .collect()
}

fn file(name: &'static str, bytes: fn() -> Vec<u8>, defence: &'static str) -> Attack {
    Attack::new(name, bytes, defence).loads()
}

fn text(wat: &str) -> Vec<u8> {
    wat::parse_str(wat).unwrap()
}

fn files() -> Vec<Attack> {
    vec![
        file("an empty file", Vec::new, LOAD).refused(
            "an empty file",
        ),
        file("garbage", || b"#!/bin/sh\nreboot\n".repeat(50), LOAD).refused("not WebAssembly at all"),
        file("half a component", || PROPER.adapter()[..2000].to_vec(), PARSER)
            .refused(
                "not a WebAssembly component: failed to parse WebAssembly module: wasm component contains an invalid \
                 module section: section range 551..2147 is out of bounds (bound = 2000)",
            ),
        file("a core module", || text("(module)"), LOAD)
            .refused("a core module, not a component; `patchbay plugin build` makes the component"),
    ]
}

fn worlds() -> Vec<Attack> {
    vec![
        file("a component of another world", || text("(component (instance $i) (export \"acme:ads/agent@1.0.0\" (instance $i)))"), WORLD)
            .refused(
                "expected a component that exports patchbay:plugin/adapter@0.1.0 or patchbay:plugin/strategy@0.1.0, \
                 found one that exports acme:ads/agent@1.0.0; is it a plugin for patchbay at all? See \
                 wit/0.1.0/worlds.wit",
            ),
        file(
            "a contract nobody knows",
            || text("(component (instance $i) (export \"patchbay:plugin/adapter@9.9.9\" (instance $i)))"),
            WORLD,
        )
        .refused(
            "expected a component that exports patchbay:plugin/adapter@0.1.0 or patchbay:plugin/strategy@0.1.0, found \
             one that exports patchbay:plugin/adapter@9.9.9; it was built for version 9.9.9 of the WIT package, and this \
             gateway serves 0.1.0 and 0.0.1: build it against one of those, or use a gateway that serves its version",
        ),
        file(
            "an import nobody offers",
            || {
                text(
                    "(component (import \"acme:keys/all@1.0.0\" (instance)) (instance $i)
                        (export \"patchbay:plugin/adapter@0.1.0\" (instance $i)))",
                )
            },
            "plugin/load.rs, check_imports",
        )
        .refused("imports acme:keys/all@1.0.0, which a plugin is not given; remove it: a plugin may import \
             patchbay:plugin's calls and log, and nothing else"),
        file(
            "an adapter without functions",
            || text("(component (instance $i) (export \"patchbay:plugin/adapter@0.1.0\" (instance $i)))"),
            "wasmtime's linker (plugin/load.rs, start)",
        )
        .refused(
            "does not fit its world: instance export `patchbay:plugin/adapter@0.1.0` does not have export `describe`; \
             build it against wit/0.1.0",
        ),
    ]
}

fn bombs() -> Vec<Attack> {
    vec![
        file("too many tables", || with_modules(PROPER.adapter(), "(module (table 1 funcref))", 20), "limits.tables (plugin/store.rs, tables)")
            .refused("plugin suspect, instantiation: has more tables than the limit of 16 (plugins.limits.tables)")
            .taken_if("tables = 50"),
        file("too many memories", || with_modules(PROPER.adapter(), "(module (memory 1))", 12), "limits.memories (plugin/store.rs, memories)")
            .refused("plugin suspect, instantiation: has more memories than the limit of 8 (plugins.limits.memories)")
            .taken_if("memories = 20"),
        file("too many modules", || with_modules(PROPER.adapter(), "(module)", 100), "limits.core_instances (plugin/store.rs, instances)")
            .refused(
                "plugin suspect, instantiation: has more core modules inside than the limit of 64 \
                 (plugins.limits.core_instances)",
            )
            .taken_if("core_instances = 200"),
        file("a component beyond measure", || padded(2_000_000), "limits.component (plugin/folder.rs, read_whole)")
            .under("component = \"1MiB\"")
            .refused("2011118 bytes, more than the limit of 1048576 (plugins.limits.component)")
            .taken_if("component = \"4MiB\""),
        file("a component that takes long to compile", compile_bomb, "app/reload.rs: a thread of its own").comes_to("taken"),
        file("a component of countless parts", many_instances, "wasmparser's limits").refused(
            "not a WebAssembly component: failed to parse WebAssembly module: instances count exceeds limit of 1000 (at \
             offset 0x37)",
        ),
        file("a component with much to say", many_words, WORLD).refused(
            &much_said(),
        ),
    ]
}

/// A good component with so many bytes that mean nothing.
fn padded(bytes: usize) -> Vec<u8> {
    let mut padded = PROPER.adapter();
    padded.push(0);
    padded.extend(leb128(bytes + 2));
    padded.extend([1, b'n']);
    padded.resize(padded.len() + bytes, 0);
    padded
}

/// Some megabytes of code that somebody has to compile.
fn compile_bomb() -> Vec<u8> {
    static ITEMS: std::sync::LazyLock<String> = std::sync::LazyLock::new(|| {
        let step = "(local.set 0 (i64.add (i64.mul (local.get 0) (i64.const 6364136223846793005)) (local.get 1)))
            (if (i64.lt_s (local.get 0) (local.get 1)) (then (local.set 1 (i64.rotl (local.get 0) (i64.const 7)))))";
        let body = step.repeat(200);
        let mut items = String::new();
        for number in 0..200 {
            let _ = write!(
                items,
                "(func $slow{number} (param i64 i64) (result i64) {body} (local.get 0))"
            );
        }
        items
    });
    Clay {
        items: &ITEMS,
        ..PROPER
    }
    .adapter()
}

/// A component made of many modules.
fn many_instances() -> Vec<u8> {
    let mut wat = "(component (core module $m (func (export \"f\")))".to_owned();
    (0..5000).for_each(|_| wat.push_str("(core instance (instantiate $m))"));
    wat.push_str("(instance $i) (export \"patchbay:plugin/adapter@0.1.0\" (instance $i)))");
    text(&wat)
}

/// Exports many things, under long names.
fn many_words() -> Vec<u8> {
    let mut wat = "(component (instance $i)".to_owned();
    let long = "x".repeat(1000);
    for number in 0..500 {
        let _ = write!(wat, "(export \"acme:ads/a{number}-{long}\" (instance $i))");
    }
    wat.push(')');
    text(&wat)
}

/// Five names, and no more than 2048 characters.
fn much_said() -> String {
    let names = (0..5).map(|number| format!("acme:ads/a{number}-{}", "x".repeat(1000)));
    let said = format!(
        "expected a component that exports patchbay:plugin/adapter@0.1.0 or patchbay:plugin/strategy@0.1.0, found one \
         that exports {} and 495 more",
        names.collect::<Vec<_>>().join(", ")
    );
    said.chars().take(2048).collect()
}

fn descriptions() -> Vec<Attack> {
    const LISTS: &str = "plugin/description.rs, Description::check";
    vec![
        file(
            "a million operations",
            || {
                Clay {
                    describe: "(call $take (i32.const 9000000))
                        (i64.store (i32.const 1048576) (i64.load (i32.load offset=16 (local.get $description))))
                        (call $fill (i32.const 1048576) (i32.const 8000000))
                        (i32.store offset=16 (local.get $description) (i32.const 1048576))
                        (i32.store offset=20 (local.get $description) (i32.const 1000000))",
                    ..PROPER
                }
                .adapter()
            },
            LISTS,
        )
        .refused("plugin suspect, adapter.describe: broke the contract: 1000000 operations; at most 256"),
        file(
            "a million reply headers",
            || {
                Clay {
                    describe: "(call $take (i32.const 9000000))
                        (i32.store offset=48 (local.get $description) (i32.const 1048576))
                        (i32.store offset=52 (local.get $description) (i32.const 1000000))",
                    ..PROPER
                }
                .adapter()
            },
            LISTS,
        )
        .refused("plugin suspect, adapter.describe: broke the contract: 1000000 reply-headers; at most 256"),
        file("a schema of itself", || Clay { schema: r##"{"$ref":"#"}"##, ..PROPER }.adapter(), SCHEMA).refused(&schema(
            "a settings-schema of more than 200 levels when its references are written out; it must not refer to itself",
        )),
        file("a schema that looks elsewhere", || Clay { schema: r#"{"$ref":"http://127.0.0.1:9/x"}"#, ..PROPER }.adapter(), SCHEMA)
            .refused(&schema(
                "settings-schema refers to \"http://127.0.0.1:9/x\"; it may refer to parts of itself, as \"#/$defs/name\"",
            )),
        file("a schema that reads files", || Clay { schema: r#"{"$ref":"file:///etc/passwd"}"#, ..PROPER }.adapter(), SCHEMA)
            .refused(&schema(
                "settings-schema refers to \"file:///etc/passwd\"; it may refer to parts of itself, as \"#/$defs/name\"",
            )),
        file("a schema that doubles", doubling, SCHEMA)
            .refused(&schema("a settings-schema of more than 20000 values when its references are written out")),
    ]
}

fn schema(problem: &str) -> String {
    format!("plugin suspect, adapter.describe: broke the contract: {problem}")
}

/// Each definition asks twice for the next: 2^40 checks.
fn doubling() -> Vec<u8> {
    static TEXT: std::sync::LazyLock<String> = std::sync::LazyLock::new(|| {
        let links: Vec<String> = (0..40)
            .map(|n| {
                format!(
                    "\"a{n}\":{{\"allOf\":[{{\"$ref\":\"#/$defs/a{0}\"}},{{\"$ref\":\"#/$defs/a{0}\"}}]}}",
                    n + 1
                )
            })
            .collect();
        format!(
            "{{\"$ref\":\"#/$defs/a0\",\"$defs\":{{{},\"a40\":{{}}}}}}",
            links.join(",")
        )
    });
    Clay {
        schema: &TEXT,
        ..PROPER
    }
    .adapter()
}
