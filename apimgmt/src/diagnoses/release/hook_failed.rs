//! A hook of Helm failed and holds the release up.

use crate::{
    diagnoses::{Diagnosis, Directness, Finding, Topic, Weight, scene::Scene},
    snapshot::{Source, Unreadable, workloads::Job},
};

pub(in crate::diagnoses) const DIAGNOSIS: Diagnosis = Diagnosis {
    id: "hook-failed",
    topic: Topic::Release,
    symptom: "An install or upgrade ends with `failed pre-upgrade` or the like",
    cause: "The job of a hook failed, and Helm goes no further",
    reads: &[Source::Jobs, Source::Pods, Source::Logs],
    look,
};

fn look(scene: &Scene<'_>) -> Result<Vec<Finding>, Unreadable> {
    let (jobs, _, _) = (scene.snapshot.jobs()?, scene.snapshot.pods(), scene.snapshot.logs());
    let mut failed: Vec<_> = jobs
        .iter()
        .filter_map(|job| Some((job, hook(job)?, job.failed()?)))
        .collect();
    failed.sort_by_key(|(job, _, _)| &job.metadata.name);
    let findings = failed.into_iter().map(|(job, hook, _)| finding(scene, job, hook));
    Ok(findings.collect())
}

/// The hook that a job is; tests and what follows a deletion hold nothing up.
fn hook(job: &Job) -> Option<&str> {
    let hook = job.metadata.annotations.get("helm.sh/hook")?;
    let holds_up = [
        "pre-install",
        "post-install",
        "pre-upgrade",
        "post-upgrade",
        "pre-rollback",
        "post-rollback",
    ];
    holds_up.iter().any(|kind| hook.contains(kind)).then_some(hook)
}

fn finding(scene: &Scene<'_>, job: &Job, hook: &str) -> Finding {
    let object = format!("job/{}", job.metadata.name);
    let pods = scene.pods().unwrap_or_default().iter().copied();
    let pods: Vec<_> = pods
        .filter(|pod| pod.metadata.is_controlled_by("Job", &job.metadata.name))
        .collect();
    let last = pods
        .iter()
        .max_by_key(|pod| (pod.metadata.creation_timestamp, &pod.metadata.name));
    let lines = last.into_iter().flat_map(|pod| {
        let ended = pod
            .statuses()
            .find(|status| status.state.terminated.as_ref().is_some_and(|it| it.exit_code != 0));
        ended.into_iter().flat_map(|status| {
            let log = scene.log(pod, &status.name, false);
            log.iter()
                .rev()
                .take(3)
                .rev()
                .map(|line| scene.log_line(pod, &status.name, false, line))
        })
    });
    Finding::new(
        DIAGNOSIS.id,
        &object,
        format!("the {hook} hook {object} failed, and Helm goes no further"),
    )
    .weighing(Weight::Critical)
    .shown(Directness::Compared)
    .explaining(pods.iter().map(|pod| pod.object()))
    // What is wrong with its pods, where that is recognised, is the cause.
    .following(pods.iter().map(|pod| pod.object()))
    .because(scene.failed_job(job))
    .because(lines)
    .mend(format!(
        "kubectl logs {object} -n {} --all-containers --tail=50",
        scene.namespace()
    ))
    .mend("Mend what the hook complains of, then upgrade again; the former revision serves meanwhile")
}
