//! What the rules judge: the objects that a chart renders, in the types that the items use.

use std::time::Duration;

use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;

use crate::{
    snapshot::{
        LabelSelector, PodTemplate,
        pods::Container,
        workloads::{DeploymentStrategy, HorizontalPodAutoscaler},
    },
    values::Expectations,
};

/// Rendered objects.
pub struct Facts {
    objects: Vec<Value>,
    /// What makes pods.
    pub workloads: Vec<Workload>,
    /// Autoscalers.
    pub autoscalers: Vec<HorizontalPodAutoscaler>,
    /// How long Helm waits.
    pub timeout: Duration,
    /// Workloads that are not shaped as one, `kind/name`: no rule sees them.
    pub unreadable: Vec<String>,
}

/// An object that makes pods, or is one.
#[derive(Debug, Default)]
pub struct Workload {
    /// `Deployment`, `StatefulSet`, `DaemonSet`, `ReplicaSet`, `Job`, `CronJob` or `Pod`.
    pub kind: String,
    /// Name.
    pub name: String,
    /// Made by a hook of Helm, and gone again.
    pub is_hook: bool,
    /// What it asks for.
    pub spec: WorkloadSpec,
    /// Its pods.
    pub template: PodTemplate,
}

/// What a workload asks for, as far as the rules look at it.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct WorkloadSpec {
    /// Wanted pods, when it says so itself.
    pub replicas: Option<i64>,
    /// Whose pods.
    pub selector: Option<LabelSelector>,
    /// How they are replaced.
    pub strategy: DeploymentStrategy,
    /// How long a rollout may stand still.
    pub progress_deadline_seconds: Option<u64>,
    /// Pods of a job at the same time.
    pub parallelism: Option<i64>,
    /// Claims made for each pod.
    pub volume_claim_templates: Vec<crate::snapshot::storage::PersistentVolumeClaim>,
}

/// How many pods a workload has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Count {
    /// At rest.
    pub least: i64,
    /// At its autoscaler's maximum, in the midst of a rollout.
    pub most: i64,
}

impl Facts {
    /// Reads rendered objects; hooks of `helm test` are no part of what runs.
    pub fn of(objects: impl IntoIterator<Item = Value>, timeout: Duration) -> Self {
        let objects: Vec<Value> = objects
            .into_iter()
            .map(without_nulls)
            .filter(|object| !hooks(object).any(|hook| hook.starts_with("test")))
            .collect();
        let (mut workloads, mut unreadable) = (Vec::new(), Vec::new());
        for object in &objects {
            match Workload::read(object) {
                Some(Ok(workload)) => workloads.push(workload),
                Some(Err(_)) => unreadable.push(object_of(object)),
                None => {}
            }
        }
        let mut facts = Self {
            objects,
            workloads,
            autoscalers: Vec::new(),
            timeout,
            unreadable,
        };
        facts.autoscalers = facts.all("HorizontalPodAutoscaler");
        facts
    }

    /// The objects of a kind.
    pub fn of_kind<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = &'a Value> {
        self.objects.iter().filter(move |object| object["kind"] == kind)
    }

    /// The objects of a kind that are shaped as it.
    pub fn all<T: DeserializeOwned>(&self, kind: &str) -> Vec<T> {
        self.of_kind(kind)
            .filter_map(|object| serde_json::from_value(object.clone()).ok())
            .collect()
    }

    /// The object of a kind and a name.
    pub fn named(&self, kind: &str, name: &str) -> Option<&Value> {
        self.objects
            .iter()
            .find(|object| object["kind"] == kind && object["metadata"]["name"] == name)
    }

    /// Groups and versions of what is rendered.
    pub fn versions(&self) -> impl Iterator<Item = (&str, &str)> {
        self.objects
            .iter()
            .filter_map(|object| Some((object["apiVersion"].as_str()?, object["kind"].as_str()?)))
    }

    /// What its chart says is expected of the release.
    pub fn expectations(&self) -> Expectations {
        self.of_kind("ConfigMap")
            .filter(|map| map["metadata"]["labels"]["apimgmt.io/checklist"] == "true")
            .find_map(|map| serde_yaml::from_str(map["data"]["checklist.yaml"].as_str()?).ok())
            .unwrap_or_default()
    }

    /// The autoscaler of a workload.
    pub fn autoscaler(&self, workload: &Workload) -> Option<&HorizontalPodAutoscaler> {
        self.autoscalers
            .iter()
            .find(|autoscaler| autoscaler.scales(&workload.object()))
    }

    /// How many pods a workload has.
    pub fn count(&self, workload: &Workload) -> Count {
        let declared = workload.spec.replicas.or(workload.spec.parallelism).unwrap_or(1);
        let (least, most) = match self.autoscaler(workload) {
            Some(autoscaler) => (
                autoscaler.spec.min_replicas.unwrap_or(1),
                autoscaler.spec.max_replicas.max(declared),
            ),
            None => (declared, declared),
        };
        let surge = match workload.kind.as_str() {
            "Deployment" if most > 0 => workload.spec.strategy.surge(most),
            _ => 0,
        };
        Count {
            least,
            most: most + surge,
        }
    }
}

impl Workload {
    fn read(object: &Value) -> Option<Result<Self, serde_json::Error>> {
        let kind = object["kind"].as_str()?;
        let spec = match kind {
            "CronJob" => &object["spec"]["jobTemplate"]["spec"],
            _ => &object["spec"],
        };
        let template = match kind {
            "Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet" | "Job" | "CronJob" => &spec["template"],
            "Pod" => object,
            _ => return None,
        };
        // What selects pods and what a claim is are read in the same way for each kind; a pod's own spec says neither.
        let read = || {
            Ok(Self {
                kind: kind.to_owned(),
                name: object["metadata"]["name"].as_str().unwrap_or("?").to_owned(),
                is_hook: hooks(object).next().is_some(),
                spec: serde_json::from_value(spec.clone())?,
                template: serde_json::from_value(template.clone())?,
            })
        };
        Some(read())
    }

    /// `deployment/api-management`.
    pub fn object(&self) -> String {
        format!("{}/{}", self.kind.to_lowercase(), self.name)
    }

    /// Whether its pods stay until somebody takes them away.
    pub fn serves(&self) -> bool {
        matches!(
            self.kind.as_str(),
            "Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet"
        )
    }

    /// Its containers, those that run before them included.
    pub fn containers(&self) -> impl Iterator<Item = &Container> {
        self.template
            .spec
            .init_containers
            .iter()
            .chain(&self.template.spec.containers)
    }
}

/// `kind/name`.
fn object_of(object: &Value) -> String {
    let kind = object["kind"].as_str().unwrap_or("?").to_lowercase();
    format!("{kind}/{}", object["metadata"]["name"].as_str().unwrap_or("?"))
}

fn hooks(object: &Value) -> impl Iterator<Item = &str> {
    let hooks = object["metadata"]["annotations"]["helm.sh/hook"].as_str();
    hooks.into_iter().flat_map(|hooks| hooks.split(',')).map(str::trim)
}

/// As the API server reads it: a key without a value is not there.
fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(fields) => Value::Object(
            fields
                .into_iter()
                .filter(|(_, value)| !value.is_null())
                .map(|(key, value)| (key, without_nulls(value)))
                .collect(),
        ),
        Value::Array(items) => Value::Array(items.into_iter().map(without_nulls).collect()),
        other => other,
    }
}
