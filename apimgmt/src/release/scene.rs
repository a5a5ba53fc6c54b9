//! What the watch has seen so far: which workloads belong to the release, how far they are, whose pods are new.

pub mod refused;

use std::collections::{BTreeMap, BTreeSet};

use super::watch::{Kind, Sight, Thing};
use crate::{
    checklist::Phase,
    snapshot::{
        Metadata, Pod, Uid, condition,
        workloads::{Deployment, Job, ReplicaSet, StatefulSet, WorkloadStatus},
    },
};

/// The annotation by which Helm marks what it owns.
pub const RELEASE_ANNOTATION: &str = "meta.helm.sh/release-name";
/// The label that says in which phase an object is judged.
pub const PHASE_LABEL: &str = "apimgmt.io/phase";
const HOOK_ANNOTATION: &str = "helm.sh/hook";

/// The scene of one change.
#[derive(Debug, Default)]
pub struct Scene {
    subject: Subject,
    pub(super) pods: BTreeMap<String, Pod>,
    deployments: BTreeMap<String, Deployment>,
    replica_sets: BTreeMap<String, ReplicaSet>,
    pub(super) stateful_sets: BTreeMap<String, StatefulSet>,
    jobs: BTreeMap<String, Job>,
    /// Why pods of an object could not be made, by its uid: the last word.
    refusals: BTreeMap<Uid, String>,
    /// What was there before the change: it is never held against it.
    former: BTreeSet<String>,
    listed: BTreeSet<Kind>,
    told: BTreeMap<String, String>,
}

/// Whose workloads count.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Subject {
    /// Those of a release of Helm.
    Release(String),
    /// One deployment.
    Deployment(String),
}

impl Default for Subject {
    fn default() -> Self {
        Self::Release(String::new())
    }
}

/// How far one workload is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progressing {
    /// `deployment/api-management`.
    pub object: String,
    /// Its phase.
    pub phase: Phase,
    /// Whether it is done.
    pub ready: bool,
    /// `2/3 ready`.
    pub detail: String,
}

/// A pod that the change made, and whose it is.
pub struct NewPod<'a> {
    /// The pod.
    pub pod: &'a Pod,
    /// Phase of its workload.
    pub phase: Phase,
    /// Whether a job made it: the job then decides what a crash means.
    pub of_job: bool,
    /// Whether it was there before, and the change leaves it as it is.
    pub former: bool,
}

impl Scene {
    /// An empty scene of a release.
    pub fn of(release: &str) -> Self {
        Self {
            subject: Subject::Release(release.into()),
            ..Self::default()
        }
    }

    /// An empty scene of one deployment, whoever owns it.
    pub fn of_deployment(name: &str) -> Self {
        Self {
            subject: Subject::Deployment(name.into()),
            ..Self::default()
        }
    }

    /// Takes in what was seen.
    pub fn apply(&mut self, sight: Sight) {
        match sight {
            Sight::Seen(thing) => self.see(thing),
            Sight::Gone(thing) => match thing {
                Thing::Pod(it) => drop(self.pods.remove(&it.metadata.name)),
                Thing::Deployment(it) => drop(self.deployments.remove(&it.metadata.name)),
                Thing::ReplicaSet(it) => drop(self.replica_sets.remove(&it.metadata.name)),
                Thing::StatefulSet(it) => drop(self.stateful_sets.remove(&it.metadata.name)),
                Thing::Job(it) => drop(self.jobs.remove(&it.metadata.name)),
                // An event goes long after what it tells of.
                Thing::Event(_) => {}
            },
            Sight::Listed(kind, things) => {
                let first = self.listed.insert(kind);
                match kind {
                    Kind::Pod => self.pods.clear(),
                    Kind::Deployment => self.deployments.clear(),
                    Kind::ReplicaSet => self.replica_sets.clear(),
                    Kind::StatefulSet => self.stateful_sets.clear(),
                    Kind::Job => self.jobs.clear(),
                    Kind::Event => {}
                }
                for thing in things {
                    if first {
                        self.former.insert(thing.metadata().uid.to_string());
                        match &thing {
                            Thing::ReplicaSet(it) => drop(self.former.insert(refused::mark(it))),
                            Thing::Event(it) => drop(self.former.insert(refused::once(it))),
                            _ => {}
                        }
                    }
                    self.see(thing);
                }
                if first && self.is_whole() {
                    self.told = self.workloads().into_iter().map(|it| (it.object, it.detail)).collect();
                }
            }
        }
    }

    /// Whether every kind was listed once: before that, nothing can be told from what was there before. Events add to
    /// what their objects say, and not everybody may read them.
    pub fn is_whole(&self) -> bool {
        self.listed.iter().filter(|kind| **kind != Kind::Event).count() == 5
    }

    fn see(&mut self, thing: Thing) {
        let name = thing.metadata().name.clone();
        match thing {
            Thing::Pod(it) => drop(self.pods.insert(name, *it)),
            Thing::Deployment(it) => drop(self.deployments.insert(name, *it)),
            Thing::ReplicaSet(it) => drop(self.replica_sets.insert(name, *it)),
            Thing::StatefulSet(it) => drop(self.stateful_sets.insert(name, *it)),
            Thing::Job(it) => drop(self.jobs.insert(name, *it)),
            Thing::Event(it) => self.see_event(&it),
        }
    }

    fn owns(&self, kind: Kind, metadata: &Metadata) -> bool {
        match &self.subject {
            Subject::Release(release) => metadata.annotations.get(RELEASE_ANNOTATION) == Some(release),
            Subject::Deployment(name) => kind == Kind::Deployment && metadata.name == *name,
        }
    }

    /// The release's workloads and how far they are.
    pub fn workloads(&self) -> Vec<Progressing> {
        let mut found = Vec::new();
        for it in self
            .deployments
            .values()
            .filter(|it| self.owns(Kind::Deployment, &it.metadata))
        {
            let (wanted, status) = (it.spec.replicas.unwrap_or(1), &it.status);
            let ready = is_seen(&it.metadata, status)
                && status.updated_replicas >= wanted
                && status.available_replicas >= wanted
                && status.replicas <= status.updated_replicas;
            found.push(progressing(
                "deployment",
                &it.metadata,
                ready,
                counted(status.available_replicas, wanted, status, ready),
            ));
        }
        for it in self
            .stateful_sets
            .values()
            .filter(|it| self.owns(Kind::StatefulSet, &it.metadata))
        {
            let (wanted, status) = (it.spec.replicas.unwrap_or(1), &it.status);
            let is_updated = status.update_revision == status.current_revision || status.updated_replicas >= wanted;
            let ready = is_seen(&it.metadata, status) && is_updated && status.ready_replicas >= wanted;
            found.push(progressing(
                "statefulset",
                &it.metadata,
                ready,
                counted(status.ready_replicas, wanted, status, ready),
            ));
        }
        for it in self.jobs.values().filter(|it| self.is_our_job(it)) {
            let ready = condition(&it.status.conditions, "Complete").is_some_and(|complete| complete.status == "True");
            let detail = if ready {
                "complete".into()
            } else if failure(it).is_some() {
                "failed".into()
            } else {
                "running".into()
            };
            found.push(progressing("job", &it.metadata, ready, detail));
        }
        found.sort_by(|left, right| (left.phase, &left.object).cmp(&(right.phase, &right.object)));
        found
    }

    /// Whether everything that belongs to phases before `phase` is ready.
    pub fn is_ready_before(&self, phase: Phase) -> bool {
        self.workloads()
            .iter()
            .all(|workload| workload.phase >= phase || workload.ready)
    }

    /// Lines for what changed since the last call.
    pub fn news(&mut self) -> Vec<String> {
        if !self.is_whole() {
            return Vec::new();
        }
        let mut lines = Vec::new();
        let pods = self.new_pods().into_iter().filter_map(|new| {
            let trouble = trouble(new.pod)?;
            Some(Progressing {
                object: new.pod.object(),
                phase: new.phase,
                ready: false,
                detail: trouble,
            })
        });
        for Progressing {
            object, phase, detail, ..
        } in self.workloads().into_iter().chain(pods.collect::<Vec<_>>())
        {
            if self.told.get(&object) != Some(&detail) {
                lines.push(format!("{} {:<23} {object} {detail}", phase as u8, phase.title()));
                self.told.insert(object, detail);
            }
        }
        lines
    }

    /// What keeps pods of the namespace from running.
    pub fn troubles(&self) -> Vec<String> {
        self.pods
            .values()
            .filter_map(|pod| Some(format!("{} {}", pod.object(), trouble(pod)?)))
            .collect()
    }

    /// What is still waited for, in one line.
    pub fn waiting_for(&self) -> String {
        let waiting: Vec<_> = self
            .workloads()
            .into_iter()
            .filter(|it| !it.ready)
            .map(|it| format!("{} {}", it.object, it.detail))
            .collect();
        if waiting.is_empty() {
            "helm".into()
        } else {
            waiting.join(", ")
        }
    }

    /// Pods of the newest revision.
    pub fn new_pods(&self) -> Vec<NewPod<'_>> {
        self.pods
            .values()
            .filter(|pod| pod.metadata.deletion_timestamp.is_none())
            .filter_map(|pod| {
                let owner = pod.metadata.controller()?;
                let (phase, of_job) = match owner.kind.as_str() {
                    "ReplicaSet" => (self.phase_by_replica_set(&owner.name)?, false),
                    "StatefulSet" => (self.phase_by_stateful_set(&owner.name, pod)?, false),
                    "Job" => (
                        phase_of(&self.jobs.get(&owner.name).filter(|job| self.is_our_job(job))?.metadata),
                        true,
                    ),
                    _ => return None,
                };
                let former = self.former.contains(&pod.metadata.uid.to_string());
                Some(NewPod {
                    pod,
                    phase,
                    of_job,
                    former,
                })
            })
            .collect()
    }

    fn phase_by_replica_set(&self, name: &str) -> Option<Phase> {
        const REVISION: &str = "deployment.kubernetes.io/revision";
        let set = self.replica_sets.get(name)?;
        let deployment = self
            .deployments
            .get(&set.metadata.controller()?.name)
            .filter(|it| self.owns(Kind::Deployment, &it.metadata))?;
        let is_newest = set.metadata.annotations.get(REVISION) == deployment.metadata.annotations.get(REVISION);
        (is_newest && is_seen(&deployment.metadata, &deployment.status)).then(|| phase_of(&deployment.metadata))
    }

    fn phase_by_stateful_set(&self, name: &str, pod: &Pod) -> Option<Phase> {
        let set = self
            .stateful_sets
            .get(name)
            .filter(|it| self.owns(Kind::StatefulSet, &it.metadata))?;
        let is_newest = pod.metadata.label("controller-revision-hash") == Some(&set.status.update_revision);
        (is_newest && is_seen(&set.metadata, &set.status)).then(|| phase_of(&set.metadata))
    }

    /// A job of the release, or a hook that was made meanwhile.
    fn is_our_job(&self, job: &Job) -> bool {
        let is_hook = job.metadata.annotations.contains_key(HOOK_ANNOTATION);
        !self.former.contains(&job.metadata.uid.to_string())
            && matches!(self.subject, Subject::Release(_))
            && (is_hook || self.owns(Kind::Job, &job.metadata))
    }

    /// Jobs that were made meanwhile and have failed, with the controller's reason.
    pub fn failed_jobs(&self) -> Vec<(&Job, Phase, String)> {
        self.jobs
            .values()
            .filter(|job| self.is_our_job(job))
            .filter_map(|job| Some((job, phase_of(&job.metadata), failure(job)?)))
            .collect()
    }

    /// Hook jobs that still run.
    pub fn running_hooks(&self) -> Vec<&Job> {
        let is_done = |job: &Job| {
            condition(&job.status.conditions, "Complete").is_some_and(|it| it.status == "True")
                || failure(job).is_some()
        };
        self.jobs
            .values()
            .filter(|job| {
                self.is_our_job(job) && job.metadata.annotations.contains_key(HOOK_ANNOTATION) && !is_done(job)
            })
            .collect()
    }

    /// Pods of this change's hooks whose container runs or has run, with the name of their job.
    pub fn hook_pods(&self) -> impl Iterator<Item = (&str, &Pod)> {
        let hooks = self
            .jobs
            .values()
            .filter(|job| self.is_our_job(job) && job.metadata.annotations.contains_key(HOOK_ANNOTATION));
        hooks.flat_map(|job| {
            let of_job = |pod: &&Pod| {
                pod.metadata.is_controlled_by("Job", &job.metadata.name)
                    && pod
                        .statuses()
                        .any(|status| status.state.running.is_some() || status.state.terminated.is_some())
            };
            self.pods
                .values()
                .filter(of_job)
                .map(|pod| (job.metadata.name.as_str(), pod))
        })
    }

    /// Whether some pod is on its way out: the room it takes will be free.
    pub fn has_leaving_pods(&self) -> bool {
        self.pods.values().any(|pod| pod.metadata.deletion_timestamp.is_some())
    }

    /// Pods of stateful sets that are stuck on another revision than the wanted one: the controller waits for them for ever.
    pub fn stuck_pods(&self) -> Vec<&Pod> {
        self.pods
            .values()
            .filter(|pod| !pod.is_ready() && pod.metadata.deletion_timestamp.is_none())
            .filter(|pod| {
                let set = pod.metadata.controller().filter(|owner| owner.kind == "StatefulSet");
                set.and_then(|owner| self.stateful_sets.get(&owner.name))
                    .is_some_and(|set| {
                        self.owns(Kind::StatefulSet, &set.metadata)
                            && is_seen(&set.metadata, &set.status)
                            && !set.status.update_revision.is_empty()
                            && pod.metadata.label("controller-revision-hash") != Some(&set.status.update_revision)
                    })
            })
            .collect()
    }
}

impl Thing {
    fn metadata(&self) -> &Metadata {
        match self {
            Self::Pod(it) => &it.metadata,
            Self::Deployment(it) => &it.metadata,
            Self::ReplicaSet(it) => &it.metadata,
            Self::StatefulSet(it) => &it.metadata,
            Self::Job(it) => &it.metadata,
            Self::Event(it) => &it.metadata,
        }
    }
}

/// The phase that an object says; what says none is the application's.
pub fn phase_of(metadata: &Metadata) -> Phase {
    let number = metadata
        .label(PHASE_LABEL)
        .and_then(|label| label.parse::<usize>().ok());
    number
        .and_then(|number| Phase::ALL.get(number.wrapping_sub(1)).copied())
        .unwrap_or(Phase::Application)
}

/// Whether the controller has acted on what was last asked for.
fn is_seen(metadata: &Metadata, status: &WorkloadStatus) -> bool {
    status.observed_generation >= metadata.generation
}

fn failure(job: &Job) -> Option<String> {
    let conditions = &job.status.conditions;
    let failed = condition(conditions, "Failed")
        .or_else(|| condition(conditions, "FailureTarget"))
        .filter(|it| it.status == "True")?;
    Some(format!("{}: {}", failed.reason, failed.message))
}

fn progressing(kind: &str, metadata: &Metadata, ready: bool, detail: String) -> Progressing {
    Progressing {
        object: format!("{kind}/{}", metadata.name),
        phase: phase_of(metadata),
        ready,
        detail,
    }
}

fn counted(ready: i64, wanted: i64, status: &WorkloadStatus, is_done: bool) -> String {
    let rolling = if is_done || ready < wanted {
        String::new()
    } else {
        format!(", {} updated", status.updated_replicas)
    };
    format!("{ready}/{wanted} ready{rolling}")
}

/// What keeps a pod from running, in the kubelet's word; nothing while it merely starts.
fn trouble(pod: &Pod) -> Option<String> {
    let of_container = pod.statuses().find_map(|status| {
        let waiting = status.state.waiting.as_ref()?;
        let starts = matches!(waiting.reason.as_str(), "" | "ContainerCreating" | "PodInitializing");
        (!starts).then(|| format!("{}: {}", status.name, waiting.reason))
    });
    let unscheduled = || {
        let scheduled = condition(&pod.status.conditions, "PodScheduled").filter(|it| it.status == "False")?;
        Some(scheduled.reason.to_string())
    };
    of_container.or_else(unscheduled)
}
