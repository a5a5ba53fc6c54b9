//! Prometheus: its active targets, and how many series each declared name has now.

mod exporters;
mod rules;
mod watchers;

use std::{collections::BTreeMap, time::Duration};

use jiff::Timestamp;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Deserialize, de::DeserializeOwned};

use super::{
    Run,
    caller::{Caller, Question},
    reach::{Reach, Surroundings},
    trouble::Trouble,
};
use crate::snapshot::{
    Snapshot, Unreadable, Why, hostile,
    sessions::{Prometheus, Target},
};

/// Longest time for one question.
const LONGEST: Duration = Duration::from_secs(5);
/// Connections at once.
const LINES: usize = 3;
/// Longest answer that is read.
const MOST: usize = 16 << 20;

#[derive(Deserialize)]
struct Envelope<T> {
    data: T,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Targets {
    active_targets: Vec<ActiveTarget>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[derive(Default)]
struct ActiveTarget {
    labels: BTreeMap<String, String>,
    health: String,
    last_scrape: Option<Timestamp>,
    last_error: String,
}

#[derive(Deserialize)]
pub(super) struct Samples {
    pub(super) result: Vec<Sample>,
}

#[derive(Deserialize)]
pub(super) struct Sample {
    #[serde(default)]
    pub(super) metric: BTreeMap<String, String>,
    value: (f64, String),
}

impl Sample {
    /// The value; Prometheus writes numbers as text, and also `NaN`.
    pub(super) fn number(&self) -> Option<f64> {
        self.value.1.parse::<f64>().ok().filter(|value| value.is_finite())
    }
}

impl Run {
    /// The values of one query.
    pub(super) async fn question(&self, snapshot: &Snapshot, query: &str) -> Result<Vec<f64>, Trouble> {
        let Some(reach) = self.way_to_prometheus(snapshot)? else {
            return Err(Trouble::failed("the declared service of Prometheus is not there"));
        };
        let samples = self.query_prometheus(&Caller::new(self, &reach, LINES), query).await?;
        Ok(samples.result.iter().filter_map(Sample::number).collect())
    }

    /// `None` when the declared service is not there.
    fn way_to_prometheus(&self, snapshot: &Snapshot) -> Result<Option<Reach>, Trouble> {
        let needs = |unreadable: Unreadable| Trouble::Unreadable(Why::Needs(unreadable.source));
        let address = &snapshot.expectations().map_err(needs)?.monitoring.prometheus;
        let surroundings = Surroundings {
            namespace: self.namespace(),
            services: snapshot.services().map_err(needs)?,
            pods: snapshot.pods().map_err(needs)?,
        };
        let host = address.service.split(['.', '/']).next().unwrap_or_default();
        let declared_here = !address.service.contains('.');
        if declared_here
            && !surroundings
                .services
                .iter()
                .any(|service| service.metadata.name == host)
        {
            return Ok(None);
        }
        let reach = surroundings.reach(&address.service, address.port, 9090, None);
        reach.map(Some).map_err(Trouble::session)
    }

    /// `None` when the declared service is not there.
    pub(super) async fn prometheus(&self, snapshot: &Snapshot) -> Result<Option<Prometheus>, Trouble> {
        let needs = |unreadable: Unreadable| Trouble::Unreadable(Why::Needs(unreadable.source));
        let expected = snapshot.expectations().map_err(needs)?;
        let monitoring = &expected.monitoring;
        let Some(reach) = &self.way_to_prometheus(snapshot)? else {
            return Ok(None);
        };
        let prometheus = &Caller::new(self, reach, LINES);
        let questions = monitoring.series.iter().map(|name| async move {
            let samples = self.query_prometheus(prometheus, &format!("count({name})")).await?;
            let count = samples
                .result
                .first()
                .and_then(|sample| sample.value.1.parse::<u64>().ok());
            Ok((name.clone(), count.unwrap_or_default()))
        });
        let (targets, series, throttled, rules, exporters, traffic, watchers) = futures::try_join!(
            self.ask_prometheus::<Targets>(prometheus, "/api/v1/targets?state=active"),
            futures::future::try_join_all(questions),
            self.throttled(prometheus),
            self.rules(prometheus),
            self.exporters(prometheus, expected),
            self.traffic(prometheus, &expected.performance),
            self.watchers(prometheus, &expected.synthetic.job),
        )?;
        Ok(Some(Prometheus {
            object: format!("service/{}", monitoring.prometheus.service),
            targets: targets.active_targets.iter().map(target).collect(),
            series: series.into_iter().collect(),
            throttled,
            rules,
            exporters,
            traffic: Some(traffic),
            watchers,
        }))
    }

    /// Share of CFS periods of the last hour in which a container was throttled; `None` when nobody scrapes cAdvisor.
    async fn throttled(&self, prometheus: &Caller<'_>) -> Result<Option<BTreeMap<String, f64>>, Trouble> {
        let namespace = self.namespace();
        let periods = |name: &str| {
            format!(
                r#"sum by (pod, container) (increase(container_cpu_cfs_{name}_total{{namespace="{namespace}",container!=""}}[1h]))"#
            )
        };
        let query = format!("{} / {}", periods("throttled_periods"), periods("periods"));
        let samples = self.query_prometheus(prometheus, &query).await?;
        let share = |sample: Sample| {
            let label = |key: &str| sample.metric.get(key).map(|value| hostile::capped(value, 253));
            let share = sample.number()?;
            Some((format!("{}/{}", label("pod")?, label("container")?), share))
        };
        let shares: BTreeMap<_, _> = samples.result.into_iter().filter_map(share).collect();
        Ok((!shares.is_empty()).then_some(shares))
    }

    pub(super) async fn query_prometheus(&self, prometheus: &Caller<'_>, query: &str) -> Result<Samples, Trouble> {
        let path = format!("/api/v1/query?query={}", utf8_percent_encode(query, NON_ALPHANUMERIC));
        self.ask_prometheus(prometheus, &path).await
    }

    async fn ask_prometheus<T: DeserializeOwned>(&self, prometheus: &Caller<'_>, path: &str) -> Result<T, Trouble> {
        let question = Question {
            path,
            authorization: None,
            within: LONGEST,
            most: MOST,
        };
        let reply = prometheus.get(question).await?;
        if !reply.status.is_success() {
            return Err(Trouble::session(format!("HTTP {} to {path}", reply.status.as_u16())));
        }
        let envelope: Envelope<T> = serde_json::from_slice(&reply.body).map_err(|error| {
            Trouble::session(hostile::line(&format!(
                "the answer to {path} is not Prometheus's: {error}"
            )))
        })?;
        Ok(envelope.data)
    }
}

fn target(active: &ActiveTarget) -> Target {
    let label = |key: &str| {
        active
            .labels
            .get(key)
            .map(|value| hostile::line(value))
            .unwrap_or_default()
    };
    Target {
        job: label("job"),
        instance: label("instance"),
        health: hostile::line(&active.health),
        // A target that was never scraped has the year 1.
        last_scrape: active.last_scrape.filter(|time| *time > Timestamp::UNIX_EPOCH),
        last_error: hostile::line(&active.last_error),
    }
}
