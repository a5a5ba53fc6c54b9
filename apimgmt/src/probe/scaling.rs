//! What the autoscaler makes of a load: the pods before it, at most and after it, and how soon they fell.

use std::{collections::BTreeMap, pin::pin, time::Duration};

use k8s_openapi::api::autoscaling::v2::{HorizontalPodAutoscaler, MetricSpec, MetricTarget, MetricValueStatus};
use kube::{Api, Client};
use tokio::time::{Instant, MissedTickBehavior, interval};

use crate::{
    Error,
    report::progress::Progress,
    snapshot::{Snapshot, Unreadable, roles::Role, workloads},
};

/// How long after a load an autoscaler may still learn of it: metrics-server's resolution, and its own period, with some
/// room (both 15 s by default).
const LEARNING: Duration = Duration::from_secs(45);
/// How often it is looked at: one object, for minutes at most.
const EACH: Duration = Duration::from_secs(1);

/// The autoscaler of the application, as far as a load concerns it.
pub(super) struct Autoscaler {
    name: String,
    window: Duration,
    falls_within: Duration,
}

/// What was seen of it.
#[derive(Debug, Default)]
pub(super) struct Course {
    before: i64,
    peak: i64,
    now: i64,
    /// Highest usage as a part of its target.
    usage: Option<f64>,
    /// From the end of the load until there were fewer pods than at the peak.
    fell_after: Option<Duration>,
}

impl Autoscaler {
    /// That of a workload, where it has one.
    pub(super) fn of(snapshot: &Snapshot, application: &Role) -> Result<Option<Self>, Unreadable> {
        let mut autoscalers = snapshot.horizontal_pod_autoscalers()?.iter();
        let found = autoscalers.find(|autoscaler| autoscaler.scales(&application.workload));
        Ok(found.map(|autoscaler: &workloads::HorizontalPodAutoscaler| Self {
            name: autoscaler.metadata.name.clone(),
            window: autoscaler.window(),
            falls_within: autoscaler.falls_within(),
        }))
    }

    /// Looks on while a load is made, and afterwards until pods that came have gone, or should have.
    pub(super) async fn during<T>(
        &self,
        client: &Client,
        namespace: &str,
        load: impl Future<Output = Result<T, Error>>,
        progress: &Progress,
    ) -> Result<(T, Course), Error> {
        let api: Api<HorizontalPodAutoscaler> = Api::namespaced(client.clone(), namespace);
        let mut course = Course::of(&self.seen(&api).await?);
        let mut ticks = interval(EACH);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut load = pin!(load);
        let outcome = loop {
            tokio::select! {
                outcome = &mut load => break outcome?,
                _ = ticks.tick() => course.note(&self.seen(&api).await?, progress),
            }
        };
        let ended = Instant::now();
        progress.say(&format!(
            "the load is over; horizontalpodautoscaler/{} looks back {} s before it takes pods away",
            self.name,
            self.window.as_secs()
        ));
        while course.fell_after.is_none() && ended.elapsed() < course.patience(self) {
            ticks.tick().await;
            course.note(&self.seen(&api).await?, progress);
            course.fell_after = (course.now < course.peak).then(|| ended.elapsed());
        }
        Ok((outcome, course))
    }

    async fn seen(&self, api: &Api<HorizontalPodAutoscaler>) -> Result<HorizontalPodAutoscaler, Error> {
        api.get(&self.name).await.map_err(|error| self.lost(error))
    }

    fn lost(&self, error: kube::Error) -> Error {
        Error::could_not(format!(
            "lost sight of horizontalpodautoscaler/{} during the load",
            self.name
        ))
        .because(error)
        .hint("looking on needs `get` of horizontalpodautoscalers")
    }
}

impl Course {
    fn of(autoscaler: &HorizontalPodAutoscaler) -> Self {
        let mut course = Self {
            before: pods(autoscaler),
            ..Self::default()
        };
        course.now = course.before;
        course.peak = course.before;
        course
    }

    fn note(&mut self, autoscaler: &HorizontalPodAutoscaler, progress: &Progress) {
        let now = pods(autoscaler);
        if now != self.now {
            progress.say(&format!("{} pods, {} before", now, self.now));
        }
        self.now = now;
        self.peak = self.peak.max(now);
        let usage = usage(autoscaler);
        if usage > self.usage {
            self.usage = usage;
        }
    }

    /// How long after the load a change may still come.
    fn patience(&self, autoscaler: &Autoscaler) -> Duration {
        if self.peak > self.before {
            autoscaler.falls_within
        } else {
            LEARNING
        }
    }

    /// As the item reads it.
    pub(super) fn values(&self) -> BTreeMap<String, String> {
        let seconds = |duration: Duration| format!("{}s", duration.as_secs());
        let counts = [
            ("replicasBefore", Some(self.before.to_string())),
            ("replicasPeak", Some(self.peak.to_string())),
            ("replicasAfter", Some(self.now.to_string())),
            ("usage", self.usage.map(|usage| format!("{usage:.2}"))),
            ("fellAfter", self.fell_after.map(seconds)),
        ];
        counts
            .into_iter()
            .filter_map(|(name, value)| Some((name.to_owned(), value?)))
            .collect()
    }
}

fn pods(autoscaler: &HorizontalPodAutoscaler) -> i64 {
    let status = autoscaler.status.as_ref();
    status
        .and_then(|status| status.current_replicas)
        .unwrap_or_default()
        .into()
}

/// The highest usage of a resource as a part of its target; the autoscaler follows that one, too.
fn usage(autoscaler: &HorizontalPodAutoscaler) -> Option<f64> {
    let current = autoscaler.status.as_ref()?.current_metrics.as_ref()?;
    let wanted = autoscaler.spec.as_ref()?.metrics.as_ref()?;
    let shares = current
        .iter()
        .filter_map(|metric| metric.resource.as_ref())
        .filter_map(|now| {
            let aim = |metric: &MetricSpec| metric.resource.as_ref().filter(|aim| aim.name == now.name).cloned();
            share(&now.current, &wanted.iter().find_map(aim)?.target)
        });
    shares.max_by(f64::total_cmp)
}

fn share(now: &MetricValueStatus, target: &MetricTarget) -> Option<f64> {
    let percent = |percent: Option<i32>| percent.map(f64::from);
    let share = percent(now.average_utilization)? / percent(target.average_utilization)?;
    share.is_finite().then_some(share)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn autoscaler(pods: i32, cpu: i32) -> HorizontalPodAutoscaler {
        serde_json::from_value(serde_json::json!({
            "spec": {
                "scaleTargetRef": {"kind": "Deployment", "name": "api-management"}, "maxReplicas": 10,
                "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 70}}}],
            },
            "status": {
                "currentReplicas": pods, "desiredReplicas": pods,
                "currentMetrics": [{"type": "Resource", "resource": {"name": "cpu", "current": {"averageValue": "1m", "averageUtilization": cpu}}}],
            },
        }))
        .unwrap()
    }

    #[test]
    fn the_course_of_a_load_is_told_by_its_counts_and_its_highest_usage() {
        let mut course = Course::of(&autoscaler(3, 10));
        for (pods, cpu) in [(3, 140), (6, 90), (6, 35)] {
            course.note(&autoscaler(pods, cpu), &Progress::silent());
        }
        course.note(&autoscaler(4, 7), &Progress::silent());
        course.fell_after = Some(Duration::from_secs(31));
        let told = course.values();
        let expected = [
            ("fellAfter", "31s"),
            ("replicasAfter", "4"),
            ("replicasBefore", "3"),
            ("replicasPeak", "6"),
            ("usage", "2.00"),
        ];
        assert_eq!(
            told,
            expected.map(|(name, value)| (name.to_owned(), value.to_owned())).into()
        );
    }

    #[test]
    fn without_a_usage_none_is_told() {
        let mut course = Course::of(&HorizontalPodAutoscaler::default());
        course.note(&HorizontalPodAutoscaler::default(), &Progress::silent());
        assert!(!course.values().contains_key("usage"));
        assert!(!course.values().contains_key("fellAfter"));
    }
}
