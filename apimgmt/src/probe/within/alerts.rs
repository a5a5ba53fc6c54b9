//! A test alert: it is sent to Alertmanager as Prometheus sends one, followed to the receiver, and ended.

use std::time::{Duration, Instant};

use http::Method;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::json;

use super::{Steps, http::ask};
use crate::snapshot::{hostile, sessions::ProbeResult};

/// Between two looks at whether it has arrived.
const PAUSE: Duration = Duration::from_millis(500);

/// The name of the test alert; whoever is paged by it learns that nothing is wrong.
const NAME: &str = "ApimgmtTestAlert";

/// Where to, as the probe's pod was told.
struct Route {
    /// `HOST:PORT` of Alertmanager.
    alertmanager: String,
    /// `HOST:PORT` and path of what shows the received; empty for none.
    receiver: String,
    path: String,
    within: Duration,
}

/// An alert as Alertmanager shows it.
#[derive(Deserialize)]
struct Shown {
    receivers: Vec<Receiver>,
    status: Status,
}

#[derive(Deserialize)]
struct Receiver {
    name: String,
}

#[derive(Deserialize)]
struct Status {
    state: String,
}

/// Sends it to where the environment says.
pub(super) async fn probe() -> ProbeResult {
    let read = |name: &str| std::env::var(name).unwrap_or_default();
    let route = Route {
        alertmanager: read("PROBE_ALERTMANAGER"),
        receiver: read("PROBE_ALERT_RECEIVER"),
        path: read("PROBE_ALERT_PATH"),
        within: Duration::from_secs(read("PROBE_ALERT_SECONDS").parse().unwrap_or(60)),
    };
    follow(&route, &format!("{:x}", Timestamp::now().as_nanosecond())).await
}

async fn follow(route: &Route, run: &str) -> ProbeResult {
    let mut steps = Steps::default();
    let before = delivered(route).await;
    let began = Instant::now();
    if steps.step("sent", send(route, run, true).await).is_some() {
        if let Some(receivers) = steps.step("routed", routed(route, run).await) {
            steps.note("receivers", receivers.join(", "));
        }
        let (seen_by, arrival) = if route.receiver.is_empty() {
            (
                "Alertmanager's count of notifications",
                counted(route, before, began).await,
            )
        } else {
            (route.receiver.as_str(), received(route, run, began).await)
        };
        steps.note("seenBy", seen_by);
        if steps.step("arrived", arrival).is_some() {
            steps.note("seconds", format!("{:.1}", began.elapsed().as_secs_f64()));
        }
        let ended = send(route, run, false).await;
        steps.note("leftBehind", if ended.is_ok() { "0" } else { "the test alert" });
        steps.step("ended", ended);
    }
    steps.result("monitoring/alerts", "a test alert arrived")
}

/// Fires the alert, or ends it.
async fn send(route: &Route, run: &str, firing: bool) -> Result<(), String> {
    let now = Timestamp::now();
    // Should this probe die midway, the alert ends by itself.
    let ends = if firing { now + Duration::from_mins(5) } else { now };
    let alert = json!([{
        "labels": {"alertname": NAME, "severity": "warning", "apimgmt_run": run},
        "annotations": {"summary": "A test by `kubectl apimgmt verify --active`: nothing is wrong"},
        "startsAt": (now - Duration::from_secs(1)).to_string(),
        "endsAt": ends.to_string(),
    }]);
    let (status, said) = ask(&route.alertmanager, &Method::POST, "/api/v2/alerts", &alert.to_string()).await?;
    if status.is_success() {
        return Ok(());
    }
    Err(format!(
        "Alertmanager answered {}: {}",
        status.as_u16(),
        hostile::line(&said)
    ))
}

/// The receivers that Alertmanager chose for it.
async fn routed(route: &Route, run: &str) -> Result<Vec<String>, String> {
    let path = format!("/api/v2/alerts?filter=apimgmt_run%3D%22{run}%22");
    let (status, said) = ask(&route.alertmanager, &Method::GET, &path, "").await?;
    if !status.is_success() {
        return Err(format!("Alertmanager answered {}", status.as_u16()));
    }
    let shown: Vec<Shown> =
        serde_json::from_str(&said).map_err(|error| format!("the answer is not Alertmanager's: {error}"))?;
    let alert = shown
        .first()
        .ok_or("Alertmanager does not know the alert that it took")?;
    if alert.status.state == "suppressed" {
        return Err("the alert is silenced or inhibited".into());
    }
    let receivers: Vec<_> = alert.receivers.iter().map(|one| hostile::line(&one.name)).collect();
    if receivers.is_empty() {
        return Err("no receiver is chosen for it".into());
    }
    Ok(receivers)
}

/// Looks at the receiver until the run's label shows up.
async fn received(route: &Route, run: &str, began: Instant) -> Result<(), String> {
    loop {
        let (status, said) = ask(&route.receiver, &Method::GET, &route.path, "").await?;
        if !status.is_success() {
            return Err(format!("{} answered {}", route.receiver, status.as_u16()));
        }
        if said.contains(run) {
            return Ok(());
        }
        if began.elapsed() > route.within {
            return Err(format!("not at {} within {} s", route.receiver, route.within.as_secs()));
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// Looks at Alertmanager's counters until a notification was sent and none failed.
async fn counted(route: &Route, before: Result<(u64, u64), String>, began: Instant) -> Result<(), String> {
    let (sent, failed) = before?;
    loop {
        let (now_sent, now_failed) = delivered(route).await?;
        if now_failed > failed {
            return Err("Alertmanager could not deliver a notification, see its log".into());
        }
        // Attempts count as sent, so a failure has shown by now.
        if now_sent > sent {
            return Ok(());
        }
        if began.elapsed() > route.within {
            return Err(format!(
                "Alertmanager sent no notification within {} s: its receiver tells nobody",
                route.within.as_secs()
            ));
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// How many notifications were sent, and how many of them failed, by all integrations together.
async fn delivered(route: &Route) -> Result<(u64, u64), String> {
    let (status, said) = ask(&route.alertmanager, &Method::GET, "/metrics", "").await?;
    if !status.is_success() {
        return Err(format!("Alertmanager's metrics answered {}", status.as_u16()));
    }
    Ok((
        sum(&said, "alertmanager_notifications_total"),
        sum(&said, "alertmanager_notifications_failed_total"),
    ))
}

/// The sum of a counter over its labels, in Prometheus' text format.
fn sum(text: &str, name: &str) -> u64 {
    let value = |line: &str| {
        let rest = line.strip_prefix(name)?;
        // Not a longer name with the same beginning.
        rest.starts_with(['{', ' ']).then_some(())?;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "counters are whole numbers"
        )]
        rest.rsplit(' ').next()?.parse().ok().map(|count: f64| count as u64)
    };
    text.lines().filter_map(value).sum()
}

#[cfg(test)]
mod tests;
