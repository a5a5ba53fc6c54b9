//! What is hopeless, when, and what is not.

use serde_json::json;

use super::*;
use crate::release::watch::{Kind, Sight, Thing};

const GRACE: Patience = Patience {
    schedule_grace: Duration::from_mins(5),
    autoscaler: false,
};

/// A scene with a deployment of release `shop`, its newest replica set, and one pod of it in a state.
fn scene(pod: &serde_json::Value) -> Scene {
    scene_of("new", "a", pod)
}

fn scene_of(replica_set: &str, uid: &str, status: &serde_json::Value) -> Scene {
    let mut scene = empty(&[]);
    fill(&mut scene, replica_set, uid, status);
    scene
}

fn fill(scene: &mut Scene, replica_set: &str, uid: &str, status: &serde_json::Value) {
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

#[expect(clippy::unnecessary_box_returns, reason = "a thing holds its object boxed")]
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
    let after = |message: &str| hopeless_after(&scene(&waiting("ErrImagePull", message)), true, GRACE);
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
        hopeless_after(&scene(&waiting("InvalidImageName", "")), true, GRACE),
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
            hopeless_after(&scene(&waiting("ImagePullBackOff", message)), true, GRACE),
            None,
            "{message}"
        );
    }
}

#[test]
fn a_kubelet_that_names_the_reason_only_once_is_understood() {
    let mut watchfulness = Watchfulness::of(true);
    let first = scene(&waiting(
        "ErrImagePull",
        "denied: requested access to the resource is denied",
    ));
    assert!(watchfulness.look(&first, GRACE, Duration::ZERO).is_none());
    let later = scene(&waiting("ImagePullBackOff", "Back-off pulling image \"shop:2\""));
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
    let scene = scene(&waiting("CreateContainerConfigError", "secret \"x\" not found"));
    assert_eq!(hopeless_after(&scene, true, GRACE), Some(5));
}

#[test]
fn repeated_crashes_are_hopeless_and_one_restart_is_not() {
    let restarted_once = json!({"containerStatuses": [{"name": "c", "restartCount": 1, "state": {"running": {}},
        "lastState": {"terminated": {"exitCode": 1}}}]});
    assert_eq!(hopeless_after(&scene(&restarted_once), true, GRACE), None);
    assert_eq!(
        hopeless_after(&scene(&crashed(1, 2)), true, GRACE),
        Some(0),
        "two quick crashes in an upgrade"
    );
    assert_eq!(
        hopeless_after(&scene(&crashed(1, 2)), false, GRACE),
        None,
        "in a first install it may wait for something"
    );
    assert_eq!(
        hopeless_after(&scene(&crashed(1, 40)), true, GRACE),
        None,
        "it ran for a while, so it may be slow"
    );
    assert_eq!(hopeless_after(&scene(&crashed(2, 40)), false, GRACE), Some(0));
}

#[test]
fn crashes_while_an_earlier_phase_is_not_ready_are_excused() {
    let mut scene = scene(&crashed(5, 2));
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
fn pods_of_old_revisions_are_never_held_against_a_change() {
    let bad = waiting("ErrImagePull", "not found");
    assert_eq!(hopeless_after(&scene_of("old", "a", &bad), true, GRACE), None);
}

#[test]
fn a_pod_of_before_that_the_change_does_not_replace_gets_time_to_mend() {
    let first = |status: &serde_json::Value| {
        let mut scene = Scene::of("shop");
        let pod = json!({"metadata": {"name": "pod", "uid": "a"}});
        scene.apply(Sight::Listed(Kind::Pod, vec![Thing::Pod(typed(pod))]));
        for kind in [Kind::Deployment, Kind::ReplicaSet, Kind::StatefulSet, Kind::Job] {
            scene.apply(Sight::Listed(kind, Vec::new()));
        }
        fill(&mut scene, "new", "a", status);
        scene
    };
    let absent = first(&waiting("ErrImagePull", "not found"));
    assert_eq!(
        hopeless_after(&absent, true, GRACE),
        Some(30),
        "Helm would wait for it in vain"
    );
    assert_eq!(
        hopeless_after(&first(&crashed(7, 2)), true, GRACE),
        None,
        "its crashes are of before"
    );
}

#[test]
fn a_controller_that_has_not_seen_the_change_says_nothing_of_the_new_revision() {
    let mut scene = scene(&waiting("ErrImagePull", "not found"));
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
    let cpu = scene(&pending("0/1 nodes are available: 1 Insufficient cpu."));
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
    let volume = scene(&pending("pod has unbound immediate PersistentVolumeClaims"));
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
