//! When waiting on makes no sense: decided from what was seen and how long, with patience for what mends itself.

use std::{collections::BTreeMap, time::Duration};

use super::scene::{NewPod, Scene};
use crate::{
    checklist::Phase,
    snapshot::{
        condition,
        pods::{ContainerStatus, Terminated},
    },
};

/// A refused pull is tried once more: the pull secret may be on its way.
const DENIED: Duration = Duration::from_secs(12);
/// A missing Secret or ConfigMap may be on its way.
const CONFIGURATION: Duration = Duration::from_secs(5);
/// The scheduler looks again when pods leave and volumes bind.
const UNSCHEDULABLE: Duration = Duration::from_secs(10);

/// How long to wait for nodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// Longest wait for a place on a node, where something may add nodes.
    pub schedule_grace: Duration,
    /// Whether something that adds nodes was seen.
    pub autoscaler: bool,
}

/// Why waiting on makes no sense.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hopeless {
    /// `pod/api-management-7d9c`.
    pub object: String,
    /// Phase of its workload.
    pub phase: Phase,
    /// One sentence.
    pub text: String,
}

/// What was seen since when: the memory between two looks.
#[derive(Debug, Default)]
pub struct Watchfulness {
    since: BTreeMap<String, Duration>,
    /// Kinds of pull failures: some kubelets name the reason only once.
    pulls: BTreeMap<String, Pull>,
    /// Whether this is an upgrade: what the pods need was there before them.
    others_ran_before: bool,
    /// Restarts that don't count: they happened while something earlier was not ready.
    excused: BTreeMap<String, i64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pull {
    Absent,
    Denied,
    /// Time-outs, rate limits, servers that are down: tried again by the kubelet.
    MayMend,
}

impl Watchfulness {
    /// For an upgrade, or for a first install, where pods may crash until what they need has come.
    pub fn of(upgrade: bool) -> Self {
        Self {
            others_ran_before: upgrade,
            ..Self::default()
        }
    }

    /// Looks at the scene, `now` after the change began.
    pub fn look(&mut self, scene: &Scene, patience: Patience, now: Duration) -> Option<Hopeless> {
        if !scene.is_whole() {
            return None;
        }
        if let Some((job, phase, reason)) = scene.failed_jobs().into_iter().next() {
            return Some(Hopeless {
                object: format!("job/{}", job.metadata.name),
                phase,
                text: format!("the job failed: {reason}"),
            });
        }
        let mut present = Vec::new();
        let mut found = None;
        for new in scene.new_pods() {
            let excused = !scene.is_ready_before(new.phase);
            for status in new.pod.statuses() {
                let key = format!("{}/{}", new.pod.metadata.uid, status.name);
                if let Some((kind, after, text)) = self.of_container(&new, status, &key, excused) {
                    if self.lasted(&mut present, format!("{key}/{kind}"), after, now) {
                        found.get_or_insert_with(|| hopeless(&new, text));
                    }
                }
            }
            if let Some((after, text)) = unschedulable(&new, scene, patience) {
                let key = format!("{}/unschedulable", new.pod.metadata.uid);
                if self.lasted(&mut present, key, after, now) {
                    found.get_or_insert_with(|| hopeless(&new, text));
                }
            }
        }
        self.since.retain(|key, _| present.contains(key));
        found
    }

    /// Notes a state, and tells whether it has lasted.
    fn lasted(&mut self, present: &mut Vec<String>, key: String, after: Duration, now: Duration) -> bool {
        let since = *self.since.entry(key.clone()).or_insert(now);
        present.push(key);
        now.saturating_sub(since) >= after
    }

    fn of_container(
        &mut self,
        new: &NewPod<'_>,
        status: &ContainerStatus,
        key: &str,
        excused: bool,
    ) -> Option<(&'static str, Duration, String)> {
        let image = new
            .pod
            .container(&status.name)
            .map_or(status.image.as_str(), |container| container.image.as_str());
        let waiting = status.state.waiting.as_ref();
        let reason = waiting.map_or("", |waiting| waiting.reason.as_str());
        let message = waiting.map_or("", |waiting| waiting.message.as_str());
        match reason {
            "InvalidImageName" | "ErrImageNeverPull" => {
                return Some((
                    "pull",
                    Duration::ZERO,
                    format!("image `{image}` of container `{}` can't be used: {reason}", status.name),
                ));
            }
            "ErrImagePull" | "ImagePullBackOff" => {
                let pull = pull(message)
                    .or_else(|| self.pulls.get(key).copied())
                    .unwrap_or(Pull::MayMend);
                self.pulls.insert(key.into(), pull);
                return match pull {
                    Pull::Absent => Some(("pull", Duration::ZERO, format!("image `{image}` is not found"))),
                    Pull::Denied => Some((
                        "pull",
                        DENIED,
                        format!("the registry of image `{image}` refuses, or is not trusted"),
                    )),
                    Pull::MayMend => None,
                };
            }
            "CreateContainerConfigError" | "CreateContainerError" => {
                return Some((
                    "configuration",
                    CONFIGURATION,
                    format!("container `{}` can't be made: {message}", status.name),
                ));
            }
            _ => {}
        }
        if new.of_job {
            return None;
        }
        if excused {
            self.excused.insert(key.into(), status.restart_count);
        }
        let restarts = status.restart_count - self.excused.get(key).copied().unwrap_or(0);
        // The first back-off comes after the second crash. Two are enough where everything else was running before and
        // neither run lasted: the kubelet's third try would come up to 25 s later.
        let ending = status
            .last_state
            .terminated
            .as_ref()
            .or(status.state.terminated.as_ref());
        let enough = if self.others_ran_before && ending.is_some_and(is_quick) {
            1
        } else {
            2
        };
        let crashes = restarts >= 3 || (restarts >= enough && reason == "CrashLoopBackOff");
        let how = ending.map_or(String::new(), |ending| match ending.reason.as_str() {
            "" | "Error" => format!(", last with exit code {}", ending.exit_code),
            reason => format!(", last with {reason} ({})", ending.exit_code),
        });
        crashes.then(|| {
            (
                "crash",
                Duration::ZERO,
                format!("container `{}` crashed {} times{how}", status.name, restarts + 1),
            )
        })
    }
}

fn is_quick(ending: &Terminated) -> bool {
    let lasted = ending
        .finished_at
        .zip(ending.started_at)
        .map(|(end, start)| end.duration_since(start));
    lasted.is_some_and(|lasted| lasted.as_secs() < 10)
}

/// What a pull failed of, in the words of containerd, CRI-O and registries; nothing when the message names no reason.
fn pull(message: &str) -> Option<Pull> {
    let message = message.to_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| message.contains(word));
    if has(&[
        "toomanyrequests",
        "too many requests",
        "timeout",
        "timed out",
        "deadline exceeded",
        "no such host",
        "connection refused",
        "connection reset",
        "service unavailable",
        "bad gateway",
        "internal server error",
        "unexpected eof",
    ]) {
        Some(Pull::MayMend)
    } else if has(&[
        "denied",
        "unauthorized",
        "authorization failed",
        "authentication required",
        "no basic auth credentials",
        "insufficient_scope",
        "403 forbidden",
        "x509",
    ]) {
        Some(Pull::Denied)
    } else if has(&["not found", "manifest unknown", "name unknown", "no match for platform"]) {
        Some(Pull::Absent)
    } else {
        None
    }
}

fn unschedulable(new: &NewPod<'_>, scene: &Scene, patience: Patience) -> Option<(Duration, String)> {
    let scheduled = condition(&new.pod.status.conditions, "PodScheduled")?;
    if scheduled.status != "False" || scheduled.reason != "Unschedulable" {
        return None;
    }
    // A volume that is being made, or room that is being freed, comes by itself.
    let may_mend = patience.autoscaler
        || scene.has_leaving_pods()
        || scheduled.message.contains("unbound immediate PersistentVolumeClaims");
    let after = if may_mend {
        patience.schedule_grace
    } else {
        UNSCHEDULABLE.min(patience.schedule_grace)
    };
    Some((after, format!("no node takes the pod: {}", scheduled.message)))
}

fn hopeless(new: &NewPod<'_>, text: String) -> Hopeless {
    Hopeless {
        object: new.pod.object(),
        phase: new.phase,
        text,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::release::watch::{Kind, Sight, Thing};

    const GRACE: Patience = Patience {
        schedule_grace: Duration::from_secs(300),
        autoscaler: false,
    };

    /// A scene with a deployment of release `shop`, its newest replica set, and one pod of it in a state.
    fn scene(pod: serde_json::Value) -> Scene {
        scene_of("new", "a", pod)
    }

    fn scene_of(replica_set: &str, uid: &str, status: serde_json::Value) -> Scene {
        let mut scene = empty(&[]);
        let owned = json!([{"kind": "Deployment", "name": "app", "controller": true}]);
        let set = |name: &str, revision: &str| {
            json!({"metadata": {"name": name, "uid": name, "ownerReferences": owned,
                "annotations": {"deployment.kubernetes.io/revision": revision}}})
        };
        scene.apply(Sight::Seen(Thing::Deployment(typed(
            json!({"metadata": {"name": "app", "uid": "d", "generation": 2,
            "labels": {"apimgmt.io/phase": "4"},
            "annotations": {"meta.helm.sh/release-name": "shop", "deployment.kubernetes.io/revision": "2"}},
            "status": {"observedGeneration": 2}}),
        ))));
        scene.apply(Sight::Seen(Thing::ReplicaSet(typed(set("old", "1")))));
        scene.apply(Sight::Seen(Thing::ReplicaSet(typed(set("new", "2")))));
        scene.apply(Sight::Seen(Thing::Pod(typed(
            json!({"metadata": {"name": "pod", "uid": uid,
            "ownerReferences": [{"kind": "ReplicaSet", "name": replica_set, "controller": true}]},
            "spec": {"containers": [{"name": "c", "image": "shop:2"}]}, "status": status}),
        ))));
        scene
    }

    /// A scene whose first lists hold these pods.
    fn empty(former: &[serde_json::Value]) -> Scene {
        let mut scene = Scene::of("shop");
        let pods = former.iter().map(|pod| Thing::Pod(typed(pod.clone()))).collect();
        scene.apply(Sight::Listed(Kind::Pod, pods));
        for kind in [Kind::Deployment, Kind::ReplicaSet, Kind::StatefulSet, Kind::Job] {
            scene.apply(Sight::Listed(kind, Vec::new()));
        }
        scene
    }

    fn typed<T: serde::de::DeserializeOwned>(value: serde_json::Value) -> Box<T> {
        Box::new(serde_json::from_value(value).unwrap())
    }

    fn waiting(reason: &str, message: &str) -> serde_json::Value {
        json!({"containerStatuses": [{"name": "c", "state": {"waiting": {"reason": reason, "message": message}}}]})
    }

    fn crashed(restarts: i64, seconds: i64) -> serde_json::Value {
        json!({"containerStatuses": [{"name": "c", "restartCount": restarts, "state": {"waiting": {"reason": "CrashLoopBackOff"}},
            "lastState": {"terminated": {"exitCode": 3, "reason": "Error", "startedAt": "2026-01-01T00:00:00Z",
                "finishedAt": format!("2026-01-01T00:00:{seconds:02}Z")}}}]})
    }

    /// The seconds after which a state is called hopeless; `None` when it is not within ten minutes.
    fn hopeless_after(scene: &Scene, upgrade: bool, patience: Patience) -> Option<u64> {
        let mut watchfulness = Watchfulness::of(upgrade);
        (0..600).find(|second| {
            watchfulness
                .look(scene, patience, Duration::from_secs(*second))
                .is_some()
        })
    }

    #[test]
    fn an_image_that_is_not_there_is_hopeless_at_once_and_a_refused_one_after_another_try() {
        let after = |message: &str| hopeless_after(&scene(waiting("ErrImagePull", message)), true, GRACE);
        assert_eq!(
            after("rpc error: code = NotFound desc = failed to resolve reference: shop:2: not found"),
            Some(0)
        );
        assert_eq!(after("manifest unknown"), Some(0));
        assert_eq!(
            after("pull access denied, repository does not exist or may require authorization"),
            Some(12)
        );
        assert_eq!(after("failed to authorize: 401 Unauthorized"), Some(12));
        assert_eq!(
            hopeless_after(&scene(waiting("InvalidImageName", "")), true, GRACE),
            Some(0)
        );
    }

    #[test]
    fn time_outs_and_rate_limits_of_registries_are_not_hopeless() {
        for message in [
            "429 Too Many Requests: toomanyrequests",
            "dial tcp: i/o timeout",
            "context deadline exceeded",
            "lookup registry: no such host",
            "503 Service Unavailable",
        ] {
            assert_eq!(
                hopeless_after(&scene(waiting("ImagePullBackOff", message)), true, GRACE),
                None,
                "{message}"
            );
        }
    }

    #[test]
    fn a_kubelet_that_names_the_reason_only_once_is_understood() {
        let mut watchfulness = Watchfulness::of(true);
        let first = scene(waiting(
            "ErrImagePull",
            "denied: requested access to the resource is denied",
        ));
        assert!(watchfulness.look(&first, GRACE, Duration::ZERO).is_none());
        let later = scene(waiting("ImagePullBackOff", "Back-off pulling image \"shop:2\""));
        assert!(
            watchfulness
                .look(&later, GRACE, Duration::from_secs(13))
                .unwrap()
                .text
                .contains("shop:2")
        );
    }

    #[test]
    fn a_missing_secret_gets_a_moment() {
        let scene = scene(waiting("CreateContainerConfigError", "secret \"x\" not found"));
        assert_eq!(hopeless_after(&scene, true, GRACE), Some(5));
    }

    #[test]
    fn repeated_crashes_are_hopeless_and_one_restart_is_not() {
        let restarted_once = json!({"containerStatuses": [{"name": "c", "restartCount": 1, "state": {"running": {}},
            "lastState": {"terminated": {"exitCode": 1}}}]});
        assert_eq!(hopeless_after(&scene(restarted_once), true, GRACE), None);
        assert_eq!(
            hopeless_after(&scene(crashed(1, 2)), true, GRACE),
            Some(0),
            "two quick crashes in an upgrade"
        );
        assert_eq!(
            hopeless_after(&scene(crashed(1, 2)), false, GRACE),
            None,
            "in a first install it may wait for something"
        );
        assert_eq!(
            hopeless_after(&scene(crashed(1, 40)), true, GRACE),
            None,
            "it ran for a while, so it may be slow"
        );
        assert_eq!(hopeless_after(&scene(crashed(2, 40)), false, GRACE), Some(0));
    }

    #[test]
    fn crashes_while_an_earlier_phase_is_not_ready_are_excused() {
        let mut scene = scene(crashed(5, 2));
        let database = |ready: i64| {
            Sight::Seen(Thing::StatefulSet(typed(
                json!({"metadata": {"name": "db", "uid": "db", "labels": {"apimgmt.io/phase": "2"},
                "annotations": {"meta.helm.sh/release-name": "shop"}}, "status": {"readyReplicas": ready}}),
            )))
        };
        let mut watchfulness = Watchfulness::of(false);
        scene.apply(database(0));
        assert!(watchfulness.look(&scene, GRACE, Duration::ZERO).is_none());
        scene.apply(database(1));
        assert!(
            watchfulness.look(&scene, GRACE, Duration::from_secs(1)).is_none(),
            "those five are excused for good"
        );
    }

    #[test]
    fn pods_of_old_revisions_and_of_before_are_never_held_against_a_change() {
        let bad = waiting("ErrImagePull", "not found");
        assert_eq!(hopeless_after(&scene_of("old", "a", bad.clone()), true, GRACE), None);
        let former = json!({"metadata": {"name": "pod", "uid": "a"}});
        let mut scene = empty(&[former]);
        scene.apply(Sight::Seen(Thing::Pod(typed(
            json!({"metadata": {"name": "pod", "uid": "a"}, "status": bad}),
        ))));
        assert_eq!(hopeless_after(&scene, true, GRACE), None);
    }

    #[test]
    fn a_controller_that_has_not_seen_the_change_says_nothing_of_the_new_revision() {
        let mut scene = scene(waiting("ErrImagePull", "not found"));
        scene.apply(Sight::Seen(Thing::Deployment(typed(
            json!({"metadata": {"name": "app", "uid": "d", "generation": 3,
            "annotations": {"meta.helm.sh/release-name": "shop", "deployment.kubernetes.io/revision": "2"}},
            "status": {"observedGeneration": 2}}),
        ))));
        assert_eq!(hopeless_after(&scene, true, GRACE), None);
    }

    #[test]
    fn a_place_on_a_node_is_waited_for_where_something_may_add_nodes() {
        let pending = |message: &str| json!({"conditions": [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": message}]});
        let cpu = scene(pending("0/1 nodes are available: 1 Insufficient cpu."));
        assert_eq!(hopeless_after(&cpu, true, GRACE), Some(10));
        assert_eq!(
            hopeless_after(
                &cpu,
                true,
                Patience {
                    autoscaler: true,
                    ..GRACE
                }
            ),
            Some(300)
        );
        let volume = scene(pending("pod has unbound immediate PersistentVolumeClaims"));
        assert_eq!(hopeless_after(&volume, true, GRACE), Some(300));
    }

    #[test]
    fn a_failed_job_of_the_change_is_hopeless_and_one_of_before_is_not() {
        let job = |uid: &str| {
            json!({"metadata": {"name": "migrate", "uid": uid, "annotations": {"helm.sh/hook": "pre-upgrade"}},
                "status": {"conditions": [{"type": "Failed", "status": "True", "reason": "BackoffLimitExceeded"}]}})
        };
        let mut scene = empty(&[]);
        scene.apply(Sight::Seen(Thing::Job(typed(job("new")))));
        assert!(
            Watchfulness::of(true)
                .look(&scene, GRACE, Duration::ZERO)
                .unwrap()
                .text
                .contains("BackoffLimitExceeded")
        );
        let mut scene = Scene::of("shop");
        scene.apply(Sight::Listed(Kind::Job, vec![Thing::Job(typed(job("old")))]));
        for kind in [Kind::Pod, Kind::Deployment, Kind::ReplicaSet, Kind::StatefulSet] {
            scene.apply(Sight::Listed(kind, Vec::new()));
        }
        assert!(Watchfulness::of(true).look(&scene, GRACE, Duration::ZERO).is_none());
    }
}
