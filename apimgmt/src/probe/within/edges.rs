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
    edges::{Stand, Way, is_open},
    snapshot::{
        collect::{Observer, connect_error, get},
        hostile,
    },
};

/// Pause between two tries.
const PAUSE: Duration = Duration::from_millis(300);

/// How long tries go on.
#[derive(Clone, Copy)]
struct Patience {
    /// At most, for what is not as it should be.
    settling: Duration,
    /// At least, for a closed edge of a pod that the network may not know yet.
    unknown: Duration,
}

/// A busy node took 15 s until a policy let a new pod connect where it permits everybody; a closed edge seen earlier may
/// be the network's ignorance of the pod.
const PATIENCE: Patience = Patience {
    settling: SETTLING,
    unknown: Duration::from_secs(15),
};

/// Tries all of them.
pub(super) async fn probe() -> Said {
    let told = |name: &str| std::env::var(name).unwrap_or_default();
    let mut tries: Vec<Try> = serde_json::from_str(&told("PROBE_EDGES")).unwrap_or_default();
    let (stand, count) = (told("PROBE_STAND"), tries.len());
    let has_policies = Stand::named(&stand).is_some_and(|stand| stand.network().is_some());
    if has_policies && tries.iter().all(|one| one.open) {
        tries.extend(usually_denied());
    }
    let mut outcomes = outcomes(&tries, has_policies, PATIENCE).await;
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

/// Until policies know a new pod, some networks refuse it everything and others permit it everything. Once what it needs
/// of other parts is open, the first know it; once what must be closed is, the others do, and only then does an open edge
/// tell that policies permit it. A pod that needs nothing which policies had to permit waits for the first by the clock.
async fn outcomes(tries: &[Try], has_policies: bool, patience: Patience) -> Vec<String> {
    let mut outcomes = vec![String::new(); tries.len()];
    let of = |open: bool| (0..tries.len()).filter(move |index| tries[*index].open == open);
    let mut is_known = false;
    for (index, outcome) in all(tries, of(true), patience.settling, Duration::ZERO).await {
        is_known |= tries[index].way != Way::Name;
        outcomes[index] = outcome;
    }
    let opened: Vec<usize> = of(true).filter(|index| is_open(&outcomes[*index])).collect();
    is_known &= has_policies && opened.len() == of(true).count();
    let unknown = if is_known { Duration::ZERO } else { patience.unknown };
    let closed = all(tries, of(false), patience.settling, unknown).await;
    // What was not open in all that time is tried no longer.
    let again = all(tries, opened.into_iter(), patience.settling, Duration::ZERO).await;
    for (index, outcome) in closed.into_iter().chain(again) {
        outcomes[index] = outcome;
    }
    outcomes
}

/// The outcomes of some of the tries, made at once.
async fn all(
    tries: &[Try],
    some: impl Iterator<Item = usize>,
    settling: Duration,
    unknown: Duration,
) -> Vec<(usize, String)> {
    let ends = some.map(|index| async move { (index, settled(&tries[index], settling, unknown).await) });
    futures::future::join_all(ends).await
}

/// Tries until the edge has been as it should be for the time `unknown`, or `settling` is over.
async fn settled(one: &Try, settling: Duration, unknown: Duration) -> String {
    let began = Instant::now();
    let mut told_since = None;
    loop {
        let outcome = tried(one).await;
        told_since = is_told(one, &outcome).then(|| told_since.unwrap_or_else(Instant::now));
        if told_since.is_some_and(|since| since.elapsed() >= unknown) || began.elapsed() > settling {
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

    async fn now(one: &Try) -> String {
        settled(one, SETTLING, Duration::ZERO).await
    }

    #[tokio::test]
    async fn a_listening_port_is_open_and_a_silent_one_says_where_it_ended() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        assert_eq!(now(&to("127.0.0.1", port, true)).await, "open");
        drop(listener);
        assert_eq!(
            now(&to("127.0.0.1", port, false)).await,
            "closed connect: connection refused"
        );
    }

    /// A port that is open from some time on, as a policy that permits everybody reaches a new pod late.
    async fn late(after: Duration) -> u16 {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        drop(listener);
        tokio::spawn(async move {
            sleep(after).await;
            let listener = tokio::net::TcpListener::bind(address).await.unwrap();
            while listener.accept().await.is_ok() {}
        });
        address.port()
    }

    #[tokio::test]
    async fn what_is_closed_only_until_the_network_knows_the_pod_is_open() {
        let patience = Patience {
            settling: Duration::from_secs(2),
            unknown: Duration::from_secs(1),
        };
        let tries = [to("127.0.0.1", late(Duration::from_millis(500)).await, false)];
        assert_eq!(outcomes(&tries, false, patience).await, ["open"]);
    }

    #[tokio::test]
    async fn a_pod_whose_policies_let_it_through_is_known_and_waits_no_longer() {
        let needed = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let tries = [
            to("127.0.0.1", needed.local_addr().unwrap().port(), true),
            to("127.0.0.1", late(Duration::from_mins(9)).await, false),
        ];
        let patience = Patience {
            settling: SETTLING,
            unknown: Duration::from_mins(9),
        };
        let closed = "closed connect: connection refused";
        assert_eq!(outcomes(&tries, true, patience).await, ["open", closed]);
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
        let patience = Patience {
            settling: Duration::from_secs(1),
            unknown: Duration::ZERO,
        };
        assert_eq!(outcomes(&tries, true, patience).await, [closed, closed]);
    }

    #[tokio::test]
    async fn a_name_is_told_by_its_addresses() {
        let name = Try {
            way: Way::Name,
            ..to("127.0.0.1", 0, true)
        };
        assert_eq!(now(&name).await, "open 127.0.0.1");
        let nowhere = Try {
            host: "nowhere.invalid".into(),
            ..name
        };
        assert!(tried(&nowhere).await.unwrap_err().starts_with("name: "));
    }
}
