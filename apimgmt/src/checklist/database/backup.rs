//! Backups are fresh, and one was restored.
//!
//! A backup's container leaves what came of it as its last words ([`Made`]): they are read from the pods of the `CronJob`'s
//! jobs, and take no permission of the backup's own. Those of the restore proof beside it are read in the same way.

use jiff::Timestamp;
use serde::Deserialize;

use super::restore_proof::proven;
use crate::{
    checklist::{Item, Phase, Severity, Stage, Verdict, clauses::Clauses},
    snapshot::{
        Condition, Pod, Snapshot, Source, Unreadable, hostile,
        pods::Terminated,
        workloads::{CronJob, Job},
    },
    values::ExpectedBackup,
};

/// The item.
pub const ITEM: Item = Item {
    id: "database/backup",
    title: "Backups are fresh, and one was restored",
    stage: Stage::Pre,
    phase: Phase::Database,
    severity: Severity::Blocking,
    why: "A backup that nobody restored is a hope.",
    fix: "Run `kubectl create job --from=cronjob/postgres-backup postgres-backup-now` and look at its log.",
    reads: &[Source::CronJobs, Source::Jobs, Source::Pods, Source::Expectations],
    judge,
};

/// Smallest dump that holds anything: the header and table of contents of an empty one take more.
const SMALLEST: u64 = 512;

/// The last words of the container of a backup or of a proof. They come from the cluster, so every part is looked at
/// before it is believed.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Made {
    schema: String,
    pub(super) file: String,
    sha256: String,
    bytes: u64,
    pub(super) tables: u64,
    pub(super) rows: u64,
    pub(super) dumped_at: Timestamp,
    restored_at: Option<Timestamp>,
    #[serde(default)]
    restore_seconds: u64,
}

fn judge(snapshot: &Snapshot) -> Result<Verdict, Unreadable> {
    let mut row = Clauses::on(snapshot);
    let expected = &snapshot.expectations()?.backup;
    let name = &expected.cron_job;
    let object = format!("cronjob/{name}");
    let cron_jobs = snapshot.cron_jobs()?;
    let Some(cron_job) = cron_jobs.iter().find(|cron_job| cron_job.metadata.name == *name) else {
        row.breach(format!("{object} does not exist: nobody makes backups"));
        return Ok(row.verdict(""));
    };
    scheduled(&mut row, snapshot, &object, cron_job, expected);
    let (Some(jobs), Some(pods)) = (row.read(snapshot.jobs()), row.read(snapshot.pods())) else {
        return Ok(row.verdict(""));
    };
    let own = own_jobs(jobs, name);
    // A run that failed after the last success: there is still a backup, but who waits may lose it.
    for (job, failed) in failures(&own, cron_job.status.last_successful_time) {
        row.lesser(format!(
            "job/{} of {object} failed since: {}",
            job.metadata.name, failed.message
        ));
    }
    let proofs = proven(&mut row, snapshot, cron_jobs, jobs, pods, expected);
    let mut made: Vec<(&Pod, Made)> = pods
        .iter()
        .filter(|pod| is_of_jobs(pod, &own))
        .filter_map(|pod| Some((pod, Made::of(pod, "apimgmt.backup/v1")?)))
        .collect();
    made.sort_by_key(|(_, made)| std::cmp::Reverse(made.dumped_at));
    let Some((pod, newest)) = made.first() else {
        row.unseen(format!(
            "no pod of {object} tells what it made: they went, or its image tells nothing"
        ));
        return Ok(row.verdict(""));
    };
    dump(
        &mut row,
        snapshot,
        pod,
        newest,
        made.get(1).map(|(_, before)| before),
        expected,
    );
    let restored = restore(&mut row, snapshot, &object, made.iter().chain(&proofs), expected);
    Ok(row.verdict(format!(
        "{} of {}, {} bytes with {} rows; {}",
        newest.file,
        newest.dumped_at,
        newest.bytes,
        newest.rows,
        restored.unwrap_or_default()
    )))
}

/// The jobs that a `CronJob` made.
pub(super) fn own_jobs<'a>(jobs: &'a [Job], cron_job: &str) -> Vec<&'a Job> {
    let is_own = |job: &&Job| job.metadata.is_controlled_by("CronJob", cron_job);
    jobs.iter().filter(is_own).collect()
}

pub(super) fn is_of_jobs(pod: &Pod, jobs: &[&Job]) -> bool {
    jobs.iter()
        .any(|job| pod.metadata.is_controlled_by("Job", &job.metadata.name))
}

/// How a pod's container ended.
pub(super) fn words(pod: &Pod) -> Option<&Terminated> {
    let mut statuses = pod.status.container_statuses.iter();
    statuses.find_map(|status| status.state.terminated.as_deref())
}

impl Made {
    /// What a container that ended well left behind, if it is of this kind.
    pub(super) fn of(pod: &Pod, schema: &str) -> Option<Self> {
        let ended = words(pod)?;
        // Text from the cluster arrives as one line, with its line break escaped.
        let said = ended.message.trim_end_matches("\\n").trim();
        let made: Self = serde_json::from_str(said).ok()?;
        (ended.exit_code == 0 && made.schema == schema).then_some(made)
    }
}

fn scheduled(row: &mut Clauses<'_>, snapshot: &Snapshot, object: &str, cron_job: &CronJob, expected: &ExpectedBackup) {
    row.stable(Source::CronJobs, object, "spec.schedule", &cron_job.spec.schedule);
    row.stable(Source::CronJobs, object, "spec.suspend", cron_job.spec.suspend);
    if cron_job.spec.suspend {
        row.breach(format!("{object} is suspended"));
    }
    let Some(last) = cron_job.status.last_successful_time else {
        row.breach(format!("{object} has never succeeded"));
        return;
    };
    row.moving(Source::CronJobs, object, "status.lastSuccessfulTime", last);
    if is_older(snapshot, last, expected.maximum_age.0) {
        row.breach(format!(
            "the last success of {object} was at {last}, more than {} ago",
            expected.maximum_age
        ));
    }
}

pub(super) fn is_older(snapshot: &Snapshot, at: Timestamp, limit: std::time::Duration) -> bool {
    let age = snapshot.taken_at.duration_since(at);
    age.is_positive() && age.unsigned_abs() > limit
}

/// The jobs that failed after the last success.
pub(super) fn failures<'a>(own: &[&'a Job], last: Option<Timestamp>) -> Vec<(&'a Job, &'a Condition)> {
    own.iter()
        .filter_map(|job| Some((*job, job.failed_since(last)?)))
        .collect()
}

fn dump(
    row: &mut Clauses<'_>,
    snapshot: &Snapshot,
    pod: &Pod,
    made: &Made,
    before: Option<&Made>,
    expected: &ExpectedBackup,
) {
    let file = hostile::capped(&made.file, 80);
    row.moving(
        Source::Pods,
        pod.object(),
        "last words",
        format!(
            "{file}, {} bytes, {} tables, {} rows, dumped at {}, sha256 {}",
            made.bytes,
            made.tables,
            made.rows,
            made.dumped_at,
            hostile::capped(&made.sha256, 64)
        ),
    );
    if made.sha256.len() != 64 || !made.sha256.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        row.breach(format!("the checksum of {file} is none"));
    }
    if made.bytes < SMALLEST || made.tables == 0 {
        row.breach(format!(
            "{file} has {} bytes and {} tables: it holds nothing",
            made.bytes, made.tables
        ));
    }
    // Data seldom goes; a dump of half the former size lacks something, or somebody should say why.
    if let Some(before) = before.filter(|before| made.bytes < before.bytes / 2) {
        row.breach(format!(
            "{file} has {} bytes, less than half of the {} of the one before",
            made.bytes, before.bytes
        ));
    }
    // The CronJob knows of a success, and this is what that made, or the pods of a later one have gone.
    if is_older(snapshot, made.dumped_at, expected.maximum_age.0) {
        row.unseen(format!(
            "the newest backup that any pod tells of is of {}",
            made.dumped_at
        ));
    }
}

fn restore<'a>(
    row: &mut Clauses<'_>,
    snapshot: &Snapshot,
    object: &str,
    made: impl Iterator<Item = &'a (&'a Pod, Made)>,
    expected: &ExpectedBackup,
) -> Option<String> {
    let newest = made
        .filter_map(|(pod, made)| Some((pod, made, made.restored_at?)))
        .max_by_key(|(.., at)| *at);
    let Some((pod, made, at)) = newest else {
        row.breach(format!(
            "no backup of {object} was restored: set `postgresql.backup.proveRestore`"
        ));
        return None;
    };
    row.moving(
        Source::Pods,
        pod.object(),
        "restored and compared",
        format!(
            "{} at {at} in {} s",
            hostile::capped(&made.file, 80),
            made.restore_seconds
        ),
    );
    if is_older(snapshot, at, expected.maximum_restore_age.0) {
        row.breach(format!(
            "the last restore of {object} was proven at {at}, more than {} ago",
            expected.maximum_restore_age
        ));
    }
    Some(format!("restored and compared in {} s", made.restore_seconds))
}
