//! Where probes look for what they sent: environments of their pods.

use serde_json::{Value, json};

use crate::{
    Error,
    snapshot::{Snapshot, roles::Roles},
    values::{Expectations, Span},
};

/// Where a test alert is sent to, and where it must show up.
pub(super) fn alerts(snapshot: &Snapshot) -> Result<Value, Error> {
    let expected = expectations(snapshot, "alerts go")?;
    let alertmanager = &expected.monitoring.alertmanager;
    let receiver = &expected.alerts.receiver;
    let shown = if receiver.service.is_empty() {
        String::new()
    } else {
        format!("{}:{}", receiver.service, receiver.port)
    };
    Ok(json!({ "env": [
        { "name": "PROBE_ALERTMANAGER", "value": format!("{}:{}", alertmanager.service, alertmanager.port) },
        { "name": "PROBE_ALERT_RECEIVER", "value": shown },
        { "name": "PROBE_ALERT_PATH", "value": receiver.path },
        { "name": "PROBE_ALERT_SECONDS", "value": seconds(expected.alerts.within) },
    ] }))
}

/// Where the application is, and where its lines must be found; `None` where no aggregator is declared.
pub(super) fn logs(snapshot: &Snapshot) -> Result<Option<Value>, Error> {
    let expected = &expectations(snapshot, "logs go")?.logs;
    if expected.kind.is_empty() || expected.url.is_empty() {
        return Ok(None);
    }
    let selector = if expected.selector.is_empty() {
        format!("{{namespace=\"{}\"}}", snapshot.namespace)
    } else {
        expected.selector.clone()
    };
    Ok(Some(json!({ "env": [
        { "name": "PROBE_APPLICATION", "value": application(snapshot)? },
        { "name": "PROBE_LOGS_KIND", "value": expected.kind },
        { "name": "PROBE_LOGS_URL", "value": expected.url },
        { "name": "PROBE_LOGS_SELECTOR", "value": selector },
        { "name": "PROBE_LOGS_TENANT", "value": expected.tenant },
        { "name": "PROBE_LOGS_INDEX", "value": expected.index },
        { "name": "PROBE_LOGS_SECONDS", "value": seconds(expected.within) },
    ] })))
}

/// Where the application is, and where its traces must be found; `None` where no backend is declared.
pub(super) fn traces(snapshot: &Snapshot) -> Result<Option<Value>, Error> {
    let expected = &expectations(snapshot, "traces go")?.apm;
    if expected.kind.is_empty() || expected.url.is_empty() {
        return Ok(None);
    }
    Ok(Some(json!({ "env": [
        { "name": "PROBE_APPLICATION", "value": application(snapshot)? },
        { "name": "PROBE_TRACES_KIND", "value": expected.kind },
        { "name": "PROBE_TRACES_URL", "value": expected.url },
        { "name": "PROBE_TRACES_TENANT", "value": expected.tenant },
        { "name": "PROBE_TRACES_PATH", "value": expected.path },
        { "name": "PROBE_TRACES_SECONDS", "value": seconds(expected.within) },
    ] })))
}

fn expectations<'a>(snapshot: &'a Snapshot, what: &str) -> Result<&'a Expectations, Error> {
    let unread = |why| Error::could_not(format!("could not tell where {what}")).because(Box::new(why));
    snapshot.expectations().map_err(unread)
}

/// `HOST:PORT` of the service before the application.
fn application(snapshot: &Snapshot) -> Result<String, Error> {
    let unread = |why| Error::could_not("could not tell where the application is").because(Box::new(why));
    let application = Roles::of(snapshot).map_err(unread)?.application;
    let address = application.and_then(|role| Some(format!("{}:{}", role.service?, role.port)));
    address.ok_or_else(|| {
        Error::could_not(format!(
            "no service in `{}` stands before the application",
            snapshot.namespace
        ))
    })
}

/// The pod's own time ends it all; before that it needs some to end what it began.
fn seconds(within: Span) -> String {
    within.0.as_secs().min(super::LONGEST.as_secs() - 20).to_string()
}
