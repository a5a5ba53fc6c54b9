//! A marker line: the application writes it because it is asked for a path that no other asks for, and the aggregator
//! must find it.

use std::time::{Duration, Instant};

use http::Method;
use jiff::Timestamp;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use super::{
    Steps, backend,
    http::{Ask, ask, ask_with},
};
use crate::snapshot::{hostile, sessions::ProbeResult};

/// Where to look, as the probe's pod was told.
struct Place {
    application: String,
    kind: String,
    url: String,
    selector: String,
    tenant: String,
    index: String,
    within: Duration,
}

/// Looks where the environment says.
pub(super) async fn probe() -> ProbeResult {
    let read = |name: &str| std::env::var(name).unwrap_or_default();
    let place = Place {
        application: read("PROBE_APPLICATION"),
        kind: read("PROBE_LOGS_KIND"),
        url: read("PROBE_LOGS_URL"),
        selector: read("PROBE_LOGS_SELECTOR"),
        tenant: read("PROBE_LOGS_TENANT"),
        index: read("PROBE_LOGS_INDEX"),
        within: Duration::from_secs(read("PROBE_LOGS_SECONDS").parse().unwrap_or(30)),
    };
    // Letters and digits alone: one word for every aggregator's tokenizer.
    follow(&place, &format!("apimgmt{:x}", Timestamp::now().as_nanosecond())).await
}

async fn follow(place: &Place, marker: &str) -> ProbeResult {
    let mut steps = Steps::default();
    let began = Instant::now();
    steps.note("aggregator", format!("{} at {}", place.kind, place.url));
    if steps.step("written", written(place, marker).await).is_some() {
        let found = backend::sought(place.within, began, async || look(place, marker).await).await;
        if steps.step("found", found).is_some() {
            steps.note("seconds", format!("{:.1}", began.elapsed().as_secs_f64()));
        }
    }
    steps.note("leftBehind", 0);
    steps.result("monitoring/logs", "a marker line was found")
}

/// Any answer will do, also that there is no such path: the application logs who asked for what.
async fn written(place: &Place, marker: &str) -> Result<(), String> {
    let headers = [("x-request-id", marker)];
    let path = format!("/{marker}");
    let request = Ask {
        address: &place.application,
        method: &Method::GET,
        path: &path,
        headers: &headers,
        body: "",
    };
    let (status, _) = ask_with(&request).await?;
    if status.is_server_error() {
        return Err(format!("the application answered {}", status.as_u16()));
    }
    Ok(())
}

/// Asks the aggregator once.
async fn look(place: &Place, marker: &str) -> Result<bool, String> {
    let (address, base) = backend::plain(&place.url)?;
    let (status, said) = match place.kind.as_str() {
        "loki" => {
            let query = format!("{} |= \"{marker}\"", place.selector);
            let since = (Timestamp::now() - Duration::from_mins(10)).as_nanosecond();
            let path = format!(
                "{base}/loki/api/v1/query_range?limit=1&start={since}&query={}",
                utf8_percent_encode(&query, NON_ALPHANUMERIC)
            );
            let tenant = [("x-scope-orgid", place.tenant.as_str())];
            ask_with(&Ask {
                address: &address,
                method: &Method::GET,
                path: &path,
                headers: if place.tenant.is_empty() { &[] } else { &tenant },
                body: "",
            })
            .await?
        }
        "elasticsearch" | "opensearch" => {
            let path = format!("{base}/{}/_search?size=1", place.index);
            let wanted = json!({"query": {"query_string": {"query": format!("*{marker}*")}}});
            ask(&address, &Method::POST, &path, &wanted.to_string()).await?
        }
        other => return Err(format!("`{other}` is no kind that is known")),
    };
    if !status.is_success() {
        return Err(format!(
            "{} answered {}: {}",
            place.kind,
            status.as_u16(),
            hostile::line(&said)
        ));
    }
    let said: Value =
        serde_json::from_str(&said).map_err(|error| format!("the answer is not {}'s: {error}", place.kind))?;
    Ok(holds(&place.kind, &said))
}

/// Whether an answer holds a line.
fn holds(kind: &str, said: &Value) -> bool {
    let list = match kind {
        "loki" => &said["data"]["result"],
        _ => &said["hits"]["hits"],
    };
    list.as_array().is_some_and(|list| !list.is_empty())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::holds;

    #[test]
    fn an_answer_without_lines_holds_none() {
        assert!(holds(
            "loki",
            &json!({"data": {"result": [{"values": [["1", "text"]]}]}})
        ));
        assert!(!holds("loki", &json!({"data": {"result": []}})));
        assert!(holds("opensearch", &json!({"hits": {"hits": [{}]}})));
        assert!(!holds("elasticsearch", &json!({"hits": {"hits": []}})));
        assert!(!holds("elasticsearch", &json!({"error": "no such index"})));
    }
}
