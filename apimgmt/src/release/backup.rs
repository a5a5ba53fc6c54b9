//! Backups of the database that a change makes: the first one at the gate of its phase, and one before each migration. Until
//! one is proven, nothing could be brought back.
//!
//! Each is a Job made from the chart's `CronJob`, as `kubectl create job --from` makes one, and the `CronJob` counts it as its own.

use std::time::Duration;

use k8s_openapi::{
    api::batch::v1::{CronJob, Job},
    apimachinery::pkg::apis::meta::v1::OwnerReference,
};
use kube::{
    Api,
    api::{ObjectMeta, PostParams},
};
use tokio::time::Instant;

use super::{Reader, job::succeeded};
use crate::{
    Error, ExitCode,
    operation::{Consent, Interrupt},
    report::progress::Progress,
};

/// Longest wait for it; a database that takes longer goes on with its backup, and its item says so.
const LONGEST: Duration = Duration::from_mins(5);
const BETWEEN_LOOKS: Duration = Duration::from_secs(1);

/// Makes the first one where none succeeded yet, and waits for its end.
///
/// # Errors
/// When it could not be made, or failed. Without a `CronJob`, or with one that is suspended, there is nothing to make.
pub(super) async fn first(
    reader: &Reader,
    consent: &Consent,
    interrupt: &Interrupt,
    progress: &Progress,
) -> Result<(), Error> {
    let Some(cron_job) = cron_job(reader).await? else {
        return Ok(());
    };
    let succeeded = cron_job
        .status
        .as_ref()
        .is_some_and(|status| status.last_successful_time.is_some());
    let suspended = cron_job.spec.as_ref().is_some_and(|spec| spec.suspend == Some(true));
    match job_of(cron_job, "first").filter(|_| !succeeded && !suspended) {
        None => Ok(()),
        Some(job) => {
            progress.say("making the first backup of the database, and restoring it beside");
            run(reader, &job, consent, interrupt).await
        }
    }
}

/// Makes one before revision `revision` migrates the database. Nothing may migrate without it.
///
/// # Errors
/// When there is no `CronJob` to make it by, or it failed.
pub(super) async fn before_migration(
    reader: &Reader,
    revision: u32,
    (consent, interrupt, progress): (&Consent, &Interrupt, &Progress),
) -> Result<(), Error> {
    let cron_job = cron_job(reader).await?;
    let Some(job) = cron_job.and_then(|cron_job| job_of(cron_job, &format!("before-{revision}"))) else {
        return Err(Error::new(
            ExitCode::Wrong,
            "this upgrade migrates the database, and there is no CronJob to back it up by; nothing was changed",
        )
        .hint(
            "name it in `checklist.backup.cronJob`, or go on without by `--skip-check database/backup --reason TEXT`",
        ));
    };
    progress.say("backing the database up before it is migrated, and restoring it beside");
    run(reader, &job, consent, interrupt).await
}

async fn cron_job(reader: &Reader) -> Result<Option<CronJob>, Error> {
    let name = reader.expectations().await.backup.cron_job;
    let cron_jobs: Api<CronJob> = Api::namespaced(reader.client().clone(), reader.namespace());
    let unread = |error| Error::could_not(format!("could not read cronjob/{name}")).because(error);
    cron_jobs.get_opt(&name).await.map_err(unread)
}

async fn run(reader: &Reader, job: &Job, _consent: &Consent, interrupt: &Interrupt) -> Result<(), Error> {
    let name = job.metadata.name.clone().unwrap_or_default();
    let jobs: Api<Job> = Api::namespaced(reader.client().clone(), reader.namespace());
    match jobs.create(&PostParams::default(), job).await {
        Ok(_) => {}
        // A former attempt made it: its end counts.
        Err(kube::Error::Api(status)) if status.code == 409 => {}
        Err(error) => return Err(Error::could_not(format!("could not make job/{name}")).because(error)),
    }
    let began = Instant::now();
    loop {
        let unread = |error| Error::could_not(format!("could not read job/{name}")).because(error);
        let job = jobs.get(&name).await.map_err(unread)?;
        match succeeded(&job.status.unwrap_or_default()) {
            Some(true) => return Ok(()),
            Some(false) => {
                return Err(Error::could_not(format!("job/{name} failed"))
                    .hint(format!("`kubectl logs job/{name} -n {}`", reader.namespace())));
            }
            None => {}
        }
        if began.elapsed() > LONGEST {
            return Err(Error::could_not(format!(
                "job/{name} is still at work after {} s",
                LONGEST.as_secs()
            )));
        }
        tokio::select! {
            () = tokio::time::sleep(BETWEEN_LOOKS) => {}
            // The job goes on: a backup harms nobody.
            () = interrupt.asked() => return Ok(()),
        }
    }
}

/// A Job of the `CronJob`'s own template, owned by it.
fn job_of(cron_job: CronJob, what: &str) -> Option<Job> {
    let template = cron_job.spec?.job_template;
    let (name, uid) = (cron_job.metadata.name?, cron_job.metadata.uid?);
    let metadata = template.metadata.unwrap_or_default();
    let mut annotations = metadata.annotations.unwrap_or_default();
    annotations.insert("cronjob.kubernetes.io/instantiate".into(), "manual".into());
    Some(Job {
        metadata: ObjectMeta {
            name: Some(format!("{name}-{what}")),
            labels: metadata.labels,
            annotations: Some(annotations),
            owner_references: Some(vec![OwnerReference {
                api_version: "batch/v1".into(),
                kind: "CronJob".into(),
                name,
                uid,
                controller: Some(true),
                block_owner_deletion: None,
            }]),
            ..ObjectMeta::default()
        },
        spec: template.spec,
        status: None,
    })
}

#[cfg(test)]
mod tests {
    use super::job_of;

    #[test]
    fn a_job_is_the_cron_jobs_own() {
        let cron_job = serde_json::from_value(serde_json::json!({
            "metadata": {"name": "postgres-backup", "uid": "u-1"},
            "spec": {"schedule": "0 2 * * *", "jobTemplate": {"metadata": {"labels": {"a": "b"}}, "spec": {"backoffLimit": 2, "template": {}}}},
        }))
        .unwrap();
        let job = job_of(cron_job, "first").unwrap();
        assert_eq!(job.metadata.name.as_deref(), Some("postgres-backup-first"));
        assert_eq!(job.spec.unwrap().backoff_limit, Some(2));
        let owner = &job.metadata.owner_references.unwrap()[0];
        assert_eq!((owner.uid.as_str(), owner.controller), ("u-1", Some(true)));
        assert_eq!(job.metadata.labels.unwrap()["a"], "b");
    }
}
