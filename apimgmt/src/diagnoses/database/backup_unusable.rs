//! A backup is there and cannot be restored.

use crate::{
    diagnoses::{
        Diagnosis, Finding, Topic, Weight,
        scene::{Scene, clean},
    },
    signatures::{Answer, answer},
    snapshot::{Pod, Source, Unreadable},
};

pub(in crate::diagnoses) const DIAGNOSIS: Diagnosis = Diagnosis {
    id: "backup-unusable",
    topic: Topic::Database,
    symptom: "Restoring a backup fails",
    cause: "The dump is truncated, damaged, or made with another key",
    reads: &[
        Source::Pods,
        Source::ReplicaSets,
        Source::Jobs,
        Source::Logs,
        Source::CronJobs,
    ],
    look,
};

fn look(scene: &Scene<'_>) -> Result<Vec<Finding>, Unreadable> {
    let pods = scene.current()?;
    let _ = (scene.snapshot.logs(), scene.snapshot.cron_jobs());
    // One dump that several attempts failed on is one fault.
    let mut findings: Vec<Finding> = Vec::new();
    for pod in pods.iter().copied().filter(|pod| !pod.is_ready()) {
        if let Some((container, line)) = refusal(scene, pod) {
            let found = finding(scene, pod, container, line);
            match findings.iter_mut().find(|it| it.object == found.object) {
                Some(known) => known.explains.extend(found.explains),
                None => findings.push(found),
            }
        }
    }
    Ok(findings)
}

fn refusal<'a>(scene: &Scene<'a>, pod: &'a Pod) -> Option<(&'a str, &'a str)> {
    pod.statuses().find_map(|status| {
        let lines = scene.log(pod, &status.name, false).iter().rev();
        let unreadable = |line: &&String| matches!(answer(line), Some((_, Answer::BackupUnreadable)));
        let line = lines.into_iter().find(unreadable)?;
        Some((&*status.name, line.as_str()))
    })
}

fn finding<'a>(scene: &Scene<'a>, pod: &'a Pod, container: &'a str, line: &'a str) -> Finding {
    let workload = scene.workload(pod);
    let jobs = scene.snapshot.jobs().map(Vec::as_slice).unwrap_or_default();
    let schedule = jobs
        .iter()
        .find(|job| workload == format!("job/{}", job.metadata.name))
        .and_then(|job| job.metadata.controller())
        .map(|owner| format!("cronjob/{}", owner.name));
    let object = schedule.unwrap_or(workload);
    let backup = scene.snapshot.cron_jobs().map(Vec::as_slice).unwrap_or_default();
    let maker = backup
        .iter()
        .map(|it| &it.metadata.name)
        .filter(|name| name.contains("backup"))
        .min();
    let finding = Finding::new(
        DIAGNOSIS.id,
        &object,
        format!(
            "the backup that {object} tried to restore cannot be read: `{}`",
            clean(line)
        ),
    )
    .weighing(Weight::Warning)
    .explaining([pod.object(), scene.workload(pod)])
    .because([scene.log_line(pod, container, false, line)])
    .not("the database refuses it", "the tool could not read the file itself");
    match maker {
        Some(name) => finding.mend(format!(
            "kubectl create job {name}-again --from=cronjob/{name} -n {}",
            scene.namespace()
        )),
        None => finding.mend("Make a new backup now, and restore it once"),
    }
    .mend("Keep the damaged file apart, and look whether older ones can be read")
}
