//! An address where connecting takes for ever.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::time::timeout;

/// How long a connection on the same machine may take to come about before it is taken to hang.
const HANGS: Duration = Duration::from_millis(100);
/// More connections than any system lets wait when asked for the fewest.
const MOST: usize = 64;

/// A port on 127.0.0.1 where connecting neither succeeds nor fails for as long as this lives: it is
/// listened on, but nothing is accepted and the queue is full, so Linux drops further callers' packets.
#[derive(Debug)]
pub struct Silent {
    addr: SocketAddr,
    _listener: TcpListener,
    /// Those who fill the queue.
    _waiting: Vec<TcpStream>,
}

impl Silent {
    /// Takes a free port and fills its queue.
    ///
    /// # Errors
    /// There is no free port, or the system lets everybody in.
    pub async fn start() -> io::Result<Self> {
        let socket = TcpSocket::new_v4()?;
        socket.bind((Ipv4Addr::LOCALHOST, 0).into())?;
        let listener = socket.listen(1)?;
        let addr = listener.local_addr()?;
        let mut waiting = Vec::new();
        while let Ok(connected) = timeout(HANGS, TcpStream::connect(addr)).await {
            waiting.push(connected?);
            if waiting.len() == MOST {
                return Err(io::Error::new(
                    io::ErrorKind::Unsupported,
                    "this system has no full queue of connections: try it on Linux",
                ));
            }
        }
        Ok(Self {
            addr,
            _listener: listener,
            _waiting: waiting,
        })
    }

    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// `http://host:port`.
    pub fn url(&self) -> String {
        format!("http://{}", self.addr)
    }
}
