//! Every pod of the application answers 200 on every health path in time; the Service would hide a sick one.

use crate::{
    checklist::{
        Item, Phase, Severity, Stage, Verdict,
        clauses::{Clauses, counted},
        workload::{roles, serves},
    },
    snapshot::{Pod, Snapshot, Source, Unreadable, condition, sessions::HealthAnswer},
    values::HealthPath,
};

/// The item.
pub const ITEM: Item = Item {
    id: "functional/health",
    title: "Every pod answers 200 on every health path",
    stage: Stage::Post,
    phase: Phase::Application,
    severity: Severity::Blocking,
    why: "The Service hides one sick pod behind its healthy neighbours.",
    fix: "Run `kubectl apimgmt troubleshoot pod`.",
    reads: &[
        Source::Health,
        Source::Pods,
        Source::Deployments,
        Source::StatefulSets,
        Source::Services,
        Source::Expectations,
    ],
    judge,
};

#[expect(clippy::unnecessary_wraps, reason = "it has the shape of every judge")]
fn judge(snapshot: &Snapshot) -> Result<Verdict, Unreadable> {
    let mut row = Clauses::on(snapshot);
    let known = row.read(snapshot.pods());
    let roles = roles(&mut row, snapshot);
    let answers = row.read(snapshot.health());
    let expected = row.read(snapshot.expectations());
    let Some(role) = &roles.application else {
        row.unseen("no workload plays the application, and `checklist.roles.application` declares none");
        return Ok(row.verdict(""));
    };
    serves(&mut row, snapshot, role);
    let (Some(known), Some(answers), Some(expected)) = (known, answers, expected) else {
        return Ok(row.verdict(""));
    };
    // A pod that ends or is told to go serves nobody.
    let serving = |pod: &&Pod| pod.metadata.deletion_timestamp.is_none() && !pod.has_ended();
    let (running, waiting): (Vec<&Pod>, Vec<&Pod>) = role
        .pods(known)
        .filter(serving)
        .partition(|pod| pod.status.phase == "Running");
    for pod in waiting {
        row.moving(Source::Pods, pod.object(), "status.phase", &pod.status.phase);
        row.breach(format!("{} is {} and answers nothing", pod.object(), pod.status.phase));
    }
    let pods: Vec<&str> = running.iter().map(|pod| pod.metadata.name.as_str()).collect();
    if expected.health.paths.is_empty() {
        row.unseen("`checklist.health.paths` declares no path");
    }
    for path in &expected.health.paths {
        every_pod(&mut row, answers, &pods, path);
    }
    for pod in running.iter().filter(|pod| !pod.is_ready()) {
        unready(&mut row, answers, pod, &expected.health.paths);
    }
    Ok(row.verdict(format!(
        "{} answer 200 on {}",
        counted(pods.len(), "pod"),
        counted(expected.health.paths.len(), "path")
    )))
}

/// It is asked through a port-forward, which ends on the pod's own loopback: there it may answer what nobody else gets.
fn unready(row: &mut Clauses<'_>, answers: &[HealthAnswer], pod: &Pod, paths: &[HealthPath]) {
    let ready = condition(&pod.status.conditions, "Ready");
    let why = ready.map_or("nobody says why", |ready| ready.message.as_str());
    row.moving(Source::Pods, pod.object(), "status.conditions[Ready]", why);
    let answers_on = |path: &HealthPath| {
        answers
            .iter()
            .any(|answer| answer.pod == pod.metadata.name && answer.path == path.path && answer.status == Some(200))
    };
    if !paths.is_empty() && paths.iter().all(answers_on) {
        row.breach(format!(
            "{} answers on its own loopback, and is not ready: {why}",
            pod.object()
        ));
    }
}

fn every_pod(row: &mut Clauses<'_>, answers: &[HealthAnswer], pods: &[&str], path: &HealthPath) {
    let mut well = 0;
    let mut slowest = 0;
    for pod in pods {
        let object = format!("pod/{pod}");
        let answer = answers
            .iter()
            .find(|answer| answer.pod == *pod && answer.path == path.path);
        let Some(answer) = answer else {
            row.unseen(format!("{object} was not asked {}", path.path));
            continue;
        };
        slowest = slowest.max(answer.milliseconds);
        match answer.status {
            Some(200) if u128::from(answer.milliseconds) <= path.within.0.as_millis() => well += 1,
            Some(200) => {
                row.moving(
                    Source::Health,
                    &object,
                    &path.path,
                    format!("{} ms", answer.milliseconds),
                );
                row.breach(format!(
                    "{object} takes {} ms for {}, more than {}",
                    answer.milliseconds, path.path, path.within
                ));
            }
            Some(status) => {
                row.moving(Source::Health, &object, &path.path, format!("{status} {}", answer.body));
                let says = if answer.body.is_empty() {
                    String::new()
                } else {
                    format!(": {}", answer.body)
                };
                row.breach(format!("{object} answers {} with {status}{says}", path.path));
            }
            None => {
                let why = answer.error.as_deref().unwrap_or("no answer");
                row.moving(Source::Health, &object, &path.path, why);
                row.breach(format!("{object} does not answer {}: {why}", path.path));
            }
        }
    }
    if !pods.is_empty() {
        row.moving(
            Source::Health,
            "pods",
            &path.path,
            format!("{well} of {} answer 200, slowest {slowest} ms", pods.len()),
        );
    }
}
