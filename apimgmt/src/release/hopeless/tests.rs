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

/// A scene whose newest replica set is in this state, beside the one of before.
fn replica_set(status: &serde_json::Value) -> Scene {
    let mut scene = scene_of(
        "old",
        "former",
        &json!({"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}),
    );
    set_status(&mut scene, status);
    scene
}

fn set_status(scene: &mut Scene, status: &serde_json::Value) {
    scene.apply(Sight::Seen(Thing::ReplicaSet(typed(
        json!({"metadata": {"name": "new", "uid": "new", "ownerReferences": [{"kind": "Deployment", "name": "app", "controller": true}],
            "annotations": {"deployment.kubernetes.io/revision": "2"}}, "spec": {"replicas": 1}, "status": status}),
    ))));
}

fn refused(message: &str) -> serde_json::Value {
    json!({"replicas": 0, "conditions": [{"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": message}]})
}

const NO_ROOM: &str =
    "pods \"new-x\" is forbidden: exceeded quota: pods, requested: pods=1, used: pods=3, limited: pods=3";
const FORBIDDEN: &str = "pods \"new-x\" is forbidden: violates PodSecurity \"restricted:latest\": privileged";

#[test]
fn pods_that_a_rule_forbids_are_hopeless_soon_and_a_webhook_that_is_away_is_not() {
    let after = |message: &str| hopeless_after(&replica_set(&refused(message)), true, GRACE);
    assert_eq!(after(FORBIDDEN), Some(5));
    assert_eq!(
        after("admission webhook \"images.example.com\" denied the request: not signed"),
        Some(5)
    );
    assert_eq!(
        after("ValidatingAdmissionPolicy 'a' with binding 'b' denied request: no"),
        Some(5)
    );
    assert_eq!(
        after("pods \"x\" is forbidden: maximum memory usage per Container is 1Gi, but limit is 2Gi"),
        Some(5)
    );
    assert_eq!(
        after("Internal error occurred: failed calling webhook \"images.example.com\": connect: connection refused"),
        None
    );
}

#[test]
fn a_quota_is_hopeless_once_nothing_moves_that_may_make_room() {
    assert_eq!(hopeless_after(&replica_set(&refused(NO_ROOM)), true, GRACE), Some(20));
    // A pod of before leaves: its room is free when it has gone, and the controller tries again some time after.
    let mut scene = replica_set(&refused(NO_ROOM));
    let leaving = |gone: bool| {
        let pod =
            typed(json!({"metadata": {"name": "leaving", "uid": "l", "deletionTimestamp": "2026-01-01T00:00:00Z"}}));
        if gone {
            Sight::Gone(Thing::Pod(pod))
        } else {
            Sight::Seen(Thing::Pod(pod))
        }
    };
    scene.apply(leaving(false));
    let mut watchfulness = Watchfulness::of(true);
    let mut first = None;
    for second in 0..300 {
        if second == 50 {
            scene.apply(leaving(true));
        }
        let seen = watchfulness.look(&scene, GRACE, Duration::from_secs(second)).is_some();
        first = first.or(seen.then_some(second));
    }
    assert_eq!(first, Some(100), "as long again as something moved");
}

#[test]
fn a_quota_that_only_bounds_how_many_run_is_waited_for_and_one_that_mended_is_forgotten() {
    let some = json!({"replicas": 1, "readyReplicas": 1, "conditions": [{"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": NO_ROOM}]});
    assert_eq!(
        hopeless_after(&replica_set(&some), true, GRACE),
        Some(300),
        "as an autoscaler may ask for more"
    );
    let mut scene = replica_set(&refused(NO_ROOM));
    let mut watchfulness = Watchfulness::of(true);
    assert!(watchfulness.look(&scene, GRACE, Duration::ZERO).is_none());
    set_status(&mut scene, &json!({"replicas": 1}));
    assert!(watchfulness.look(&scene, GRACE, Duration::from_secs(30)).is_none());
    set_status(&mut scene, &refused(NO_ROOM));
    assert!(
        watchfulness.look(&scene, GRACE, Duration::from_secs(31)).is_none(),
        "counted anew"
    );
}

#[test]
fn what_was_refused_before_the_change_and_what_an_old_revision_is_refused_do_not_count() {
    let mut scene = Scene::of("shop");
    let set: Box<crate::snapshot::workloads::ReplicaSet> =
        typed(json!({"metadata": {"name": "new", "uid": "new"}, "status": refused(FORBIDDEN)}));
    scene.apply(Sight::Listed(Kind::ReplicaSet, vec![Thing::ReplicaSet(set)]));
    for kind in [Kind::Pod, Kind::Deployment, Kind::StatefulSet, Kind::Job] {
        scene.apply(Sight::Listed(kind, Vec::new()));
    }
    fill(&mut scene, "old", "former", &json!({}));
    set_status(&mut scene, &refused(FORBIDDEN));
    assert_eq!(hopeless_after(&scene, true, GRACE), None);
    let mut scene = replica_set(&json!({"replicas": 1}));
    scene.apply(Sight::Seen(Thing::ReplicaSet(typed(
        json!({"metadata": {"name": "old", "uid": "old", "ownerReferences": [{"kind": "Deployment", "name": "app", "controller": true}],
            "annotations": {"deployment.kubernetes.io/revision": "1"}}, "spec": {"replicas": 1}, "status": refused(FORBIDDEN)}),
    ))));
    assert_eq!(hopeless_after(&scene, true, GRACE), None);
}

fn event(uid: &str, of: &str, count: i64, message: &str) -> Thing {
    Thing::Event(typed(
        json!({"metadata": {"name": uid, "uid": uid}, "involvedObject": {"uid": of}, "reason": "FailedCreate", "count": count,
            "message": message}),
    ))
}

#[test]
fn stateful_sets_and_jobs_tell_of_refused_pods_by_events() {
    let set = |replicas: i64| {
        Sight::Seen(Thing::StatefulSet(typed(
            json!({"metadata": {"name": "data", "uid": "s", "annotations": {"meta.helm.sh/release-name": "shop"}},
                "spec": {"replicas": 1}, "status": {"replicas": replicas}}),
        )))
    };
    let words = format!("create Pod data-0 in StatefulSet data failed error: {FORBIDDEN}");
    let mut scene = empty(&[]);
    scene.apply(Sight::Listed(Kind::Event, vec![event("e", "s", 3, &words)]));
    scene.apply(set(0));
    assert_eq!(hopeless_after(&scene, true, GRACE), None, "that was before");
    scene.apply(Sight::Seen(event("e", "s", 4, &words)));
    assert_eq!(hopeless_after(&scene, true, GRACE), Some(5), "it happened once more");
    scene.apply(set(1));
    assert_eq!(hopeless_after(&scene, true, GRACE), None, "the pod is there");

    let mut scene = empty(&[]);
    scene.apply(Sight::Seen(Thing::Job(typed(
        json!({"metadata": {"name": "migrate", "uid": "j", "annotations": {"helm.sh/hook": "pre-upgrade"}}}),
    ))));
    scene.apply(Sight::Seen(event("f", "j", 1, &format!("Error creating: {NO_ROOM}"))));
    let hopeless = |scene: &Scene| {
        let mut watchfulness = Watchfulness::of(true);
        watchfulness.look(scene, GRACE, Duration::ZERO);
        watchfulness.look(scene, GRACE, Duration::from_secs(20))
    };
    let found = hopeless(&scene).unwrap();
    assert_eq!(found.object, "job/migrate");
    assert!(found.text.contains("exceeded quota: pods"), "{}", found.text);
    scene.apply(Sight::Seen(Thing::Pod(typed(
        json!({"metadata": {"name": "migrate-x", "uid": "p", "ownerReferences": [{"kind": "Job", "name": "migrate", "controller": true}]}}),
    ))));
    assert!(hopeless(&scene).is_none(), "its pod is there");
}
