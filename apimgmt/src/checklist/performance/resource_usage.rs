//! Containers stay within their CPU and memory, and none was killed for its memory.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use crate::{
    checklist::{
        Item, Phase, Severity, Stage, Verdict,
        clauses::{Clauses, counted},
    },
    snapshot::{
        Pod, Quantity, Snapshot, Source, Unreadable,
        cluster::PodMetrics,
        pods::{Container, ContainerStatus},
        sessions::Prometheus,
    },
};

/// The item.
pub const ITEM: Item = Item {
    id: "performance/resource-usage",
    title: "Containers stay within their CPU and memory",
    stage: Stage::Post,
    phase: Phase::Application,
    severity: Severity::Blocking,
    why: "A container at its limit is throttled or killed next.",
    fix: "Raise the limit that is named or mend the leak: `kubectl apimgmt troubleshoot memory`.",
    reads: &[
        Source::Pods,
        Source::PodMetrics,
        Source::Prometheus,
        Source::Expectations,
    ],
    judge,
};

/// Usage older than this tells nothing of now.
const FRESH: SignedDuration = SignedDuration::from_mins(5);

/// Share of a memory limit from which a kill is near, in percent.
const NEAR: i128 = 90;

/// Share of periods from which throttling is felt.
const FELT: f64 = 0.25;

fn judge(snapshot: &Snapshot) -> Result<Verdict, Unreadable> {
    let mut row = Clauses::on(snapshot);
    let pods = snapshot.pods()?;
    let window = row
        .read(snapshot.expectations())
        .map(|expected| expected.performance.window);
    let metrics: Option<BTreeMap<&str, &PodMetrics>> = row
        .read(snapshot.pod_metrics())
        .map(|all| all.iter().map(|one| (one.metadata.name.as_str(), one)).collect());
    let mut usage = Usage::default();
    let mut limited = Vec::new();
    let mut past = Past::default();
    for pod in pods {
        for status in pod.statuses() {
            if let Some(window) = window {
                let back = SignedDuration::try_from(window.0).unwrap_or(SignedDuration::MAX);
                let since = snapshot.taken_at.saturating_sub(back).unwrap_or(Timestamp::MIN);
                past.look(&mut row, since, pod, status);
            }
            let Some(container) = pod.container(&status.name).filter(|_| status.state.running.is_some()) else {
                continue;
            };
            if let Some(metrics) = &metrics {
                usage.look(
                    &mut row,
                    snapshot.taken_at,
                    pod,
                    container,
                    metrics.get(pod.metadata.name.as_str()).copied(),
                );
            }
            if container.resources.limits.contains_key("cpu") {
                limited.push(format!("{}/{}", pod.metadata.name, container.name));
            }
        }
    }
    if usage.containers == 0 && metrics.is_some() {
        row.unseen("no container runs");
    }
    usage.show(&mut row);
    if let Some(window) = window {
        row.moving(
            Source::Pods,
            "pods",
            "status.containerStatuses",
            format!("{} restarts in {window}, {} OOM kills", past.restarts, past.kills),
        );
    }
    throttling(&mut row, snapshot, &limited);
    Ok(row.verdict(format!(
        "{} within their limits, {} restarts, no OOM kill",
        counted(usage.containers, "container"),
        past.restarts
    )))
}

/// How often containers ended and why.
#[derive(Default)]
struct Past {
    restarts: usize,
    kills: usize,
}

impl Past {
    fn look(&mut self, row: &mut Clauses<'_>, since: Timestamp, pod: &Pod, status: &ContainerStatus) {
        let what = format!("{} of {}", status.name, pod.object());
        let again = status.restart_count > 0;
        for ended in [&status.state.terminated, &status.last_state.terminated]
            .into_iter()
            .flatten()
        {
            let recent = ended.finished_at.is_none_or(|finished| finished >= since);
            let when = ended
                .finished_at
                .map_or_else(|| "an unknown time".into(), |at| at.to_string());
            if ended.reason == "OOMKilled" {
                self.kills += 1;
                row.moving(
                    Source::Pods,
                    pod.object(),
                    "lastState.terminated",
                    format!("{} OOMKilled at {when}", status.name),
                );
                if recent {
                    row.breach(format!("{what} was killed for its memory at {when}"));
                } else {
                    row.lesser(format!("{what} was killed for its memory at {when}, before the window"));
                }
            } else if recent && again {
                self.restarts += 1;
                let why = if ended.reason.is_empty() {
                    "no reason"
                } else {
                    &ended.reason
                };
                row.moving(
                    Source::Pods,
                    pod.object(),
                    "lastState.terminated",
                    format!("{}: {why}, exit code {}, at {when}", status.name, ended.exit_code),
                );
                row.lesser(format!(
                    "{what} ended at {when} with exit code {} and was restarted",
                    ended.exit_code
                ));
            }
        }
    }
}

/// The fullest containers.
#[derive(Default)]
struct Usage {
    containers: usize,
    memory: Option<(i128, String, String)>,
    processor: Option<(i128, String, String)>,
}

impl Usage {
    fn look(
        &mut self,
        row: &mut Clauses<'_>,
        now: Timestamp,
        pod: &Pod,
        container: &Container,
        metrics: Option<&PodMetrics>,
    ) {
        let what = format!("{} of {}", container.name, pod.object());
        let fresh = metrics.filter(|metrics| {
            let measured = metrics.timestamp.map(|at| now.duration_since(at));
            measured.is_some_and(|age| age <= FRESH)
        });
        let used = fresh.and_then(|metrics| metrics.containers.iter().find(|used| used.name == container.name));
        let amount = |resource: &str| used.and_then(|used| used.usage.get(resource)).and_then(Quantity::milli);
        let (Some(memory), Some(processor)) = (amount("memory"), amount("cpu")) else {
            row.unseen(format!("the usage of {what} is not known"));
            return;
        };
        self.containers += 1;
        let stated = |resource: &str| {
            let resources = &container.resources;
            let quantity = |amounts: &BTreeMap<String, Quantity>| amounts.get(resource).and_then(Quantity::milli);
            (quantity(&resources.requests), quantity(&resources.limits))
        };
        let (requested, limit) = stated("memory");
        match limit.filter(|limit| *limit > 0) {
            Some(limit) => {
                let share = memory * 100 / limit;
                let megabytes = |milli: i128| format!("{}Mi", milli / (1000 * 1_048_576));
                let shown = format!(
                    "{share} % of its limit: {} of {}, requested {}",
                    megabytes(memory),
                    megabytes(limit),
                    requested.map_or_else(|| "nothing".to_owned(), megabytes)
                );
                if share >= 100 {
                    row.breach(format!("{what} uses {shown} of memory"));
                } else if share >= NEAR {
                    row.lesser(format!("{what} uses memory up to {shown}"));
                }
                fuller(&mut self.memory, share, &what, shown);
            }
            None => row.lesser(format!("{what} has no memory limit")),
        }
        let (requested, limit) = stated("cpu");
        let millis = |milli: i128| format!("{milli}m");
        let of = limit.or(requested).filter(|of| *of > 0);
        let shown = format!(
            "{}, requested {}, limit {}",
            millis(processor),
            requested.map_or_else(|| "nothing".to_owned(), millis),
            limit.map_or_else(|| "none".to_owned(), millis)
        );
        if limit.is_some_and(|limit| limit > 0 && processor >= limit) {
            row.breach(format!("{what} uses all of its CPU limit: {shown}"));
        }
        fuller(
            &mut self.processor,
            of.map_or(0, |of| processor * 100 / of),
            &what,
            shown,
        );
    }

    fn show(&self, row: &mut Clauses<'_>) {
        for (resource, fullest) in [("memory", &self.memory), ("cpu", &self.processor)] {
            if let Some((_, what, shown)) = fullest {
                let object = what.rsplit(' ').next().unwrap_or(what).to_owned();
                row.moving(
                    Source::PodMetrics,
                    object,
                    &format!("fullest container, {resource}"),
                    format!("{what}: {shown}"),
                );
            }
        }
    }
}

fn fuller(fullest: &mut Option<(i128, String, String)>, share: i128, what: &str, shown: String) {
    if fullest.as_ref().is_none_or(|(most, ..)| share > *most) {
        *fullest = Some((share, what.to_owned(), shown));
    }
}

/// Only containers with a CPU limit can be throttled; how often they are, Prometheus alone knows.
fn throttling(row: &mut Clauses<'_>, snapshot: &Snapshot, limited: &[String]) {
    let prometheus = snapshot.prometheus();
    if limited.is_empty() {
        row.stable(
            Source::Pods,
            "pods",
            "resources.limits.cpu",
            "none: nothing is throttled",
        );
        return;
    }
    let measured: Option<&BTreeMap<String, f64>> = prometheus
        .ok()
        .and_then(Option::as_ref)
        .and_then(|prometheus: &Prometheus| prometheus.throttled.as_ref());
    let Some(measured) = measured else {
        row.note(format!(
            "throttling is not measured for {} with a CPU limit",
            counted(limited.len(), "container")
        ));
        return;
    };
    let mut unmeasured = 0;
    let mut most = 0.0_f64;
    for name in limited {
        match measured.get(name).copied().filter(|share| share.is_finite()) {
            Some(share) => {
                most = most.max(share);
                if share >= FELT {
                    row.lesser(format!("{name} is throttled in {:.0} % of its periods", share * 100.0));
                }
            }
            None => unmeasured += 1,
        }
    }
    row.moving(
        Source::Prometheus,
        "pods",
        "throttled periods",
        format!("at most {:.0} %", most * 100.0),
    );
    if unmeasured > 0 {
        row.note(format!(
            "throttling is not measured for {}",
            counted(unmeasured, "container")
        ));
    }
}
