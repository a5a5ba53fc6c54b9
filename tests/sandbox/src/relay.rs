//! Carries bytes between a loopback port of this machine and a port inside the node, through a socket file both can see.
use std::path::PathBuf;

use anyhow::{Context, Result};
use futures::future::try_join_all;
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream, UnixListener, UnixStream},
};

/// One relay as a flag gives it: `PORT=SOCKET`.
#[derive(Clone, Debug)]
pub(crate) struct Route {
    pub(crate) port: u16,
    pub(crate) socket: PathBuf,
}

impl std::str::FromStr for Route {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (port, socket) = text.split_once('=').ok_or("expected PORT=SOCKET")?;
        Ok(Self {
            port: port.parse().map_err(|error| format!("{port}: {error}"))?,
            socket: socket.into(),
        })
    }
}

/// Outside: from loopback ports to socket files. Runs until it is killed.
pub(crate) async fn outside(routes: Vec<Route>) -> Result<()> {
    try_join_all(routes.into_iter().map(async |Route { port, socket }| -> Result<()> {
        let listener = TcpListener::bind(("127.0.0.1", port))
            .await
            .with_context(|| format!("can't listen on port {port}"))?;
        loop {
            // A failed accept (too many files, a client that left) concerns one connection, not the relay.
            let Ok((mut client, _)) = listener.accept().await else {
                continue;
            };
            let socket = socket.clone();
            tokio::spawn(async move {
                let mut node = UnixStream::connect(socket).await?;
                client.set_nodelay(true)?;
                copy_bidirectional(&mut client, &mut node).await
            });
        }
    }))
    .await
    .map(drop)
}

/// Inside: from socket files to ports of the node. Runs until it is killed.
pub(crate) async fn inside(address: &str, routes: Vec<Route>) -> Result<()> {
    try_join_all(routes.into_iter().map(async |Route { port, socket }| -> Result<()> {
        let _ = std::fs::remove_file(&socket);
        let listener = UnixListener::bind(&socket).with_context(|| format!("can't listen on {}", socket.display()))?;
        loop {
            let Ok((mut client, _)) = listener.accept().await else {
                continue;
            };
            let address = address.to_owned();
            tokio::spawn(async move {
                let mut service = TcpStream::connect((address.as_str(), port)).await?;
                service.set_nodelay(true)?;
                copy_bidirectional(&mut client, &mut service).await
            });
        }
    }))
    .await
    .map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    #[tokio::test]
    async fn bytes_pass_both_ways() {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("service.sock");
        let service = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let service_port = service.local_addr().unwrap().port();
        let free = TcpListener::bind("127.0.0.1:0")
            .await
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let route = |port| {
            vec![Route {
                port,
                socket: socket.clone(),
            }]
        };
        let (inner, outer) = (route(service_port), route(free));
        tokio::spawn(async move { inside("127.0.0.1", inner).await });
        tokio::spawn(async move { outside(outer).await });
        tokio::spawn(async move {
            let (mut connection, _) = service.accept().await.unwrap();
            let mut word = [0; 4];
            connection.read_exact(&mut word).await.unwrap();
            connection
                .write_all(&word.map(|letter| letter.to_ascii_uppercase()))
                .await
                .unwrap();
        });
        let mut client = loop {
            // Either relay may still be starting.
            if let Ok(client) = TcpStream::connect(("127.0.0.1", free)).await
                && socket.exists()
            {
                break client;
            }
            tokio::task::yield_now().await;
        };
        client.write_all(b"ping").await.unwrap();
        let mut answer = String::new();
        client.read_to_string(&mut answer).await.unwrap();
        assert_eq!(answer, "PING");
    }

    #[test]
    fn a_route_names_port_and_socket() {
        assert_eq!("8443=/run/x".parse::<Route>().unwrap().port, 8443);
        assert!("8443".parse::<Route>().is_err());
        assert!("99999=/run/x".parse::<Route>().is_err());
    }
}
