//! The first backup of the database, made at the gate of its phase: until one is proven, nothing could be brought back.
//!
//! It is a Job made from the chart's CronJob, as `kubectl create job --from` makes one, and the CronJob counts it as its own.

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

use super::Reader;
use crate::{
    Error,
    operation::{Consent, Interrupt},
    report::progress::Progress,
};

/// Longest wait for it; a database that takes longer goes on with its backup, and its item says so.
const LONGEST: Duration = Duration::from_mins(5);
const BETWEEN_LOOKS: Duration = Duration::from_secs(1);

/// Makes it where none succeeded yet, and waits for its end.
///
/// # Errors
/// When it could not be made, or failed. Without a CronJob, or with one that is suspended, there is nothing to make.
pub(super) async fn make(
    reader: &Reader,
    _consent: &Consent,
    interrupt: &Interrupt,
    progress: &Progress,
) -> Result<(), Error> {
    let name = reader.expectations().await.backup.cron_job;
    let cron_jobs: Api<CronJob> = Api::namespaced(reader.client().clone(), reader.namespace());
    let unread = |error| Error::could_not(format!("could not read cronjob/{name}")).because(error);
    let Some(cron_job) = cron_jobs.get_opt(&name).await.map_err(unread)? else {
        return Ok(());
    };
    let succeeded = cron_job
        .status
        .as_ref()
        .is_some_and(|status| status.last_successful_time.is_some());
    let suspended = cron_job.spec.as_ref().is_some_and(|spec| spec.suspend == Some(true));
    let Some(job) = first_job(cron_job).filter(|_| !succeeded && !suspended) else {
        return Ok(());
    };
    let jobs: Api<Job> = Api::namespaced(reader.client().clone(), reader.namespace());
    let first = format!("{name}-first");
    progress.say("making the first backup of the database, and restoring it beside");
    match jobs.create(&PostParams::default(), &job).await {
        Ok(_) => {}
        // A former attempt made it: its end counts.
        Err(kube::Error::Api(status)) if status.code == 409 => {}
        Err(error) => return Err(Error::could_not(format!("could not make job/{first}")).because(error)),
    }
    let began = Instant::now();
    loop {
        let unread = |error| Error::could_not(format!("could not read job/{first}")).because(error);
        let job = jobs.get(&first).await.map_err(unread)?;
        let conditions = job.status.and_then(|status| status.conditions).unwrap_or_default();
        let is = |kind: &str| {
            conditions
                .iter()
                .any(|condition| condition.type_ == kind && condition.status == "True")
        };
        if is("Complete") {
            return Ok(());
        }
        if is("Failed") {
            return Err(Error::could_not(format!("job/{first} failed"))
                .hint(format!("`kubectl logs job/{first} -n {}`", reader.namespace())));
        }
        if began.elapsed() > LONGEST {
            return Err(Error::could_not(format!(
                "job/{first} is still at work after {} s",
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

/// A Job of the CronJob's own template, owned by it.
fn first_job(cron_job: CronJob) -> Option<Job> {
    let template = cron_job.spec?.job_template;
    let (name, uid) = (cron_job.metadata.name?, cron_job.metadata.uid?);
    let metadata = template.metadata.unwrap_or_default();
    let mut annotations = metadata.annotations.unwrap_or_default();
    annotations.insert("cronjob.kubernetes.io/instantiate".into(), "manual".into());
    Some(Job {
        metadata: ObjectMeta {
            name: Some(format!("{name}-first")),
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
    use super::first_job;

    #[test]
    fn the_first_job_is_the_cron_jobs_own() {
        let cron_job = serde_json::from_value(serde_json::json!({
            "metadata": {"name": "postgres-backup", "uid": "u-1"},
            "spec": {"schedule": "0 2 * * *", "jobTemplate": {"metadata": {"labels": {"a": "b"}}, "spec": {"backoffLimit": 2, "template": {}}}},
        }))
        .unwrap();
        let job = first_job(cron_job).unwrap();
        assert_eq!(job.metadata.name.as_deref(), Some("postgres-backup-first"));
        assert_eq!(job.spec.unwrap().backoff_limit, Some(2));
        let owner = &job.metadata.owner_references.unwrap()[0];
        assert_eq!((owner.uid.as_str(), owner.controller), ("u-1", Some(true)));
        assert_eq!(job.metadata.labels.unwrap()["a"], "b");
    }
}
