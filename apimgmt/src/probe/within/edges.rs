//! The edges that the pod was told: those that must be open, those that must not, and once more those that must be open.

use std::{
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use rustls::pki_types::ServerName;
use tokio::{
    net::{TcpStream, lookup_host},
    time::{sleep, timeout},
};
use tokio_rustls::TlsConnector;

use super::{
    super::edges::{LONGEST_OUTCOME, Said, Try},
    CONNECTING, SETTLING,
};
use crate::{
    edges::{Stand, Way},
    snapshot::{
        collect::{Observer, connect_error, get},
        hostile,
    },
};

/// Pause between two tries.
const PAUSE: Duration = Duration::from_millis(300);

/// Tries all of them.
pub(super) async fn probe() -> Said {
    let told = |name: &str| std::env::var(name).unwrap_or_default();
    let mut tries: Vec<Try> = serde_json::from_str(&told("PROBE_EDGES")).unwrap_or_default();
    let (stand, count) = (told("PROBE_STAND"), tries.len());
    let has_policies = Stand::named(&stand).is_some_and(|stand| stand.network().is_some());
    if has_policies && tries.iter().all(|one| one.open) {
        tries.extend(usually_denied());
    }
    let mut outcomes = outcomes(&tries, SETTLING).await;
    outcomes.truncate(count);
    Said { stand, outcomes }
}

/// The API server, by the address that every pod is told: for a pod with nothing to tell that its policies are in force.
fn usually_denied() -> Option<Try> {
    Some(Try {
        way: Way::Tcp,
        host: std::env::var("KUBERNETES_SERVICE_HOST").ok()?,
        port: std::env::var("KUBERNETES_SERVICE_PORT").ok()?.parse().ok()?,
        path: String::new(),
        open: false,
    })
}

/// Until its policies are in force, some networks refuse a new pod everything and others permit it everything. Once what
/// must be open is, the first have come to know the pod; once what must be closed is, the others have, and only then does
/// an open edge tell that policies permit it.
async fn outcomes(tries: &[Try], settling: Duration) -> Vec<String> {
    let mut outcomes = vec![String::new(); tries.len()];
    for open in [true, false, true] {
        let now: Vec<usize> = (0..tries.len()).filter(|index| tries[*index].open == open).collect();
        let ends = futures::future::join_all(now.iter().map(|index| settled(&tries[*index], settling))).await;
        for (index, outcome) in now.into_iter().zip(ends) {
            outcomes[index] = outcome;
        }
    }
    outcomes
}

/// Network policies take a moment until they know a new pod: what is not as it should be is tried again that long.
async fn settled(one: &Try, settling: Duration) -> String {
    let began = Instant::now();
    loop {
        let outcome = tried(one).await;
        if is_told(one, &outcome) || began.elapsed() > settling {
            let words = match outcome {
                Ok(seen) if seen.is_empty() => "open".into(),
                Ok(seen) => format!("open {seen}"),
                Err(why) => format!("closed {why}"),
            };
            return hostile::capped(&words, LONGEST_OUTCOME);
        }
        sleep(PAUSE).await;
    }
}

/// Whether a try is as it should be. That a name was not resolved tells nothing of the way behind it.
fn is_told(one: &Try, outcome: &Result<String, String>) -> bool {
    match outcome {
        Ok(_) => one.open,
        Err(why) => !one.open && (one.way == Way::Name || !why.starts_with("name: ")),
    }
}

/// What was seen, or the first hop that failed and why.
async fn tried(one: &Try) -> Result<String, String> {
    let addresses = addresses(&one.host, one.port)
        .await
        .map_err(|why| format!("name: {why}"))?;
    if one.way == Way::Name {
        let mut words: Vec<String> = addresses.iter().map(|address| address.ip().to_string()).collect();
        words.sort();
        words.dedup();
        return Ok(words.join(","));
    }
    let stream = connect(&addresses).await.map_err(|why| format!("connect: {why}"))?;
    if one.way == Way::Tcp {
        return Ok(String::new());
    }
    timeout(CONNECTING, answer(stream, one))
        .await
        .unwrap_or_else(|_| Err("http: no answer in time".into()))
}

async fn addresses(host: &str, port: u16) -> Result<Vec<SocketAddr>, String> {
    match timeout(CONNECTING, lookup_host((host, port))).await {
        Err(_) => Err("no answer in time".into()),
        Ok(Err(error)) => Err(hostile::line(&error.to_string())),
        Ok(Ok(found)) => Ok(found.collect()),
    }
}

async fn connect(addresses: &[SocketAddr]) -> Result<TcpStream, String> {
    match timeout(CONNECTING, TcpStream::connect(addresses)).await {
        Err(_) => Err("no answer in time".into()),
        Ok(Err(error)) => Err(connect_error(&error)),
        Ok(Ok(stream)) => Ok(stream),
    }
}

/// A gateway that has nobody to ask answers 502 to 504: then the way ends there.
async fn answer(stream: TcpStream, one: &Try) -> Result<String, String> {
    let (_, mut config) = Observer::client().map_err(|error| format!("tls: {error}"))?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    let name = ServerName::try_from(one.host.clone()).map_err(|error| format!("tls: {error}"))?;
    let stream = TlsConnector::from(Arc::new(config))
        .connect(name, stream)
        .await
        .map_err(|error| format!("tls: {}", hostile::line(&error.to_string())))?;
    let reply = get(Box::new(stream), &one.host, &one.path, 4096)
        .await
        .map_err(|why| format!("http: {why}"))?;
    let status = reply.status.as_u16();
    if (502..=504).contains(&status) {
        return Err(format!("http: {status}"));
    }
    Ok(status.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn to(host: &str, port: u16, open: bool) -> Try {
        Try {
            way: Way::Tcp,
            host: host.into(),
            port,
            path: String::new(),
            open,
        }
    }

    #[tokio::test]
    async fn a_listening_port_is_open_and_a_silent_one_says_where_it_ended() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        assert_eq!(settled(&to("127.0.0.1", port, true), SETTLING).await, "open");
        drop(listener);
        assert_eq!(
            settled(&to("127.0.0.1", port, false), SETTLING).await,
            "closed connect: connection refused"
        );
    }

    #[test]
    fn a_closed_way_is_not_told_by_a_name_that_was_not_resolved() {
        let closed = to("postgres", 5432, false);
        assert!(is_told(&closed, &Err("connect: connection refused".into())));
        assert!(!is_told(&closed, &Err("name: no answer in time".into())));
        assert!(!is_told(&closed, &Ok(String::new())));
        assert!(is_told(&to("postgres", 5432, true), &Ok(String::new())));
    }

    #[tokio::test]
    async fn what_is_open_only_until_policies_are_in_force_is_closed() {
        let listen = || tokio::net::TcpListener::bind("127.0.0.1:0");
        let (needed, forbidden) = (listen().await.unwrap(), listen().await.unwrap());
        let ports = [&needed, &forbidden].map(|listener| listener.local_addr().unwrap().port());
        // Its policies get to know the pod when it has made its first connection that they forbid.
        tokio::spawn(async move {
            let _first = forbidden.accept().await;
            drop((needed, forbidden));
        });
        let tries = [to("127.0.0.1", ports[0], true), to("127.0.0.1", ports[1], false)];
        let closed = "closed connect: connection refused";
        assert_eq!(outcomes(&tries, Duration::from_secs(1)).await, [closed, closed]);
    }

    #[tokio::test]
    async fn a_name_is_told_by_its_addresses() {
        let name = Try {
            way: Way::Name,
            ..to("127.0.0.1", 0, true)
        };
        assert_eq!(settled(&name, SETTLING).await, "open 127.0.0.1");
        let nowhere = Try {
            host: "nowhere.invalid".into(),
            ..name
        };
        assert!(tried(&nowhere).await.unwrap_err().starts_with("name: "));
    }
}
