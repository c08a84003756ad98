//! `[server]`: where it listens and how it may be called.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use super::keys;
use crate::config::kinds::{ADDRESS, DURATION, PERIOD, SWITCH};
use crate::config::reader::{Place, Section};
use crate::config::settings::{Admission, Server};

const LISTEN: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 8080);
const MAX_BODY: usize = 32 << 20;
const DRAIN: Duration = Duration::from_secs(30);
const KEEP_ALIVE: Duration = Duration::from_secs(10);
const ADMISSION: Admission = Admission {
    concurrency: 10_000,
    queue: 1_000,
    wait: Duration::from_secs(10),
};
/// Most that can be set, for both numbers.
const MOST_AT_ONCE: i64 = 1_000_000;

/// `[server]` and where its admin key stands, for the caller keys to be compared with.
pub(super) struct ServerDraft {
    pub(super) settings: Server,
    pub(super) admin_key: Place,
}

pub(super) fn read(section: Section<'_>) -> ServerDraft {
    let listen = section.field("listen");
    let address = listen
        .as_ref()
        .map_or(Some(LISTEN), |field| Some(field.text(&ADDRESS)?.1));
    let authentication = section.text("authentication", &SWITCH).unwrap_or(true);
    if !authentication && address.is_some_and(|address| !address.ip().is_loopback()) {
        section.report.error(
            &section.place_of("authentication"),
            "can only be \"off\" on a loopback address",
            "listen on 127.0.0.1, or leave it on and add [[keys]]",
        );
    }
    let draft = ServerDraft {
        settings: Server {
            listen: address.unwrap_or(LISTEN),
            admin_key: section
                .field("admin_key")
                .and_then(|field| keys::caller_secret(section.report, &field)),
            authentication,
            max_body: section.bytes("max_body").unwrap_or(MAX_BODY),
            drain: section.text("drain", &DURATION).unwrap_or(DRAIN),
            keep_alive: section.text("keep_alive", &PERIOD).unwrap_or(Some(KEEP_ALIVE)),
            admission: admission(&section),
        },
        admin_key: section.place_of("admin_key"),
    };
    section.finish();
    draft
}

fn admission(section: &Section<'_>) -> Admission {
    Admission {
        concurrency: section
            .whole("concurrency", 1..=MOST_AT_ONCE)
            .unwrap_or(ADMISSION.concurrency),
        queue: section
            .whole("queue", 0..=MOST_AT_ONCE)
            .unwrap_or(ADMISSION.queue),
        wait: section.text("queue_wait", &DURATION).unwrap_or(ADMISSION.wait),
    }
}
