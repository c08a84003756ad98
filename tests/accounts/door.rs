//! A door in front of the simulator that can be shut: connections are refused then, and those that stood break.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Mutex, PoisonError};

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

#[derive(Debug)]
pub(crate) struct Door {
    addr: SocketAddr,
    behind: SocketAddr,
    serving: Mutex<Option<JoinHandle<()>>>,
    /// Keeps the port while the door is shut; nobody listens on it.
    _socket: TcpSocket,
}

// === impl Door ===

impl Door {
    /// Open, on a free port.
    pub(crate) fn to(behind: SocketAddr) -> Self {
        let socket = on((Ipv4Addr::LOCALHOST, 0).into()).unwrap();
        let door = Self {
            addr: socket.local_addr().unwrap(),
            behind,
            serving: Mutex::default(),
            _socket: socket,
        };
        door.open();
        door
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.addr)
    }

    pub(crate) fn open(&self) {
        let listener = on(self.addr).and_then(|socket| socket.listen(1024)).unwrap();
        let serving = tokio::spawn(serve(listener, self.behind));
        self.replace(Some(serving));
    }

    pub(crate) fn shut(&self) {
        self.replace(None);
    }

    fn replace(&self, serving: Option<JoinHandle<()>>) {
        let mut now = self.serving.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(before) = std::mem::replace(&mut *now, serving) {
            before.abort();
        }
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        self.shut();
    }
}

/// A socket that shares its port with others of this test.
fn on(addr: SocketAddr) -> io::Result<TcpSocket> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseport(true)?;
    socket.bind(addr)?;
    Ok(socket)
}

/// Aborted, it takes its listener and every connection with it.
async fn serve(listener: TcpListener, behind: SocketAddr) {
    let mut connections = JoinSet::new();
    while let Ok((mut near, _)) = listener.accept().await {
        connections.spawn(async move {
            let mut far = TcpStream::connect(behind).await?;
            copy_bidirectional(&mut near, &mut far).await.map(drop)
        });
    }
}
