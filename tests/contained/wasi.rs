//! As much of WASI 0.2 as the attacks ask for: names and types as <https://github.com/WebAssembly/WASI> has them.

/// Packages that a world may import from; later ones use earlier ones.
pub(crate) const PACKAGES: [&str; 6] = [
    "package wasi:io@0.2.6;
    interface error { resource error; }
    interface poll { resource pollable { block: func(); } poll: func(in: list<borrow<pollable>>) -> list<u32>; }
    interface streams {
        use error.{error};
        variant stream-error { last-operation-failed(error), closed }
        resource output-stream { blocking-write-and-flush: func(contents: list<u8>) -> result<_, stream-error>; }
    }",
    "package wasi:clocks@0.2.6;
    interface monotonic-clock {
        use wasi:io/poll@0.2.6.{pollable};
        now: func() -> u64;
        subscribe-duration: func(when: u64) -> pollable;
    }",
    "package wasi:cli@0.2.6;
    interface exit { exit: func(status: result); }
    interface stdout { use wasi:io/streams@0.2.6.{output-stream}; get-stdout: func() -> output-stream; }",
    "package wasi:filesystem@0.2.6;
    interface types {
        enum error-code { access, would-block, already, no-entry, not-permitted }
        resource descriptor { sync: func() -> result<_, error-code>; }
    }
    interface preopens { use types.{descriptor}; get-directories: func() -> list<tuple<descriptor, string>>; }",
    "package wasi:sockets@0.2.6;
    interface network {
        enum error-code { unknown, access-denied, not-supported }
        enum ip-address-family { ipv4, ipv6 }
    }
    interface tcp { resource tcp-socket; }
    interface tcp-create-socket {
        use network.{error-code, ip-address-family};
        use tcp.{tcp-socket};
        create-tcp-socket: func(address-family: ip-address-family) -> result<tcp-socket, error-code>;
    }",
    "package wasi:random@0.2.6;
    interface random { get-random-bytes: func(len: u64) -> list<u8>; }",
];
