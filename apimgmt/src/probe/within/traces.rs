//! A traced request: the application is asked with the id of a trace, and the backend must know a span of it.

use std::time::{Duration, Instant};

use base64::{Engine, prelude::BASE64_STANDARD};
use http::{Method, StatusCode};
use jiff::Timestamp;
use serde_json::Value;

use super::{
    Steps, backend,
    http::{Ask, ask_with},
};
use crate::snapshot::{hostile, sessions::ProbeResult};

/// Where to look, as the probe's pod was told.
struct Place {
    application: String,
    path: String,
    kind: String,
    url: String,
    tenant: String,
    within: Duration,
}

/// Looks where the environment says.
pub(super) async fn probe() -> ProbeResult {
    let read = |name: &str| std::env::var(name).unwrap_or_default();
    let place = Place {
        application: read("PROBE_APPLICATION"),
        path: read("PROBE_TRACES_PATH"),
        kind: read("PROBE_TRACES_KIND"),
        url: read("PROBE_TRACES_URL"),
        tenant: read("PROBE_TRACES_TENANT"),
        within: Duration::from_secs(read("PROBE_TRACES_SECONDS").parse().unwrap_or(30)),
    };
    follow(&place, &trace_id(Timestamp::now())).await
}

/// 128 bits in hexadecimal digits, the first of them not zero: some backends cut zeros off.
fn trace_id(now: Timestamp) -> String {
    format!("a91{:029x}", now.as_nanosecond())
}

async fn follow(place: &Place, trace: &str) -> ProbeResult {
    let mut steps = Steps::default();
    let began = Instant::now();
    steps.note("backend", format!("{} at {}", place.kind, place.url));
    steps.note("trace", trace);
    if steps.step("sent", sent(place, trace).await).is_some() {
        let found = backend::sought(place.within, began, async || look(place, trace).await).await;
        if steps.step("found", found).is_some() {
            steps.note("seconds", format!("{:.1}", began.elapsed().as_secs_f64()));
        }
    }
    steps.note("leftBehind", 0);
    steps.result("monitoring/apm", "a traced request was found")
}

/// In each of the languages that applications speak: W3C Trace Context and both of B3, each saying that it is sampled. No
/// span of the caller is sent to the backend, so whatever it knows of the trace comes from the application.
async fn sent(place: &Place, trace: &str) -> Result<(), String> {
    let caller = &trace[16..];
    let (parent, single) = (format!("00-{trace}-{caller}-01"), format!("{trace}-{caller}-1"));
    let headers = [
        ("traceparent", parent.as_str()),
        ("b3", single.as_str()),
        ("x-b3-traceid", trace),
        ("x-b3-spanid", caller),
        ("x-b3-sampled", "1"),
    ];
    let request = Ask {
        address: &place.application,
        method: &Method::GET,
        path: &place.path,
        headers: &headers,
        body: "",
    };
    // Any answer will do, also that it may not: what is refused is traced as well.
    let (status, _) = ask_with(&request).await?;
    if status.is_server_error() {
        return Err(format!("the application answered {}", status.as_u16()));
    }
    Ok(())
}

/// Asks the backend once.
async fn look(place: &Place, trace: &str) -> Result<bool, String> {
    let (address, base) = backend::plain(&place.url)?;
    let path = match place.kind.as_str() {
        "zipkin" => format!("{base}/api/v2/trace/{trace}"),
        "jaeger" | "tempo" => format!("{base}/api/traces/{trace}"),
        other => return Err(format!("`{other}` is no kind that is known")),
    };
    let mut headers = vec![("accept", "application/json")];
    if !place.tenant.is_empty() {
        headers.push(("x-scope-orgid", place.tenant.as_str()));
    }
    let question = Ask {
        address: &address,
        method: &Method::GET,
        path: &path,
        headers: &headers,
        body: "",
    };
    let (status, said) = ask_with(&question).await?;
    judged(&place.kind, status, &said, trace)
}

/// What an answer says: that the trace is known, that it is not, or something else.
fn judged(kind: &str, status: StatusCode, said: &str, trace: &str) -> Result<bool, String> {
    if status == StatusCode::NOT_FOUND {
        return Ok(false);
    }
    if !status.is_success() {
        return Err(format!("{kind} answered {}: {}", status.as_u16(), hostile::line(said)));
    }
    let said: Value = serde_json::from_str(said).map_err(|error| format!("the answer is not {kind}'s: {error}"))?;
    Ok(spans(kind, &said).iter().any(|span| is_of(span, trace)))
}

/// The spans of an answer.
fn spans<'a>(kind: &str, said: &'a Value) -> Vec<&'a Value> {
    let within = |values: Vec<&'a Value>, keys: &[&str]| -> Vec<&'a Value> {
        let lists = values
            .into_iter()
            .flat_map(|value| keys.iter().map(|key| &value[*key]).collect::<Vec<_>>());
        lists.filter_map(Value::as_array).flatten().collect()
    };
    match kind {
        "zipkin" => said.as_array().into_iter().flatten().collect(),
        "jaeger" => within(within(vec![said], &["data"]), &["spans"]),
        // Several versions of it: its own shape, that of OpenTelemetry, and that of its second API.
        _ => {
            let resources = within(vec![said, &said["trace"]], &["batches", "resourceSpans"]);
            within(
                within(resources, &["scopeSpans", "instrumentationLibrarySpans"]),
                &["spans"],
            )
        }
    }
}

/// Whether a span belongs to the trace: in hexadecimal digits, or as JSON of Protocol Buffers has bytes.
fn is_of(span: &Value, trace: &str) -> bool {
    let id = span["traceId"]
        .as_str()
        .or_else(|| span["traceID"].as_str())
        .unwrap_or_default();
    let bytes = u128::from_str_radix(trace, 16).unwrap_or_default().to_be_bytes();
    id.eq_ignore_ascii_case(trace) || BASE64_STANDARD.decode(id).is_ok_and(|decoded| decoded == bytes)
}

#[cfg(test)]
mod tests;
