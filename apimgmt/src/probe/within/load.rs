//! A worker of the load probe: requests are due by a schedule that does not wait for answers, and each latency counts from
//! when its request was due. A server that stalls therefore shows in all requests that it held up, not in one alone
//! (coordinated omission; Tene, "How NOT to Measure Latency").

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use jiff::Timestamp;
use tokio::time::{Instant, sleep_until, timeout};

use super::visitor::{Call, Client};
use crate::{
    probe::measured::{Measured, Order, VARIABLE, histogram, note, pack},
    snapshot::hostile,
};

/// A request that is not answered within this counts as failed.
const PATIENCE: Duration = Duration::from_secs(10);
/// How much longer than ordered a worker goes on with what is overdue, before it gives the rest up as failed.
const OVERTIME: Duration = Duration::from_secs(10);

/// One connection's part.
struct Part {
    latencies: hdrhistogram::Histogram<u64>,
    errors: u64,
    error: String,
}

/// Does what the order says.
pub(super) async fn work() -> Measured {
    let order = std::env::var(VARIABLE)
        .ok()
        .and_then(|text| serde_json::from_str::<Order>(&text).ok());
    let measured = match order {
        Some(order) => measure(&order).await,
        None => Err("the pod was not told what to do".into()),
    };
    measured.unwrap_or_else(|why| Measured {
        error: hostile::capped(&why, 200),
        ..Measured::default()
    })
}

async fn measure(order: &Order) -> Result<Measured, String> {
    let client = Client::new("", BTreeMap::new())?;
    reach(&client, &order.url).await?;
    let wait = order.begins - Timestamp::now().as_millisecond();
    tokio::time::sleep(Duration::from_millis(u64::try_from(wait).unwrap_or_default())).await;
    let due = due(order);
    let (began, start) = (Timestamp::now(), Instant::now());
    let next = AtomicU64::new(0);
    let parts = (0..order.connections.max(1)).map(|_| connection(&client, order, due, start, &next));
    let parts = futures::future::try_join_all(parts).await?;
    let ended = Timestamp::now();
    let mut whole = Part {
        latencies: histogram()?,
        errors: 0,
        error: String::new(),
    };
    for part in parts {
        whole
            .latencies
            .add(&part.latencies)
            .map_err(|error| error.to_string())?;
        whole.errors += part.errors;
        if whole.error.is_empty() {
            whole.error = part.error;
        }
    }
    Ok(Measured {
        requests: due,
        errors: whole.errors,
        error: hostile::capped(&whole.error, 200),
        began: began.as_millisecond(),
        ended: ended.as_millisecond(),
        histogram: pack(&whole.latencies)?,
    })
}

/// A new pod's way out may be shut for a moment, which is no latency of the server.
async fn reach(client: &Client, url: &str) -> Result<(), String> {
    let began = Instant::now();
    loop {
        match client.call(Call::get(url)).await {
            Ok(_) => return Ok(()),
            Err(why) if began.elapsed() > super::SETTLING => return Err(why),
            Err(_) => tokio::time::sleep(Duration::from_millis(200)).await,
        }
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "both are positive, and the order is bounded"
)]
fn due(order: &Order) -> u64 {
    (order.rate * order.seconds).round().max(1.0) as u64
}

/// When a request is due, seen from the start.
#[expect(clippy::cast_precision_loss, reason = "requests don't come near 2^53")]
fn intended(number: u64, rate: f64) -> Duration {
    Duration::from_secs_f64(number as f64 / rate)
}

/// Takes the next request that is due, over and over, on one connection.
async fn connection(
    client: &Client,
    order: &Order,
    due: u64,
    start: Instant,
    next: &AtomicU64,
) -> Result<Part, String> {
    let mut part = Part {
        latencies: histogram()?,
        errors: 0,
        error: String::new(),
    };
    let last = start + Duration::from_secs_f64(order.seconds) + OVERTIME;
    let call = Call::get(&order.url);
    let mut open = None;
    loop {
        let number = next.fetch_add(1, Ordering::Relaxed);
        if number >= due {
            return Ok(part);
        }
        let at = start + intended(number, order.rate);
        sleep_until(at).await;
        let outcome = if Instant::now() > last {
            Err("given up: the answers to earlier requests took too long".to_owned())
        } else {
            let exchange = async {
                let mut connection = match open.take() {
                    Some(connection) => connection,
                    None => client.connect(&order.url).await?,
                };
                let reply = connection.call(&call).await?;
                open = Some(connection);
                Ok(reply.status.as_u16())
            };
            match timeout(PATIENCE, exchange).await {
                Ok(Ok(status)) if (200..300).contains(&status) => Ok(()),
                Ok(Ok(status)) => Err(format!("answered with {status}")),
                Ok(Err(why)) => Err(why),
                Err(_) => Err(format!("no answer within {} s", PATIENCE.as_secs())),
            }
        };
        // A request that failed took its time as well: leaving it out would flatter.
        note(&mut part.latencies, at.elapsed().as_micros());
        if let Err(why) = outcome {
            part.errors += 1;
            if part.error.is_empty() {
                part.error = why;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpListener,
    };

    use super::*;
    use crate::probe::measured::Sum;

    /// Answers every request at once, except that it stalls from one moment to another.
    async fn server(stall: Option<(Duration, Duration)>) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let start: Arc<std::sync::OnceLock<Instant>> = Arc::default();
        tokio::spawn(async move {
            while let Ok((mut socket, _)) = listener.accept().await {
                let start = start.clone();
                tokio::spawn(async move {
                    let mut buffer = [0; 4096];
                    while socket.read(&mut buffer).await.is_ok_and(|read| read > 0) {
                        let since = start.get_or_init(Instant::now).elapsed();
                        if let Some((from, until)) = stall
                            && since >= from
                            && since < until
                        {
                            tokio::time::sleep(until.saturating_sub(since)).await;
                        }
                        let _ = socket
                            .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")
                            .await;
                    }
                });
            }
        });
        format!("http://{address}/")
    }

    fn order(url: String) -> Order {
        Order {
            url,
            rate: 100.0,
            seconds: 1.0,
            connections: 2,
            begins: 0,
        }
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_stall_counts_for_every_request_that_was_due_meanwhile() {
        let well = measure(&order(server(None).await)).await.unwrap();
        assert_eq!((well.requests, well.errors), (100, 0));
        let stalled = server(Some((Duration::from_millis(300), Duration::from_millis(800)))).await;
        let ill = measure(&order(stalled)).await.unwrap();
        let slow = |measured: &Measured| {
            let sum = Sum::of(std::slice::from_ref(measured)).unwrap();
            sum.histogram.len() - sum.histogram.count_between(0, 50_000)
        };
        // Two connections wait, so a closed loop would show two slow answers. Forty-five requests were due and waited.
        assert!(slow(&ill) >= 35, "{} slow", slow(&ill));
        assert!(slow(&ill) > slow(&well) + 25);
    }

    #[tokio::test]
    async fn answers_that_are_no_success_are_errors() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((mut socket, _)) = listener.accept().await {
                let mut buffer = [0; 4096];
                let _ = socket.read(&mut buffer).await;
                let _ = socket
                    .write_all(b"HTTP/1.1 503 x\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
                    .await;
            }
        });
        let measured = measure(&Order {
            rate: 20.0,
            ..order(format!("http://{address}/"))
        })
        .await
        .unwrap();
        assert_eq!((measured.requests, measured.errors), (20, 20));
        assert!(measured.error.contains("503"), "{}", measured.error);
    }
}
