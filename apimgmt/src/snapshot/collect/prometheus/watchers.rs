//! Who watches with Prometheus: the Alertmanagers that it sends to, and what checks from outside saw last.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Deserialize;

use super::{
    super::{Run, caller::Caller, trouble::Trouble},
    Samples,
    exporters::quoted,
};
use crate::snapshot::{
    Why, hostile,
    sessions::{SyntheticCheck, Watchers},
};

/// Most checks and Alertmanagers that are kept.
const MOST: usize = 200;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Alertmanagers {
    active_alertmanagers: Vec<Alertmanager>,
}

#[derive(Deserialize)]
struct Alertmanager {
    url: String,
}

impl Run {
    /// `None` where the server tells nothing of them.
    pub(super) async fn watchers(&self, prometheus: &Caller<'_>, job: &str) -> Result<Option<Watchers>, Trouble> {
        match self.ask_watchers(prometheus, job).await {
            Ok(watchers) => Ok(Some(watchers)),
            Err(Trouble::Unreadable(Why::Session(_))) => Ok(None),
            Err(trouble) => Err(trouble),
        }
    }

    async fn ask_watchers(&self, prometheus: &Caller<'_>, job: &str) -> Result<Watchers, Trouble> {
        let series = format!("probe_success{{job={}}}", quoted(job));
        // Over an hour, so that a check which stopped is told from one that never was. The time of a sample is asked
        // for inside the subquery: outside it would be the time of the question.
        let (result, time) = (
            format!("last_over_time({series}[1h])"),
            format!("max_over_time(timestamp({series})[1h:15s])"),
        );
        let (alertmanagers, results, times) = futures::try_join!(
            self.ask_prometheus::<Alertmanagers>(prometheus, "/api/v1/alertmanagers"),
            self.query_prometheus(prometheus, &result),
            self.query_prometheus(prometheus, &time),
        )?;
        let alertmanagers = alertmanagers.active_alertmanagers.into_iter().take(MOST);
        Ok(Watchers {
            alertmanagers: alertmanagers.map(|one| hostile::line(&one.url)).collect(),
            synthetic: checks(&results, &times),
        })
    }
}

fn checks(results: &Samples, times: &Samples) -> Vec<SyntheticCheck> {
    let target = |metric: &BTreeMap<String, String>| metric.get("instance").cloned().unwrap_or_default();
    let times: BTreeMap<String, f64> = times
        .result
        .iter()
        .filter_map(|sample| Some((target(&sample.metric), sample.value.1.parse().ok()?)))
        .collect();
    let check = |sample: &super::Sample| {
        let target = target(&sample.metric);
        let at = times.get(&target).filter(|seconds| seconds.is_finite());
        SyntheticCheck {
            at: at.and_then(|seconds| Timestamp::from_duration(jiff::SignedDuration::from_secs_f64(*seconds)).ok()),
            // NaN and everything else that is not 1 is no success.
            success: sample.value.1.parse() == Ok(1.0),
            target: hostile::line(&target),
        }
    };
    results.result.iter().take(MOST).map(check).collect()
}

#[cfg(test)]
mod tests {
    use super::{Samples, checks};

    #[test]
    fn results_are_joined_with_their_times() {
        let samples = |text: &str| serde_json::from_str::<Samples>(text).unwrap();
        let results = samples(
            r#"{"result": [{"metric": {"instance": "https://a"}, "value": [1, "1"]}, {"metric": {"instance": "https://b"}, "value": [1, "NaN"]}]}"#,
        );
        let times = samples(r#"{"result": [{"metric": {"instance": "https://a"}, "value": [1, "1795420800.5"]}]}"#);
        let [a, b] = checks(&results, &times).try_into().unwrap();
        assert_eq!((a.target.as_str(), a.success), ("https://a", true));
        assert_eq!(a.at.unwrap().to_string(), "2026-11-23T08:00:00.5Z");
        assert_eq!((b.success, b.at), (false, None));
    }
}
