//! The autoscaler can scale.
//!
//! A load probe (`--load`) leaves a result of this item with the values `replicasBefore`, `replicasPeak`, `replicasAfter`
//! (pods), `usage` (the highest, as a part of the autoscaler's target) and `fellAfter` (`20s`, from the end of the load).
//! Without one the conditions alone are judged, and it is said.

use jiff::SignedDuration;

use crate::{
    checklist::{Item, Phase, Severity, Stage, Verdict, clauses::Clauses, connections::autoscaler_of, workload::roles},
    snapshot::{Snapshot, Source, Unreadable, condition, sessions::ProbeResult, workloads::HorizontalPodAutoscaler},
    values::Span,
};

/// The item.
pub const ITEM: Item = Item {
    id: "performance/auto-scaling",
    title: "The autoscaler can scale",
    stage: Stage::Post,
    phase: Phase::Application,
    severity: Severity::Blocking,
    why: "Without metrics it holds the last number for ever.",
    fix: "Run `kubectl describe hpa` and mend the condition that is false.",
    reads: &[
        Source::HorizontalPodAutoscalers,
        Source::Deployments,
        Source::StatefulSets,
        Source::Pods,
        Source::Services,
        Source::Probes,
        Source::Expectations,
    ],
    judge,
};

/// An autoscaler leaves the pods as they are while the usage is within a tenth of its target
/// (`--horizontal-pod-autoscaler-tolerance` of kube-controller-manager).
const TOLERATED: f64 = 1.1;

fn judge(snapshot: &Snapshot) -> Result<Verdict, Unreadable> {
    let mut row = Clauses::on(snapshot);
    let autoscalers = snapshot.horizontal_pod_autoscalers()?;
    let Some(application) = roles(&mut row, snapshot).application else {
        row.unseen("no workload plays the application");
        return Ok(row.verdict(""));
    };
    let Some(autoscaler) = autoscaler_of(autoscalers, &application) else {
        row.breach(format!("no HorizontalPodAutoscaler scales {}", application.workload));
        return Ok(row.verdict(""));
    };
    let object = format!("horizontalpodautoscaler/{}", autoscaler.metadata.name);
    range(&mut row, &object, autoscaler);
    conditions(&mut row, &object, autoscaler);
    metrics(&mut row, &object, autoscaler);
    loaded(&mut row, snapshot, &object, autoscaler);
    let spec = &autoscaler.spec;
    Ok(row.verdict(format!(
        "{object} can scale {} between {} and {} pods",
        application.workload,
        spec.min_replicas.unwrap_or(1),
        spec.max_replicas
    )))
}

fn range(row: &mut Clauses<'_>, object: &str, autoscaler: &HorizontalPodAutoscaler) {
    let (least, most) = (autoscaler.spec.min_replicas.unwrap_or(1), autoscaler.spec.max_replicas);
    row.stable(
        Source::HorizontalPodAutoscalers,
        object,
        "spec.minReplicas, maxReplicas",
        format!("{least}, {most}"),
    );
    if least >= most {
        row.breach(format!("{object} has {least} to {most} pods: it has nothing to scale"));
    }
    row.moving(
        Source::HorizontalPodAutoscalers,
        object,
        "status.currentReplicas",
        format!(
            "{}, wants {}",
            autoscaler.status.current_replicas, autoscaler.status.desired_replicas
        ),
    );
}

fn conditions(row: &mut Clauses<'_>, object: &str, autoscaler: &HorizontalPodAutoscaler) {
    for kind in ["AbleToScale", "ScalingActive"] {
        let Some(found) = condition(&autoscaler.status.conditions, kind) else {
            row.unseen(format!("{object} does not say yet whether it is {kind}"));
            continue;
        };
        row.moving(
            Source::HorizontalPodAutoscalers,
            object,
            &format!("status.conditions[{kind}]"),
            format!("{} ({})", found.status, found.reason),
        );
        match found.status.as_str() {
            "True" => {}
            "False" => row.breach(format!("{object} is not {kind}: {} ({})", found.message, found.reason)),
            other => row.unseen(format!("{kind} of {object} is `{other}`: {}", found.message)),
        }
    }
    if let Some(limited) = condition(&autoscaler.status.conditions, "ScalingLimited")
        && limited.status == "True"
        && limited.reason == "TooManyReplicas"
    {
        row.lesser(format!(
            "{object} wants more pods than its maximum of {}",
            autoscaler.spec.max_replicas
        ));
    }
}

/// Metrics are valid when each kind that the autoscaler asks for has a current value.
fn metrics(row: &mut Clauses<'_>, object: &str, autoscaler: &HorizontalPodAutoscaler) {
    let current = &autoscaler.status.current_metrics;
    if current.is_empty() {
        row.unseen(format!("{object} has no current metric"));
        return;
    }
    for metric in current {
        let Some(resource) = &metric.resource else {
            row.moving(
                Source::HorizontalPodAutoscalers,
                object,
                "status.currentMetrics",
                &metric.kind,
            );
            continue;
        };
        let now = &resource.current;
        let shown = match (now.average_utilization, &now.average_value) {
            (Some(percent), _) => format!("{percent} %"),
            (None, Some(value)) => value.0.clone(),
            (None, None) => {
                row.breach(format!("{object} has no value of {}", resource.name));
                continue;
            }
        };
        row.moving(
            Source::HorizontalPodAutoscalers,
            object,
            &format!("status.currentMetrics[{}]", resource.name),
            shown,
        );
    }
}

/// What the newest load that is fresh enough showed: pods rose, and fell again within what the autoscaler declares.
fn loaded(row: &mut Clauses<'_>, snapshot: &Snapshot, object: &str, autoscaler: &HorizontalPodAutoscaler) {
    let (Some(results), Some(expected)) = (row.read(snapshot.probes()), row.read(snapshot.expectations())) else {
        return;
    };
    let age = |result: &ProbeResult| result.at.map(|at| snapshot.taken_at.duration_since(at));
    let oldest = SignedDuration::try_from(expected.probe_max_age.0).unwrap_or(SignedDuration::MAX);
    let fresh = results
        .iter()
        .filter(|result| result.item == ITEM.id)
        .filter(|result| age(result).is_some_and(|age| age <= oldest))
        .max_by_key(|result| result.at);
    let Some(result) = fresh else {
        row.note(format!(
            "no load of the last {} was seen (`--load`)",
            expected.probe_max_age
        ));
        return;
    };
    super::super::probe::taken(row, result);
    let count = |name: &str| result.values.get(name).and_then(|text| text.parse::<i64>().ok());
    let (Some(before), Some(peak), Some(after)) =
        (count("replicasBefore"), count("replicasPeak"), count("replicasAfter"))
    else {
        row.unseen("the load's result does not say how many pods there were");
        return;
    };
    if peak <= before {
        stayed(row, result, object, before, autoscaler);
        return;
    }
    if after >= peak {
        row.breach(format!("after the load {object} stayed at {after} pods"));
        return;
    }
    match result
        .values
        .get("fellAfter")
        .and_then(|text| text.parse::<Span>().ok())
    {
        Some(fell) if fell.0 > autoscaler.falls_within() => row.breach(format!(
            "{object} took {fell} to take pods away, its window is {} s",
            autoscaler.window().as_secs()
        )),
        Some(_) => {}
        None => row.unseen("the load's result does not say when the pods fell"),
    }
}

/// Pods that did not become more are right where the load asked for none.
fn stayed(row: &mut Clauses<'_>, result: &ProbeResult, object: &str, pods: i64, autoscaler: &HorizontalPodAutoscaler) {
    let usage = result.values.get("usage").and_then(|text| text.parse::<f64>().ok());
    match usage {
        _ if pods >= autoscaler.spec.max_replicas => {
            row.note(format!("under load {object} stayed at {pods} pods, its maximum"));
        }
        Some(usage) if usage <= TOLERATED => row.note(format!(
            "the load took {:.0} % of the usage that {object} aims at, which asks for no more pods than {pods}",
            usage * 100.0
        )),
        _ => row.breach(format!("under load {object} stayed at {pods} pods")),
    }
}
