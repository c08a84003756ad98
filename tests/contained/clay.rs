//! Plugins written by hand, instruction by instruction, and made components of here. A plugin of clay does its work
//! properly, except for the instructions that an attack puts into it: so an attack is no more than those.
//!
//! The layouts are those of the Canonical ABI (component-model, CanonicalABI.md) for the records in `wit/0.1.0`.

use std::path::Path;

use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

/// What is put into a proper plugin: instructions in WebAssembly's text format, which leave nothing on the stack.
/// They may use `$spin` (rounds), `$take` (bytes of memory), `$recurse` (calls), `$fill` (address and bytes, with copies of the first eight),
/// `$calls` (how often this instance's
/// exchanges were called), and what `items` define.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clay {
    /// Imports of the world, as WIT ("import wasi:cli/exit@0.2.6;").
    pub(crate) world: &'static str,
    /// Imports of the module that belong to them.
    pub(crate) imports: &'static str,
    /// Further items of the module: memories, tables, functions.
    pub(crate) items: &'static str,
    /// The start function, run by instantiation.
    pub(crate) instantiate: &'static str,
    /// `$description` is the address of what is about to be returned.
    pub(crate) describe: &'static str,
    pub(crate) start: &'static str,
    /// `$progress` is the address of what is about to be returned.
    pub(crate) advance: &'static str,
    /// The destructor of an exchange.
    pub(crate) dropped: &'static str,
    /// Put in place of the allocator, which answers with an address for `$size` bytes.
    pub(crate) realloc: &'static str,
    /// JSON Schema of the settings, instead of one that allows none.
    pub(crate) schema: &'static str,
}

const ANSWER: &str = r#"{"id":"c","object":"chat.completion","created":0,"model":"clay","choices":[{"index":0,"message":{"role":"assistant","content":"done"},"finish_reason":"stop"}]}"#;
const NO_SETTINGS: &str = r#"{"type":"object","additionalProperties":false}"#;
/// Where the text of a module's strings begins.
const TEXT: usize = 4096;
/// Where the allocator begins; behind all text.
const HEAP: usize = 512 * 1024;

// === impl Clay ===

impl Clay {
    /// Does nothing but its work.
    pub(crate) const PROPER: Self = Self {
        world: "",
        imports: "",
        items: "",
        instantiate: "",
        describe: "",
        start: "",
        advance: "",
        dropped: "",
        realloc: "",
        schema: "",
    };

    /// An adapter of the vendor "clay". It answers every call by itself, once it has been called again.
    pub(crate) fn adapter(&self) -> Vec<u8> {
        let mut text = Text::default();
        let description = [
            text.string("clay"),
            text.string("1.0.0"),
            text.strings(&["chat"]),
            text.endpoint("api"),
            text.secret("api_key"),
            text.string(if self.schema.is_empty() {
                NO_SETTINGS
            } else {
                self.schema
            }),
            (0, 0),
            text.string("{}"),
        ];
        let answer = text.string(ANSWER);
        let module = ADAPTER
            .replace("{text}", &text.data())
            .replace("{description}", &words(&description))
            .replace("{answer}", &words(&[answer]));
        component(&self.fill(&module), "adapter-plugin", self.world)
    }

    /// A strategy that chooses nobody. Of the instructions, those for `instantiate` and `describe` are
    /// put in.
    pub(crate) fn strategy(&self) -> Vec<u8> {
        let mut text = Text::default();
        let description = [text.string("1.0.0"), text.string(NO_SETTINGS), (0, 0)];
        let module = STRATEGY
            .replace("{text}", &text.data())
            .replace("{description}", &words(&description));
        component(&self.fill(&module), "strategy-plugin", self.world)
    }

    fn fill(&self, module: &str) -> String {
        let start = if self.instantiate.is_empty() {
            String::new()
        } else {
            format!("(func $instantiate {}) (start $instantiate)", self.instantiate)
        };
        module
            .replace("{tools}", TOOLS)
            .replace("{heap}", &HEAP.to_string())
            .replace("{imports}", self.imports)
            .replace("{items}", self.items)
            .replace("{instantiate}", &start)
            .replace("{describe}", self.describe)
            .replace("{start}", self.start)
            .replace("{advance}", self.advance)
            .replace("{dropped}", self.dropped)
            .replace("{realloc}", self.realloc)
    }
}

/// The component that a module in text makes, for a world of the contract with some imports more.
fn component(module: &str, world: &str, imports: &str) -> Vec<u8> {
    let mut module = wat::parse_str(module).unwrap_or_else(|error| panic!("{error}\n{module}"));
    let mut resolve = Resolve::default();
    let contract = Path::new(env!("CARGO_MANIFEST_DIR")).join("../wit/0.1.0");
    resolve.push_path(contract).unwrap();
    for package in crate::wasi::PACKAGES {
        resolve.push_str("wasi.wit", package).unwrap();
    }
    let own =
        format!("package tests:clay; world clay {{ include patchbay:plugin/{world}@0.1.0; {imports} }}");
    let own = resolve.push_str("clay.wit", &own).unwrap();
    let world = resolve.select_world(&[own], Some("clay")).unwrap();
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8).unwrap();
    let mut encoder = ComponentEncoder::default()
        .validate(true)
        .module(&module)
        .unwrap();
    encoder.encode().unwrap_or_else(|error| panic!("{error:#}"))
}

/// The component with a module more inside, instantiated so many times.
pub(crate) fn with_modules(mut component: Vec<u8>, module: &str, instances: u8) -> Vec<u8> {
    const CORE_MODULE: u8 = 1;
    const CORE_INSTANCES: u8 = 2;
    let own = sections(&component).filter(|id| *id == CORE_MODULE).count();
    let own = u8::try_from(own).unwrap();
    let module = wat::parse_str(module).unwrap();
    component.push(CORE_MODULE);
    component.extend(leb128(module.len()));
    component.extend(module);
    // Each of that module, without arguments.
    let list = [0, own, 0].repeat(usize::from(instances));
    component.push(CORE_INSTANCES);
    component.extend(leb128(list.len() + 1));
    component.push(instances);
    component.extend(list);
    component
}

/// The kinds of a component's sections.
fn sections(component: &[u8]) -> impl Iterator<Item = u8> {
    let mut rest = &component[8..];
    std::iter::from_fn(move || {
        let (&id, mut after) = rest.split_first()?;
        let (mut size, mut shift) = (0, 0);
        loop {
            let (&byte, next) = after.split_first()?;
            after = next;
            size |= usize::from(byte & 0x7f) << shift;
            shift += 7;
            if byte < 0x80 {
                break;
            }
        }
        rest = after.get(size..)?;
        Some(id)
    })
}

/// A number as WebAssembly writes it.
pub(crate) fn leb128(mut number: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    while number >= 0x80 {
        bytes.push((number & 0x7f) as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
    bytes
}

/// A module's strings and lists, at addresses.
#[derive(Default)]
struct Text {
    bytes: Vec<u8>,
}

impl Text {
    fn string(&mut self, text: &str) -> (usize, usize) {
        self.put(text.as_bytes(), text.len())
    }

    fn strings(&mut self, all: &[&str]) -> (usize, usize) {
        let list: Vec<_> = all.iter().map(|text| self.string(text)).collect();
        let bytes: Vec<u8> = list
            .iter()
            .flat_map(|(at, length)| [*at, *length])
            .flat_map(word)
            .collect();
        self.put(&bytes, all.len())
    }

    /// A list of one endpoint without a default URL.
    fn endpoint(&mut self, name: &str) -> (usize, usize) {
        let (at, length) = self.string(name);
        let bytes: Vec<u8> = [at, length, 0, 0, 0].into_iter().flat_map(word).collect();
        self.put(&bytes, 1)
    }

    /// A list of one credential field, which nobody needs.
    fn secret(&mut self, name: &str) -> (usize, usize) {
        let (at, length) = self.string(name);
        let bytes: Vec<u8> = [at, length, 1, 0, 0].into_iter().flat_map(word).collect();
        self.put(&bytes, 1)
    }

    fn put(&mut self, bytes: &[u8], length: usize) -> (usize, usize) {
        let at = TEXT + self.bytes.len();
        self.bytes.extend_from_slice(bytes);
        self.bytes.resize(self.bytes.len().next_multiple_of(8), 0);
        assert!(TEXT + self.bytes.len() < HEAP, "too much text");
        (at, length)
    }

    fn data(&self) -> String {
        format!("(data (i32.const {TEXT}) \"{}\")", escaped(&self.bytes))
    }
}

fn words(pairs: &[(usize, usize)]) -> String {
    let bytes: Vec<u8> = pairs
        .iter()
        .flat_map(|(at, length)| [*at, *length])
        .flat_map(word)
        .collect();
    escaped(&bytes)
}

fn word(value: usize) -> [u8; 4] {
    u32::try_from(value).unwrap().to_le_bytes()
}

fn escaped(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("\\{byte:02x}")).collect()
}

/// What attacks are made of.
const TOOLS: &str = r#"
  (func $spin (param $rounds i64)
    (loop $again
      (local.set $rounds (i64.sub (local.get $rounds) (i64.const 1)))
      (br_if $again (i64.gt_s (local.get $rounds) (i64.const 0)))))
  (func $take (param $bytes i32)
    (if (i32.lt_s (memory.grow (i32.shr_u (local.get $bytes) (i32.const 16))) (i32.const 0)) (then unreachable)))
  (func $recurse (param $calls i64) (result i64)
    (if (result i64) (i64.eqz (local.get $calls))
      (then (i64.const 0))
      (else (i64.add (local.get $calls) (call $recurse (i64.sub (local.get $calls) (i64.const 1)))))))
  (func $fill (param $at i32) (param $bytes i32)
    (local $end i32)
    (local.set $end (i32.add (local.get $at) (local.get $bytes)))
    (loop $again
      (i64.store offset=8 (local.get $at) (i64.load (local.get $at)))
      (local.set $at (i32.add (local.get $at) (i32.const 8)))
      (br_if $again (i32.lt_u (local.get $at) (local.get $end)))))
  (global $calls (mut i32) (i32.const 0))
  (global $heap (mut i32) (i32.const {heap}))
  (func $realloc (export "cabi_realloc") (param $old i32) (param $had i32) (param $align i32) (param $size i32) (result i32)
    (local $at i32) (local $end i32)
    {realloc}
    (local.set $at (i32.and (i32.add (global.get $heap) (i32.const 15)) (i32.const -16)))
    (local.set $end (i32.add (local.get $at) (local.get $size)))
    (if (i32.gt_u (local.get $end) (i32.shl (memory.size) (i32.const 16)))
      (then (call $take (i32.add (i32.const 65536) (i32.sub (local.get $end) (i32.shl (memory.size) (i32.const 16)))))))
    (global.set $heap (local.get $end))
    (local.get $at))
"#;

/// What it returns: a description at 1024, the result of `start` at 2048 and the progress within it at 2064 (a list
/// of chunks, usage, limits, warnings, and then the case of `next`), the chunk at 3072.
const ADAPTER: &str = r#"(module
  (import "[export]patchbay:plugin/adapter@0.1.0" "[resource-new]exchange" (func $new_exchange (param i32) (result i32)))
  (import "patchbay:plugin/calls@0.1.0" "[resource-drop]payload" (func $drop_payload (param i32)))
  (import "patchbay:plugin/calls@0.1.0" "[method]payload.bytes" (func $payload_bytes (param i32 i32)))
  (import "patchbay:plugin/log@0.1.0" "emit" (func $emit (param i32 i32 i32)))
  {imports}
  (memory (export "memory") 16)
  {text}
  (data (i32.const 1024) "{description}")
  (data (i32.const 3072) "{answer}\01\00\00\00")
  {tools}
  {items}
  {instantiate}
  (func (export "patchbay:plugin/adapter@0.1.0#describe") (result i32)
    (local $description i32)
    (local.set $description (i32.const 1024))
    {describe}
    (local.get $description))
  (func (export "patchbay:plugin/adapter@0.1.0#[static]exchange.start") (param $arguments i32) (result i32)
    (global.set $calls (i32.add (global.get $calls) (i32.const 1)))
    ;; Not during the trial, whose time is of 2023: an attack would wait for its hour.
    (if (i64.gt_u (i64.load offset=32 (local.get $arguments)) (i64.const 1_750_000_000_000)) (then {start}))
    (call $drop_payload (i32.load offset=88 (local.get $arguments)))
    (i32.store (i32.const 2048) (i32.const 0))
    (i32.store (i32.const 2056) (call $new_exchange (i32.const 1)))
    ;; next.pull, without a chunk
    (memory.fill (i32.const 2064) (i32.const 0) (i32.const 64))
    (i32.store (i32.const 2096) (i32.const 3))
    (i32.const 2048))
  (func (export "patchbay:plugin/adapter@0.1.0#[method]exchange.advance")
    (param $self i32) (param $now i64) (param i32 i32 i32 i32 i32 i32) (result i32)
    (local $progress i32)
    (global.set $calls (i32.add (global.get $calls) (i32.const 1)))
    (local.set $progress (i32.const 2064))
    ;; next.done, with one chunk
    (i32.store (i32.const 2064) (i32.const 3072))
    (i32.store (i32.const 2068) (i32.const 1))
    (i32.store (i32.const 2096) (i32.const 4))
    {advance}
    (local.get $progress))
  (func (export "patchbay:plugin/adapter@0.1.0#[dtor]exchange") (param $self i32)
    {dropped})
  (func (export "patchbay:plugin/adapter@0.1.0#renew") (param i32) (result i32)
    unreachable)
)"#;

const STRATEGY: &str = r#"(module
  {imports}
  (memory (export "memory") 16)
  {text}
  (data (i32.const 1024) "{description}")
  {tools}
  {items}
  {instantiate}
  (func (export "patchbay:plugin/strategy@0.1.0#describe") (result i32)
    {describe}
    (i32.const 1024))
  (func (export "patchbay:plugin/strategy@0.1.0#configure") (param i32 i32 i32 i32) (result i32)
    (i32.store (i32.const 2048) (i32.const 0))
    (i32.const 2048))
  (func (export "patchbay:plugin/strategy@0.1.0#rank") (param $arguments i32) (result i32)
    ;; nobody, and neither state nor note
    (memory.fill (i32.const 2048) (i32.const 0) (i32.const 64))
    (i32.const 2048))
)"#;
