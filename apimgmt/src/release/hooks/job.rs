//! A Job in the release's namespace: made, followed, and removed in every case.

use std::time::Duration;

use futures::{AsyncBufReadExt, TryStreamExt};
use k8s_openapi::api::{batch::v1::Job, core::v1::Pod};
use kube::{
    Api,
    api::{DeleteParams, ListParams, LogParams, PostParams},
};
use serde_json::{Value, json};

use super::{Hook, JobHook, Output, Surroundings};
use crate::release::job::succeeded;

const BETWEEN_LOOKS: Duration = Duration::from_millis(500);
/// Lines of a log that are read at most: what is shown is far less.
const BYTES: i64 = 1 << 20;

pub(super) async fn run(
    hook: &Hook,
    job: &JobHook,
    surroundings: &Surroundings<'_>,
    output: &Output<'_>,
) -> Result<(), String> {
    let jobs: Api<Job> = Api::namespaced(surroundings.reader.client().clone(), surroundings.reader.namespace());
    let object = name(hook);
    end(hook, surroundings).await;
    let written = serde_json::from_value(manifest(hook, job, surroundings)).map_err(|error| error.to_string())?;
    let could_not = |what: &str, error: kube::Error| format!("could not {what} job/{object}: {error}");
    let made = loop {
        // One of a former attempt may still be on its way out.
        match jobs.create(&PostParams::default(), &written).await {
            Err(kube::Error::Api(status)) if status.code == 409 => tokio::time::sleep(BETWEEN_LOOKS).await,
            made => break made,
        }
    };
    made.map_err(|error| could_not("make", error))?;
    let mut told = false;
    loop {
        let status = jobs
            .get(&object)
            .await
            .map_err(|error| could_not("read", error))?
            .status
            .unwrap_or_default();
        let ended = succeeded(&status);
        if !told && (status.ready.unwrap_or(0) > 0 || ended.is_some()) {
            told = true;
            follow(&object, surroundings, output).await;
            continue;
        }
        match ended {
            Some(true) => return Ok(()),
            Some(false) => return Err(format!("job/{object} failed")),
            None => tokio::time::sleep(BETWEEN_LOOKS).await,
        }
    }
}

/// Shows what its pod writes, until it ends.
async fn follow(object: &str, surroundings: &Surroundings<'_>, output: &Output<'_>) {
    let pods: Api<Pod> = Api::namespaced(surroundings.reader.client().clone(), surroundings.reader.namespace());
    let of_job = ListParams::default().labels(&format!("batch.kubernetes.io/job-name={object}"));
    let Ok(listed) = pods.list_metadata(&of_job).await else {
        return;
    };
    let Some(pod) = listed.items.first().and_then(|pod| pod.metadata.name.clone()) else {
        return;
    };
    let params = LogParams {
        follow: true,
        limit_bytes: Some(BYTES),
        ..LogParams::default()
    };
    if let Ok(log) = pods.log_stream(&pod, &params).await {
        let mut lines = log.lines();
        while let Ok(Some(line)) = lines.try_next().await {
            output.line(&line);
        }
    }
}

/// Removes it, with its pods.
pub(super) async fn end(hook: &Hook, surroundings: &Surroundings<'_>) {
    if hook.job.is_none() {
        return;
    }
    let jobs: Api<Job> = Api::namespaced(surroundings.reader.client().clone(), surroundings.reader.namespace());
    let params = DeleteParams {
        grace_period_seconds: Some(0),
        ..DeleteParams::background()
    };
    match jobs.delete(&name(hook), &params).await {
        Ok(_) => {}
        Err(kube::Error::Api(status)) if status.is_not_found() => {}
        Err(error) => surroundings
            .progress
            .say(&format!("could not remove job/{}: {error}", name(hook))),
    }
}

/// A name that an object may have.
pub(super) fn name(hook: &Hook) -> String {
    let letters = hook.name.to_ascii_lowercase();
    let letters: String = letters
        .chars()
        .map(|letter| if letter.is_ascii_alphanumeric() { letter } else { '-' })
        .take(40)
        .collect();
    format!("apimgmt-hook-{}", letters.trim_matches('-'))
}

pub(super) fn manifest(hook: &Hook, job: &JobHook, surroundings: &Surroundings<'_>) -> Value {
    let known = [
        ("APIMGMT_RELEASE", surroundings.release),
        ("APIMGMT_NAMESPACE", surroundings.reader.namespace()),
        ("APIMGMT_VERB", surroundings.verb),
    ];
    let own = hook
        .environment
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()));
    let variables: Vec<_> = own
        .chain(known)
        .map(|(name, value)| json!({"name": name, "value": value}))
        .collect();
    let secrets: Vec<_> = job
        .secrets
        .iter()
        .map(|name| json!({"secretRef": {"name": name}}))
        .collect();
    let mut container = json!({
        "name": "hook", "image": job.image, "env": variables, "envFrom": secrets,
        "securityContext": {"allowPrivilegeEscalation": false, "capabilities": {"drop": ["ALL"]}, "readOnlyRootFilesystem": true},
        "resources": {"requests": {"cpu": "10m", "memory": "32Mi"}, "limits": {"cpu": "500m", "memory": "256Mi"}},
        "volumeMounts": [{"name": "temporary", "mountPath": "/tmp"}],
    });
    if !job.command.is_empty() {
        container["command"] = json!(job.command);
    }
    let mut pod = json!({
        "restartPolicy": "Never",
        "automountServiceAccountToken": !job.service_account.is_empty(),
        "securityContext": {"runAsNonRoot": true, "runAsUser": 65532, "seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [container],
        "volumes": [{"name": "temporary", "emptyDir": {"sizeLimit": "64Mi"}}],
    });
    if !job.service_account.is_empty() {
        pod["serviceAccountName"] = json!(job.service_account);
    }
    json!({
        "apiVersion": "batch/v1", "kind": "Job",
        "metadata": {"name": name(hook), "labels": {"app.kubernetes.io/managed-by": "apimgmt", "app.kubernetes.io/component": "hook"}},
        "spec": {
            "backoffLimit": 0,
            "activeDeadlineSeconds": hook.timeout.0.as_secs().max(1),
            "ttlSecondsAfterFinished": 600,
            "template": {"metadata": {"labels": {"app.kubernetes.io/managed-by": "apimgmt", "app.kubernetes.io/component": "hook"}}, "spec": pod},
        },
    })
}
