//! `[server]`: where it listens and how it may be called.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use super::keys;
use crate::config::kinds::{ADDRESS, DURATION, SWITCH};
use crate::config::reader::{Place, Section};
use crate::config::settings::Server;

const LISTEN: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 8080);
const MAX_BODY: usize = 32 << 20;
const DRAIN: Duration = Duration::from_secs(30);

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
        },
        admin_key: section.place_of("admin_key"),
    };
    section.finish();
    draft
}
