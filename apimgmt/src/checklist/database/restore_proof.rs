//! The backup on its volume, restored once more by a `CronJob` of its own: what was good when it was made may rot there.

use super::backup::{Made, failures, is_older, own_jobs, words};
use crate::{
    checklist::clauses::Clauses,
    snapshot::{
        Pod, Snapshot, Source, hostile,
        workloads::{CronJob, Job},
    },
    values::ExpectedBackup,
};

/// Judges the runs of the proof that is named; what they left behind counts as restores.
pub(super) fn proven<'a>(
    row: &mut Clauses<'_>,
    snapshot: &Snapshot,
    cron_jobs: &[CronJob],
    jobs: &[Job],
    pods: &'a [Pod],
    expected: &ExpectedBackup,
) -> Vec<(&'a Pod, Made)> {
    let name = &expected.proof;
    if name.is_empty() {
        return Vec::new();
    }
    let object = format!("cronjob/{name}");
    let Some(cron_job) = cron_jobs.iter().find(|cron_job| cron_job.metadata.name == *name) else {
        row.breach(format!(
            "{object} does not exist: nobody proves what is kept on the volume"
        ));
        return Vec::new();
    };
    fresh(row, snapshot, &object, cron_job, expected);
    let own = own_jobs(jobs, name);
    let last = cron_job.status.last_successful_time;
    for (job, failed) in failures(&own, last) {
        let said = pods
            .iter()
            .filter(|pod| super::backup::is_of_jobs(pod, &[job]))
            .filter_map(|pod| words(pod).filter(|ended| ended.exit_code != 0))
            .map(|ended| hostile::capped(ended.message.trim_end_matches("\\n").trim(), 160))
            .find(|said| !said.is_empty());
        row.breach(format!(
            "the backup on the volume could not be restored by job/{}: {}",
            job.metadata.name,
            said.as_deref().unwrap_or(&failed.message)
        ));
    }
    let proofs: Vec<_> = pods
        .iter()
        .filter(|pod| super::backup::is_of_jobs(pod, &own))
        .filter_map(|pod| Some((pod, Made::of(pod, "apimgmt.restore-proof/v1")?)))
        .collect();
    for (pod, proof) in &proofs {
        row.moving(
            Source::Pods,
            pod.object(),
            "proven on its volume",
            format!(
                "{} of {}, {} tables, {} rows",
                hostile::capped(&proof.file, 80),
                proof.dumped_at,
                proof.tables,
                proof.rows
            ),
        );
    }
    proofs
}

fn fresh(row: &mut Clauses<'_>, snapshot: &Snapshot, object: &str, cron_job: &CronJob, expected: &ExpectedBackup) {
    row.stable(Source::CronJobs, object, "spec.schedule", &cron_job.spec.schedule);
    row.stable(Source::CronJobs, object, "spec.suspend", cron_job.spec.suspend);
    if cron_job.spec.suspend {
        row.lesser(format!("{object} is suspended"));
    }
    let (limit, last) = (expected.maximum_proof_age, cron_job.status.last_successful_time);
    if let Some(last) = last {
        row.moving(Source::CronJobs, object, "status.lastSuccessfulTime", last);
    }
    // Until its first time has come, the restore that belongs to each backup is what there is.
    let Some(since) = last.or(cron_job.metadata.creation_timestamp) else {
        row.breach(format!("{object} has never succeeded"));
        return;
    };
    if is_older(snapshot, since, limit.0) {
        row.breach(match last {
            Some(last) => format!("the last success of {object} was at {last}, more than {limit} ago"),
            None => format!("{object} has not succeeded once since {since}, more than {limit} ago"),
        });
    } else if last.is_none() {
        row.note(format!("{object} has not run to its end yet"));
    }
}
