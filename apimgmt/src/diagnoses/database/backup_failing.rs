//! Backups fail, or none has been made for too long.

use crate::{
    diagnoses::{
        Diagnosis, Directness, Finding, Topic, Weight,
        scene::{Scene, minutes, since},
    },
    snapshot::{
        Pod, Source, Unreadable,
        workloads::{CronJob, Job},
    },
};

pub(in crate::diagnoses) const DIAGNOSIS: Diagnosis = Diagnosis {
    id: "backup-failing",
    topic: Topic::Database,
    symptom: "There is no fresh backup",
    cause: "The job that makes backups fails, is suspended, or does not run",
    reads: &[
        Source::CronJobs,
        Source::Jobs,
        Source::Pods,
        Source::ReplicaSets,
        Source::Logs,
        Source::Expectations,
    ],
    look,
};

fn look(scene: &Scene<'_>) -> Result<Vec<Finding>, Unreadable> {
    scene.current()?;
    let snapshot = scene.snapshot;
    let (cron_jobs, jobs, _) = (snapshot.cron_jobs()?, snapshot.jobs()?, snapshot.logs());
    let expected = snapshot.expectations().ok().map(|it| &it.backup);
    let declared = |name: &str| expected.is_some_and(|it| it.cron_job == name);
    let mut mine: Vec<&CronJob> = cron_jobs
        .iter()
        .filter(|it| declared(&it.metadata.name) || it.metadata.name.contains("backup"))
        .collect();
    mine.sort_by(|left, right| left.metadata.name.cmp(&right.metadata.name));
    let findings = mine.into_iter().filter_map(|cron_job| {
        let age = expected
            .filter(|_| declared(&cron_job.metadata.name))
            .map(|it| it.maximum_age.0);
        finding(scene, cron_job, jobs, age)
    });
    Ok(findings.collect())
}

fn finding<'a>(
    scene: &Scene<'a>,
    cron_job: &CronJob,
    jobs: &'a [Job],
    oldest: Option<std::time::Duration>,
) -> Option<Finding> {
    let (name, now) = (&cron_job.metadata.name, scene.now());
    let object = format!("cronjob/{name}");
    let last = cron_job.status.last_successful_time;
    let failed = failed_since(cron_job, jobs);
    let begun = last.or(cron_job.metadata.creation_timestamp);
    let is_old = |limit: std::time::Duration| since(begun, now).unsigned_abs() > limit && begun.is_some();
    let ago = match last {
        Some(at) => format!("the last backup was made {} ago", minutes(since(Some(at), now))),
        None => "no backup has ever been made".into(),
    };
    let cause = match failed {
        Some(job) => format!(
            "{object} fails: job/{} ended without a backup, and {ago}",
            job.metadata.name
        ),
        None if oldest.is_some_and(is_old) && cron_job.spec.suspend => format!("{object} is suspended, and {ago}"),
        None if oldest.is_some_and(is_old) => format!("{object} does not run, and {ago}"),
        None => return None,
    };
    let pods: Vec<&Pod> = failed.map(|job| pods_of(scene, job)).unwrap_or_default();
    let last_line = pods.iter().find_map(|pod| {
        let status = pod.status.container_statuses.first()?;
        let line = scene.log(pod, &status.name, false).last()?;
        Some(scene.log_line(pod, &status.name, false, line))
    });
    let of_job = failed.and_then(|job| scene.failed_job(job));
    let namespace = scene.namespace();
    let told = last.map_or_else(|| "never".into(), |at| at.to_string());
    let finding = Finding::new(DIAGNOSIS.id, &object, cause)
        .weighing(Weight::Warning)
        .shown(Directness::Compared)
        .explaining(pods.iter().map(|pod| pod.object()))
        // What keeps its pod from its work is the cause.
        .following(pods.iter().map(|pod| pod.object()))
        .because([scene.field(Source::CronJobs, &object, "status.lastSuccessfulTime", told)])
        .because(
            cron_job
                .spec
                .suspend
                .then(|| scene.field(Source::CronJobs, &object, "spec.suspend", true)),
        )
        .because(of_job)
        .because(last_line)
        .not("the database is down", "that would be a finding of its own");
    Some(match failed {
        Some(job) => finding
            .mend(format!(
                "kubectl logs job/{} -n {namespace} --tail=20",
                job.metadata.name
            ))
            .mend(format!(
                "kubectl create job {name}-again --from={object} -n {namespace}"
            )),
        None if cron_job.spec.suspend => finding.mend(format!(
            "kubectl patch {object} -n {namespace} --type=merge -p '{{\"spec\":{{\"suspend\":false}}}}'"
        )),
        None => finding.mend(format!(
            "kubectl create job {name}-again --from={object} -n {namespace}"
        )),
    })
}

/// The newest job of a schedule that failed after its last success.
fn failed_since<'a>(cron_job: &CronJob, jobs: &'a [Job]) -> Option<&'a Job> {
    jobs.iter()
        .filter(|job| job.metadata.is_controlled_by("CronJob", &cron_job.metadata.name))
        .filter_map(|job| Some((job, job.failed_since(cron_job.status.last_successful_time)?)))
        .max_by_key(|(job, failed)| (failed.last_transition_time, &job.metadata.name))
        .map(|(job, _)| job)
}

fn pods_of<'a>(scene: &Scene<'a>, job: &Job) -> Vec<&'a Pod> {
    let pods = scene.current().unwrap_or_default().iter().copied();
    pods.filter(|pod| pod.metadata.is_controlled_by("Job", &job.metadata.name))
        .collect()
}
