//! The simulator as its users hold it: start, rules, records, stop.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::response::Response;
use http::Request;
use hyper::body::Incoming;
use hyper::service::Service;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, ToSocketAddrs};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::doors::Tls;
use crate::record::Received;
use crate::rules::{ActiveRule, Rule};
use crate::server::{App, Door};
use crate::state::{Snapshot, State};
use crate::wire::Wire;
use crate::{control, exchange, server};

/// A running simulator. Dropping it closes its port and every connection, whatever they are doing.
#[derive(Debug)]
pub struct Simulator {
    addr: SocketAddr,
    state: Arc<State>,
    vendors: Vendors,
    serving: JoinHandle<()>,
}

/// Answers for all vendors, and for the control API beside them.
#[derive(Clone, Debug)]
struct Vendors {
    control: TowerToHyperService<Router>,
    state: Arc<State>,
}

/// Where the control API is.
const CONTROL: &str = "/control";

impl Simulator {
    /// Starts to listen, with no rules and recording on; port 0 takes a free port. Runs in the current
    /// tokio runtime.
    ///
    /// # Errors
    /// The address cannot be listened on.
    pub async fn start(addr: impl ToSocketAddrs) -> io::Result<Self> {
        let listener = TcpListener::bind(addr).await?;
        let addr = listener.local_addr()?;
        let state = Arc::new(State::new());
        let control = Router::new()
            .nest(CONTROL, control::routes())
            .with_state(Arc::clone(&state));
        let vendors = Vendors {
            control: TowerToHyperService::new(control),
            state: Arc::clone(&state),
        };
        let serving = server::serve(listener, Door::Plain, vendors.clone(), Arc::clone(&state));
        let serving = tokio::spawn(serving);
        Ok(Self {
            addr,
            state,
            vendors,
            serving,
        })
    }

    /// Opens a door for HTTPS on 127.0.0.1 whose handshake begins after `delay`, or never without one.
    /// It leads to the same rules and the same record, and closes when it is dropped.
    ///
    /// # Errors
    /// There is no free port, or no certificate can be made.
    pub async fn tls(&self, delay: Option<Duration>) -> io::Result<Tls> {
        Tls::start(self.vendors.clone(), Arc::clone(&self.state), delay).await
    }

    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// `http://host:port`; append `/v1/...` or `/{vendor}/v1/...`.
    pub fn url(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// Adds a rule after the others, whose counts stay.
    pub fn add(&self, rule: Rule) {
        self.state.rules.add(rule);
    }

    /// Replaces all rules; an empty list removes them.
    pub fn set_rules(&self, rules: Vec<Rule>) {
        self.state.rules.replace(rules);
    }

    pub fn rules(&self) -> Vec<ActiveRule> {
        self.state.rules.list()
    }

    /// The time since the start, by which the record counts.
    pub fn now(&self) -> Duration {
        self.state.now()
    }

    /// What was received, oldest first: the last 10,000.
    pub fn requests(&self) -> Vec<Received> {
        self.state.recorder.list()
    }

    pub fn forget_requests(&self) {
        self.state.recorder.clear();
    }

    /// Whether requests received from now on are recorded; counts per account go on either way.
    pub fn set_recording(&self, on: bool) {
        self.state.recorder.switch(on);
    }

    pub fn state(&self) -> Snapshot {
        self.state.snapshot()
    }

    /// Waits until nothing is in flight, for at most `limit`; whether that came to pass. A caller's
    /// leaving is noticed a moment after it, so tests wait before they look at how requests ended.
    pub async fn settled(&self, limit: Duration) -> bool {
        let deadline = Instant::now() + limit;
        while self.state.tallies.in_flight() > 0 {
            if Instant::now() >= deadline {
                return false;
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        true
    }

    /// Stops and waits until the port and all connections are closed.
    pub async fn stop(mut self) {
        self.serving.abort();
        // Aborted, as just asked for: that is the only way it ends.
        let _ = (&mut self.serving).await;
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl App for Vendors {
    async fn answer(&self, wire: &Arc<Wire>, request: Request<Incoming>) -> Response {
        let rest = request.uri().path().strip_prefix(CONTROL);
        if !rest.is_some_and(|rest| rest.starts_with('/')) {
            return exchange::answer(&self.state, wire, request).await;
        }
        let Ok(response) = self.control.call(request).await;
        response
    }
}
