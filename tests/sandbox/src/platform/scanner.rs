//! A double of a vulnerability scanner: a report for each container of each workload, as trivy-operator writes them. It
//! looks into no image; every report is of a clean one, and one that exists is never touched.
use std::{collections::BTreeSet, sync::Arc};

use jiff::Timestamp;
use k8s_openapi::api::{
    apps::v1::{ReplicaSet, StatefulSet},
    batch::v1::{CronJob, Job},
    core::v1::PodSpec,
};
use kube::{
    Api, Client, Resource, ResourceExt,
    api::{ApiResource, DynamicObject, GroupVersionKind, PostParams},
    runtime::{reflector::Store, watcher},
};
use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::{log, watch};
use crate::site::REGISTRY;

/// The kinds whose pod templates are scanned, as they change.
pub(super) struct Workloads {
    replica_sets: Store<ReplicaSet>,
    stateful_sets: Store<StatefulSet>,
    cron_jobs: Store<CronJob>,
    jobs: Store<Job>,
}

impl Workloads {
    pub(super) fn watch(client: &Client, changed: &mpsc::Sender<()>) -> Self {
        let config = watcher::Config::default;
        Self {
            replica_sets: watch(Api::all(client.clone()), config(), changed),
            stateful_sets: watch(Api::all(client.clone()), config(), changed),
            cron_jobs: watch(Api::all(client.clone()), config(), changed),
            jobs: watch(Api::all(client.clone()), config(), changed),
        }
    }

    /// A Job of a `CronJob` is scanned as that; a `ReplicaSet` without pods is history.
    fn all(&self) -> Vec<Workload> {
        let replica_sets = self.replica_sets.state().into_iter().filter_map(|set| {
            let spec = set.spec.as_ref()?;
            let pods = spec.template.as_ref()?.spec.as_ref();
            (spec.replicas != Some(0)).then(|| Workload::of(&set, pods))
        });
        let stateful_sets = self.stateful_sets.state().into_iter().filter_map(|set| {
            let pods = set.spec.as_ref()?.template.spec.as_ref();
            Some(Workload::of(&set, pods))
        });
        let cron_jobs = self.cron_jobs.state().into_iter().filter_map(|job| {
            let pods = job.spec.as_ref()?.job_template.spec.as_ref()?.template.spec.as_ref();
            Some(Workload::of(&job, pods))
        });
        let jobs = self.jobs.state().into_iter().filter_map(|job| {
            let pods = job.spec.as_ref()?.template.spec.as_ref();
            job.owner_references().is_empty().then(|| Workload::of(&job, pods))
        });
        replica_sets.chain(stateful_sets).chain(cron_jobs).chain(jobs).collect()
    }
}

/// What a report needs to know of a workload.
struct Workload {
    api_version: String,
    kind: String,
    namespace: String,
    name: String,
    uid: String,
    /// Containers and their images.
    containers: Vec<(String, String)>,
}

impl Workload {
    fn of<K: Resource<DynamicType = ()>>(object: &Arc<K>, pods: Option<&PodSpec>) -> Self {
        let containers = pods
            .iter()
            .flat_map(|pods| pods.init_containers.iter().flatten().chain(&pods.containers));
        Self {
            api_version: K::api_version(&()).into_owned(),
            kind: K::kind(&()).into_owned(),
            namespace: object.namespace().unwrap_or_default(),
            name: object.name_any(),
            uid: object.uid().unwrap_or_default(),
            containers: containers
                .map(|container| (container.name.clone(), container.image.clone().unwrap_or_default()))
                // The sandbox's own images come from nowhere, and fake pods run nothing.
                .filter(|(_, image)| image.starts_with(REGISTRY))
                .collect(),
        }
    }

    fn report(&self, container: &str, image: &str, now: Timestamp) -> Value {
        let kind = self.kind.to_lowercase();
        let artifact = artifact(image);
        json!({
            "apiVersion": "aquasecurity.github.io/v1alpha1",
            "kind": "VulnerabilityReport",
            "metadata": {
                "name": format!("{kind}-{}-{container}", self.name),
                "namespace": self.namespace,
                "annotations": {"trivy-operator.aquasecurity.github.io/report-ttl": "24h0m0s"},
                "labels": {
                    "app.kubernetes.io/managed-by": "trivy-operator",
                    "trivy-operator.container.name": container,
                    "trivy-operator.resource.kind": self.kind,
                    "trivy-operator.resource.name": self.name.chars().take(63).collect::<String>(),
                    "trivy-operator.resource.namespace": self.namespace,
                },
                "ownerReferences": [{
                    "apiVersion": self.api_version, "kind": self.kind, "name": self.name, "uid": self.uid,
                    "controller": true, "blockOwnerDeletion": false,
                }],
            },
            "report": {
                "artifact": artifact,
                "os": {"family": "debian", "name": "12"},
                "registry": {"server": REGISTRY},
                "scanner": {"name": "Trivy", "vendor": "Aqua Security", "version": "0.67.2"},
                "summary": {
                    "criticalCount": 0, "highCount": 0, "mediumCount": 0, "lowCount": 1, "unknownCount": 0, "noneCount": 0,
                },
                "updateTimestamp": now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
                // One that every image of this distribution has, and that nobody mends.
                "vulnerabilities": [{
                    "vulnerabilityID": "CVE-2011-3389", "severity": "LOW", "resource": "libgnutls30",
                    "title": "HTTPS: block-wise chosen-plaintext attack against SSL/TLS (BEAST)",
                    "installedVersion": "3.7.9-2", "fixedVersion": "", "publishedDate": "", "lastModifiedDate": "",
                    "links": [], "target": "",
                }],
            },
        })
    }
}

/// `REGISTRY/repository:tag@digest`: a reference by digest counts as nothing else, as in the scanner's library.
fn artifact(image: &str) -> Value {
    let path = image.split_once('/').map_or(image, |(_, path)| path);
    let (name, digest) = path
        .split_once('@')
        .map_or((path, None), |(name, digest)| (name, Some(digest)));
    let (repository, tag) = name.split_once(':').unwrap_or((name, "latest"));
    match digest {
        Some(digest) => json!({"repository": repository, "digest": digest}),
        None => json!({"repository": repository, "tag": tag}),
    }
}

/// Writes each report once.
#[derive(Default)]
pub(super) struct Scanner {
    /// Workloads by unique id, with the container and its image.
    written: BTreeSet<(String, String, String)>,
}

impl Scanner {
    /// Reports on what is new. A failure is tried again at the next change.
    pub(super) async fn report(&mut self, client: &Client, workloads: &Workloads) {
        let kind = GroupVersionKind::gvk("aquasecurity.github.io", "v1alpha1", "VulnerabilityReport");
        let kind = ApiResource::from_gvk(&kind);
        for workload in workloads.all() {
            for (container, image) in &workload.containers {
                let mark = (workload.uid.clone(), container.clone(), image.clone());
                if self.written.contains(&mark) {
                    continue;
                }
                let api: Api<DynamicObject> = Api::namespaced_with(client.clone(), &workload.namespace, &kind);
                match write(&api, workload.report(container, image, Timestamp::now())).await {
                    Ok(()) => _ = self.written.insert(mark),
                    Err(error) => log(&format!("can't report on {} {}: {error}", workload.kind, workload.name)),
                }
            }
        }
    }
}

/// Another image of the same container replaces the report.
async fn write(api: &Api<DynamicObject>, report: Value) -> Result<(), kube::Error> {
    let mut report: DynamicObject = serde_json::from_value(report).map_err(kube::Error::SerdeError)?;
    match api.create(&PostParams::default(), &report).await {
        Err(kube::Error::Api(status)) if status.code == 409 => {}
        other => return other.map(drop),
    }
    let before = api.get(&report.name_any()).await?;
    let image = |report: &DynamicObject| report.data["report"]["artifact"].clone();
    if image(&before) == image(&report) {
        return Ok(());
    }
    report.metadata.resource_version = before.metadata.resource_version;
    api.replace(&report.name_any(), &PostParams::default(), &report)
        .await
        .map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_is_told_by_its_digest_or_else_by_its_tag() {
        for (image, expected) in [
            (
                "registry:5000/a/b:1@sha256:00",
                json!({"repository": "a/b", "digest": "sha256:00"}),
            ),
            (
                "registry:5000/a/b@sha256:00",
                json!({"repository": "a/b", "digest": "sha256:00"}),
            ),
            ("registry:5000/b:1", json!({"repository": "b", "tag": "1"})),
            ("registry:5000/b", json!({"repository": "b", "tag": "latest"})),
        ] {
            assert_eq!(artifact(image), expected, "{image}");
        }
    }

    #[test]
    fn containers_of_the_registry_are_reported_on_and_others_are_not() {
        let set: StatefulSet = serde_json::from_value(json!({
            "metadata": {"name": "postgres", "namespace": "shop", "uid": "1"},
            "spec": {"selector": {}, "serviceName": "postgres", "template": {"spec": {
                "initContainers": [{"name": "wait", "image": "localhost/busybox:1"}],
                "containers": [{"name": "postgres", "image": format!("{REGISTRY}/postgres:15@sha256:00")}],
            }}},
        }))
        .unwrap();
        let pods = set.spec.as_ref().and_then(|spec| spec.template.spec.clone());
        let workload = Workload::of(&Arc::new(set), pods.as_ref());
        assert_eq!(workload.containers.len(), 1);
        let (container, image) = &workload.containers[0];
        let report = workload.report(container, image, Timestamp::UNIX_EPOCH);
        assert_eq!(report["metadata"]["name"], "statefulset-postgres-postgres");
        assert_eq!(report["metadata"]["ownerReferences"][0]["apiVersion"], "apps/v1");
        assert_eq!(report["report"]["updateTimestamp"], "1970-01-01T00:00:00Z");
    }
}
