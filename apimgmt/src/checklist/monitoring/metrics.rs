//! Prometheus scrapes every declared target, freshly, and has the key series.

use jiff::{SignedDuration, Timestamp};

use crate::{
    checklist::{
        Item, Phase, Severity, Stage, Verdict,
        clauses::{Clauses, counted},
        exporter,
    },
    snapshot::{
        Pod, Snapshot, Source, Unreadable, condition,
        sessions::{Prometheus, Target},
    },
    values::{ExpectedMonitoring, Span},
};

/// The item.
pub const ITEM: Item = Item {
    id: "monitoring/metrics",
    title: "Prometheus scrapes every target",
    stage: Stage::Post,
    phase: Phase::Monitoring,
    severity: Severity::Blocking,
    why: "What is not measured is noticed by users first.",
    fix: "Run `kubectl port-forward service/prometheus-service 9090:9090` and look at Status, Targets.",
    reads: &[Source::Prometheus, Source::Pods, Source::Expectations],
    judge,
};

fn judge(snapshot: &Snapshot) -> Result<Verdict, Unreadable> {
    let mut row = Clauses::on(snapshot);
    let prometheus = snapshot.prometheus()?;
    let expected = &snapshot.expectations()?.monitoring;
    let Some(prometheus) = prometheus else {
        exporter::absent(&mut row, expected);
        return Ok(row.verdict(""));
    };
    if expected.targets.is_empty() {
        row.unseen("`checklist.monitoring.targets` declares no target");
    }
    for target in &expected.targets {
        let found: Vec<&Target> = prometheus
            .targets
            .iter()
            .filter(|found| found.job == target.job)
            .collect();
        if found.is_empty() {
            row.breach(format!("Prometheus has no target of job `{}`", target.job));
        }
        scraped(&mut row, snapshot, prometheus, &target.job, &found, expected);
    }
    for name in &expected.series {
        match prometheus.series.get(name) {
            Some(0) => row.breach(format!("Prometheus has no series `{name}`")),
            Some(count) => row.moving(Source::Prometheus, &prometheus.object, name, counted_series(*count)),
            None => row.unseen(format!("Prometheus was not asked for the series `{name}`")),
        }
    }
    Ok(row.verdict(format!(
        "{} up and fresh, {} present",
        counted(expected.targets.len(), "job"),
        counted_series(expected.series.len() as u64)
    )))
}

fn counted_series(count: u64) -> String {
    format!("{count} series")
}

fn scraped(
    row: &mut Clauses<'_>,
    snapshot: &Snapshot,
    prometheus: &Prometheus,
    job: &str,
    targets: &[&Target],
    expected: &ExpectedMonitoring,
) {
    let mut fresh = 0;
    let Some(pods) = row.read(snapshot.pods()) else {
        return;
    };
    let (targets, left_over) = without_left_over(targets, pods);
    for target in &targets {
        let what = format!("target {} of job `{job}`", target.instance);
        match target.health.as_str() {
            "up" => {}
            "down" => {
                row.breach(format!("{what} is down: {}", target.last_error));
                continue;
            }
            other => {
                row.unseen(format!("{what} is `{other}`"));
                continue;
            }
        }
        let Some(last) = target.last_scrape else {
            row.unseen(format!("{what} does not say when it was scraped"));
            continue;
        };
        let age = snapshot.taken_at.duration_since(last);
        if age.is_positive() && age.unsigned_abs() > expected.maximum_age.0 {
            row.breach(format!(
                "{what} was scraped {} s ago, more than {}",
                age.as_secs(),
                expected.maximum_age
            ));
        } else {
            fresh += 1;
        }
    }
    row.moving(
        Source::Prometheus,
        &prometheus.object,
        &format!("targets of job {job}"),
        format!("{fresh} of {} up and fresh", targets.len()),
    );
    if left_over > 0 {
        row.moving(
            Source::Prometheus,
            &prometheus.object,
            &format!("targets of job {job} at pods that are gone"),
            left_over,
        );
    }
    for pod in unscraped(&targets, pods, snapshot.taken_at, expected.maximum_age) {
        row.breach(format!("{} is ready and no target of job `{job}`", pod.object()));
    }
}

/// The targets that count, and how many are what discovery still remembers of a pod that ended: their address is no
/// pod's any more, while the same job scrapes a pod that is there. An outside target in such a job would be missed,
/// so a job whose pods are all unknown keeps every target.
fn without_left_over<'t>(targets: &[&'t Target], pods: &[Pod]) -> (Vec<&'t Target>, usize) {
    let scrapes_a_pod = targets
        .iter()
        .any(|target| target.health == "up" && pod_at(target, pods).is_some());
    let kept: Vec<&Target> = targets
        .iter()
        .copied()
        .filter(|target| !scrapes_a_pod || target.health == "up" || pod_at(target, pods).is_some())
        .collect();
    let left_over = targets.len() - kept.len();
    (kept, left_over)
}

/// The pod that stays and holds the target's address.
fn pod_at<'p>(target: &Target, pods: &'p [Pod]) -> Option<&'p Pod> {
    let (host, _) = target.instance.rsplit_once(':')?;
    let address = host.trim_start_matches('[').trim_end_matches(']');
    pods.iter().find(|pod| {
        pod.metadata.deletion_timestamp.is_none()
            && matches!(pod.status.phase.as_str(), "Pending" | "Running")
            && pod.is_at(address)
    })
}

/// Pods that are ready for longer than a scrape may be old, and that the job leaves out though it scrapes another pod
/// of the same controller.
fn unscraped<'p>(targets: &[&Target], pods: &'p [Pod], now: Timestamp, grace: Span) -> Vec<&'p Pod> {
    let scraped: Vec<&Pod> = targets.iter().filter_map(|target| pod_at(target, pods)).collect();
    let controllers: Vec<_> = scraped.iter().filter_map(|pod| pod.metadata.controller()).collect();
    let settled = |pod: &Pod| {
        condition(&pod.status.conditions, "Ready")
            .and_then(|ready| ready.last_transition_time)
            .is_some_and(|since| now.duration_since(since) > SignedDuration::try_from(grace.0).unwrap_or_default())
    };
    pods.iter()
        .filter(|pod| pod.is_ready() && settled(pod))
        .filter(|pod| {
            pod.metadata
                .controller()
                .is_some_and(|owner| controllers.contains(&owner))
        })
        .filter(|pod| !scraped.iter().any(|other| other.metadata.name == pod.metadata.name))
        .collect()
}
