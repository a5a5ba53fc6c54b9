//! The collector against a server that behaves as real ones do on bad days.

use std::time::Duration;

use serde_json::{Value, json};

use super::{
    Limits,
    mock::{Reply, collected, list, ok, status},
};
use crate::{
    ExitCode,
    snapshot::{Source, Why},
};

fn named(name: &str) -> Value {
    json!({"metadata": {"name": name, "namespace": "shop", "uid": name}})
}

/// What every run asks beside its sources.
fn identity(path: &str) -> Option<Reply> {
    match path {
        "/version" => Some(ok(json!({"gitVersion": "v1.35.4"}))),
        "/api/v1/namespaces/kube-system" => Some(ok(json!({"metadata": {"name": "kube-system", "uid": "cluster-1"}}))),
        _ => None,
    }
}

fn names(services: &[crate::snapshot::services::Service]) -> Vec<&str> {
    services.iter().map(|service| service.metadata.name.as_str()).collect()
}

const SERVICES: &str = "/api/v1/namespaces/shop/services?limit=10000";

#[tokio::test]
async fn a_list_is_read_page_by_page_and_consistently() {
    let (snapshot, asked) = collected(&[Source::Services], Limits::default(), |path, _| {
        identity(path).unwrap_or_else(|| match path.rsplit_once("continue=").map_or("", |(_, token)| token) {
            "" => list([named("a"), named("b")], "two/=+"),
            "two%2F%3D%2B" => list([named("c")], "three"),
            "three" => list([named("d")], ""),
            other => panic!("{other}"),
        })
    })
    .await;
    let snapshot = snapshot.unwrap();
    assert_eq!(names(snapshot.services().unwrap()), ["a", "b", "c", "d"]);
    assert_eq!(snapshot.cluster.uid, "cluster-1");
    assert_eq!(snapshot.cluster.version, "v1.35.4");
    assert_eq!(asked.len(), 5, "{asked:?}");
    assert!(
        asked.iter().all(|path| !path.contains("resourceVersion")),
        "cached reads prove nothing"
    );
    assert_eq!(snapshot.cost.api_requests, 5);
    assert!(snapshot.cost.bytes > 300 && snapshot.take_touched() == [Source::Services]);
}

#[tokio::test]
async fn an_expired_token_begins_the_list_anew() {
    let (snapshot, asked) = collected(&[Source::Services], Limits::default(), |path, before| {
        identity(path).unwrap_or_else(|| match (path.contains("continue="), before) {
            (false, 0) => list([named("old-a")], "t"),
            (true, 0) => status(410, "The provided continue parameter is too old"),
            (false, _) => list([named("new-a")], "t"),
            (true, _) => list([named("new-b")], ""),
        })
    })
    .await;
    assert_eq!(names(snapshot.unwrap().services().unwrap()), ["new-a", "new-b"]);
    assert_eq!(asked.len(), 6);
}

#[tokio::test]
async fn a_list_that_expires_for_ever_is_given_up() {
    let (snapshot, _) = collected(&[Source::Services], Limits::default(), |path, _| {
        identity(path).unwrap_or_else(|| {
            if path.contains("continue=") {
                status(410, "too old")
            } else {
                list([named("a")], "t")
            }
        })
    })
    .await;
    let why = snapshot.unwrap().services().unwrap_err().why;
    assert!(matches!(why, Why::Failed(message) if message.contains("expired")));
}

#[tokio::test]
async fn a_cut_page_is_read_again_and_its_objects_count_once() {
    let (snapshot, _) = collected(&[Source::Services], Limits::default(), |path, before| {
        identity(path).unwrap_or_else(|| match (path.contains("continue="), before) {
            (false, _) => list([named("a")], "t"),
            (true, 0) => Reply::Cut(r#"{"metadata":{},"items":[{"metadata":{"name":"b"}},{"metadata":{"na"#.into()),
            (true, 1) => Reply::Cut(r#"{"metadata":{},"items":[{"metadata":{"name":"b"}}"#.into()),
            (true, _) => list([named("b"), named("c")], ""),
        })
    })
    .await;
    assert_eq!(names(snapshot.unwrap().services().unwrap()), ["a", "b", "c"]);
}

#[tokio::test]
async fn a_list_that_ends_early_without_an_error_is_not_taken_for_whole() {
    let (snapshot, asked) = collected(&[Source::Services], Limits::default(), |path, _| {
        identity(path)
            .unwrap_or_else(|| Reply::Text(200, r#"{"metadata":{},"items":[{"metadata":{"name":"a"}}"#.into()))
    })
    .await;
    let why = snapshot.unwrap().services().unwrap_err().why;
    assert!(matches!(why, Why::Failed(message) if message.contains("cut")));
    assert_eq!(asked.iter().filter(|path| *path == SERVICES).count(), 4);
}

#[tokio::test]
async fn a_busy_server_is_asked_again_when_it_says() {
    let (snapshot, asked) = collected(
        &[Source::Services, Source::Ingresses],
        Limits::default(),
        |path, before| {
            identity(path).unwrap_or_else(|| match (path == SERVICES, before) {
                (true, 0..4) => Reply::Later(429, 0),
                (false, 0) => Reply::Later(503, 1),
                _ => list([named("a")], ""),
            })
        },
    )
    .await;
    let snapshot = snapshot.unwrap();
    assert!(snapshot.services().is_ok() && snapshot.ingresses().is_ok());
    assert_eq!(asked.iter().filter(|path| *path == SERVICES).count(), 5);
    assert!(snapshot.cost.wall_ms >= 1000, "Retry-After is honoured");
}

#[tokio::test]
async fn a_pause_past_the_deadline_is_not_waited_for() {
    let limits = Limits {
        deadline: Duration::from_millis(500),
        ..Limits::default()
    };
    let (snapshot, _) = collected(&[Source::Services], limits, |path, _| {
        identity(path).unwrap_or(Reply::Later(429, 60))
    })
    .await;
    let snapshot = snapshot.unwrap();
    assert!(matches!(snapshot.services().unwrap_err().why, Why::Failed(message) if message.contains("429")));
    assert!(snapshot.cost.wall_ms < 500);
}

#[tokio::test]
async fn what_stays_broken_is_told_in_the_servers_words() {
    let (snapshot, asked) = collected(&[Source::PodMetrics], Limits::default(), |path, _| {
        identity(path).unwrap_or_else(|| status(503, "the server is currently \u{1b}[31munable to handle the request"))
    })
    .await;
    let why = snapshot.unwrap().pod_metrics().unwrap_err().why;
    let Why::Failed(message) = why else { panic!("{why:?}") };
    assert_eq!(
        message,
        "HTTP 503: the server is currently \\u{1b}[31munable to handle the request"
    );
    assert_eq!(asked.len(), 6, "four tries");
}

#[tokio::test]
async fn what_is_forbidden_absent_or_unserved_is_told_apart() {
    let sources = [
        Source::Services,
        Source::Ingresses,
        Source::Certificates,
        Source::PodMetrics,
        Source::Namespace,
    ];
    let (snapshot, _) = collected(&sources, Limits::default(), |path, _| {
        identity(path).unwrap_or_else(|| match path.split('?').next().unwrap() {
            "/api/v1/namespaces/shop/services" => status(403, "services is forbidden"),
            "/apis/networking.k8s.io/v1/namespaces/shop/ingresses" => list([], ""),
            "/api/v1/namespaces/shop" | "/apis/cert-manager.io/v1/namespaces/shop/certificates" => {
                status(404, "not found")
            }
            _ => Reply::Text(404, "404 page not found".into()),
        })
    })
    .await;
    let snapshot = snapshot.unwrap();
    let forbidden = snapshot.services().unwrap_err();
    assert_eq!(forbidden.why, Why::Forbidden);
    assert_eq!(forbidden.to_string(), "not permitted to list `services` in `shop`");
    assert!(snapshot.ingresses().unwrap().is_empty(), "an empty list is a fact");
    assert!(
        snapshot.certificates().unwrap().is_empty(),
        "no cert-manager, no certificates of it"
    );
    assert_eq!(snapshot.pod_metrics().unwrap_err().why, Why::ApiAbsent);
    assert_eq!(snapshot.own_namespace().unwrap(), &None);
    assert_eq!(snapshot.deployments().unwrap_err().why, Why::NotCollected);
}

#[tokio::test]
async fn a_source_that_hangs_does_not_take_the_others_with_it() {
    let limits = Limits {
        deadline: Duration::from_millis(300),
        ..Limits::default()
    };
    let (snapshot, _) = collected(&[Source::Services, Source::Ingresses], limits, |path, _| {
        identity(path).unwrap_or_else(|| {
            if path == SERVICES {
                Reply::Silence
            } else {
                list([named("a")], "")
            }
        })
    })
    .await;
    let snapshot = snapshot.unwrap();
    assert_eq!(snapshot.services().unwrap_err().why, Why::Timeout);
    assert!(snapshot.ingresses().is_ok());
    assert!(snapshot.cost.wall_ms < 2000);
}

#[tokio::test]
async fn a_server_that_is_silent_gone_or_refuses_is_one_error() {
    let limits = Limits {
        deadline: Duration::from_millis(200),
        ..Limits::default()
    };
    let (silent, _) = collected(&[Source::Services], limits, |_, _| Reply::Silence).await;
    let silent = silent.unwrap_err();
    assert!(silent.to_string().contains("no answer in time"), "{silent}");

    let (gone, _) = collected(&[Source::Services], Limits::default(), |_, _| Reply::Refused).await;
    let gone = gone.unwrap_err();
    assert_eq!(
        gone.to_string(),
        "could not reach the cluster at https://cluster.test (context `test`)"
    );
    assert!(
        gone.next_step().unwrap().contains("nothing listens there"),
        "{:?}",
        gone.next_step()
    );

    let (refused, _) = collected(&[Source::Services], Limits::default(), |_, _| {
        status(401, "Unauthorized")
    })
    .await;
    let refused = refused.unwrap_err();
    assert!(
        refused.to_string().contains("refused the credentials (context `test`)"),
        "{refused}"
    );
    for error in [silent, gone, refused] {
        assert_eq!(error.code(), ExitCode::CouldNot);
        assert!(error.next_step().is_some());
    }
}

#[tokio::test]
async fn the_budget_of_requests_is_kept() {
    let limits = Limits {
        max_requests: 4,
        ..Limits::default()
    };
    let (snapshot, asked) = collected(&[Source::Services], limits, |path, before| {
        identity(path).unwrap_or_else(|| list([named("a")], &format!("t{before}")))
    })
    .await;
    let snapshot = snapshot.unwrap();
    assert_eq!(snapshot.services().unwrap_err().why, Why::Budget);
    assert_eq!((asked.len(), snapshot.cost.api_requests), (4, 4));
}

#[tokio::test]
async fn every_pod_is_read_once_and_of_strangers_only_what_they_take() {
    let pod = |namespace: &str, name: &str| {
        json!({"metadata": {"name": name, "namespace": namespace, "annotations": {"much": "text"}},
            "spec": {"nodeName": "n", "containers": [{"name": "c", "image": "i", "resources": {"requests": {"cpu": "1"}}}]}})
    };
    let (snapshot, asked) = collected(
        &[Source::Pods, Source::ClusterPods],
        Limits::default(),
        move |path, _| {
            identity(path).unwrap_or_else(|| match path {
                "/api/v1/namespaces/shop/pods?limit=10000" => list([pod("shop", "ours")], ""),
                "/api/v1/pods?limit=10000&fieldSelector=metadata.namespace%21%3Dshop" => {
                    list([pod("other", "theirs")], "")
                }
                other => panic!("{other}"),
            })
        },
    )
    .await;
    let snapshot = snapshot.unwrap();
    assert_eq!(asked.iter().filter(|path| path.contains("/pods")).count(), 2);
    let ours = &snapshot.pods().unwrap()[0];
    assert_eq!(
        (ours.node_name.as_str(), ours.spec.containers[0].image.as_str()),
        ("n", "i")
    );
    let [theirs] = snapshot.cluster_pods().unwrap().as_slice() else {
        panic!("one stranger");
    };
    assert_eq!((&*theirs.name, theirs.reserved["cpu"].0.as_str()), ("theirs", "1"));
}

#[tokio::test]
async fn the_namespaces_pods_are_read_where_the_clusters_are_forbidden() {
    let (snapshot, _) = collected(&[Source::Pods, Source::ClusterPods], Limits::default(), |path, _| {
        identity(path).unwrap_or_else(|| {
            if path.starts_with("/api/v1/pods") {
                status(403, "pods is forbidden")
            } else {
                list([named("ours")], "")
            }
        })
    })
    .await;
    let snapshot = snapshot.unwrap();
    assert_eq!(snapshot.cluster_pods().unwrap_err().why, Why::Forbidden);
    assert_eq!(snapshot.pods().unwrap().len(), 1);
}

/// A namespace whose pods crash, name secrets and write them into their logs.
fn crashing(path: &str) -> Reply {
    identity(path).unwrap_or_else(|| match path.split('?').next().unwrap() {
        "/api/v1/namespaces/shop/pods" => list(
            [json!({"metadata": {"name": "app", "namespace": "shop"},
                "spec": {"containers": [{"name": "c", "env": [
                    {"name": "A", "valueFrom": {"secretKeyRef": {"name": "there", "key": "password"}}},
                    {"name": "B", "valueFrom": {"secretKeyRef": {"name": "gone", "key": "password"}}}]}]},
                "status": {"containerStatuses": [{"name": "c", "restartCount": 1, "state": {"waiting": {"reason": "CrashLoopBackOff"}},
                    "lastState": {"terminated": {"exitCode": 1, "message": "login with correct-horse-battery failed"}}}]}})],
            "",
        ),
        "/api/v1/namespaces/shop/events" => list([json!({"metadata": {"name": "e"}, "message": "env PASSWORD=correct-horse-battery\u{7}"})], ""),
        // "correct-horse-battery"
        "/api/v1/namespaces/shop/secrets/there" => ok(json!({"kind": "Secret", "metadata": {"name": "there"}, "data": {"password": "Y29ycmVjdC1ob3JzZS1iYXR0ZXJ5"}})),
        secret if secret.starts_with("/api/v1/namespaces/shop/secrets/") => status(404, "secrets are not found"),
        "/api/v1/namespaces/shop/pods/app/log" => Reply::Text(200, "starting\nDATABASE_URL=postgres://app:hunter2@db/x\n\u{1b}[2Jpassword correct-horse-battery refused\n".into()),
        _ => list([], ""),
    })
}

#[tokio::test]
async fn no_secret_of_the_cluster_is_left_in_the_snapshot() {
    let (snapshot, asked) = collected(
        &[Source::Logs, Source::Secrets, Source::Events],
        Limits::default(),
        |path, _| crashing(path),
    )
    .await;
    let snapshot = snapshot.unwrap();
    let secrets = snapshot.secrets().unwrap();
    assert_eq!(
        (secrets.len(), secrets[0].facts["password"].length),
        (1, 21),
        "a secret that does not exist is left out"
    );
    let logs = snapshot.logs().unwrap();
    assert_eq!(
        logs[0].lines,
        [
            "starting",
            "DATABASE_URL=postgres://app:…secret…@db/x",
            "\\u{1b}[2Jpassword …secret… refused"
        ]
    );
    assert!(logs[0].previous);
    assert!(
        asked
            .iter()
            .any(|path| path.contains("previous=true&tailLines=60&limitBytes=65536")),
        "{asked:?}"
    );
    for hidden in ["correct-horse-battery", "Y29ycmVjdC1ob3JzZS1iYXR0ZXJ5", "hunter2"] {
        assert!(
            !snapshot.to_recording().contains(hidden) && !format!("{snapshot:?}").contains(hidden),
            "{hidden}"
        );
    }
}

#[tokio::test]
async fn one_forbidden_secret_blinds_the_whole_source() {
    let (snapshot, _) = collected(&[Source::Secrets], Limits::default(), |path, _| {
        if path.ends_with("/secrets/gone") {
            status(403, "forbidden")
        } else {
            crashing(path)
        }
    })
    .await;
    let why = snapshot.unwrap().secrets().unwrap_err();
    assert_eq!(why.to_string(), "not permitted to get `secrets` in `shop`");
}

#[tokio::test]
async fn a_session_without_its_needs_names_them() {
    let (snapshot, _) = collected(&[Source::Postgresql, Source::Redis], Limits::default(), |path, _| {
        identity(path).unwrap_or_else(|| {
            if path.contains("/statefulsets") {
                status(403, "no")
            } else {
                list([], "")
            }
        })
    })
    .await;
    let snapshot = snapshot.unwrap();
    assert_eq!(snapshot.postgresql().unwrap_err().why, Why::Needs(Source::StatefulSets));
    assert_eq!(snapshot.redis().unwrap_err().why, Why::Needs(Source::StatefulSets));
}

#[tokio::test]
async fn a_server_that_is_down_is_told_as_such() {
    let workload = |kind: &str, name: &str, env: Value| {
        let labels = json!({"app": name});
        json!({"kind": kind, "metadata": {"name": name, "namespace": "shop"}, "spec": {"replicas": 0, "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "c", "env": env}]}}}})
    };
    let (snapshot, _) = collected(&[Source::Postgresql, Source::Redis], Limits::default(), move |path, _| {
        identity(path).unwrap_or_else(|| match path.split('?').next().unwrap().rsplit('/').next().unwrap() {
            "deployments" => list([workload("Deployment", "api-management", json!([{"name": "REDIS_HOST", "value": "redis"}]))], ""),
            "statefulsets" => list([workload("StatefulSet", "redis", json!([]))], ""),
            "services" => list([json!({"metadata": {"name": "redis"}, "spec": {"selector": {"app": "redis"}, "ports": [{"port": 6379}]}})], ""),
            _ => list([], ""),
        })
    })
    .await;
    let snapshot = snapshot.unwrap();
    assert_eq!(
        snapshot.redis().unwrap_err().why,
        Why::Session("no ready pod of statefulset/redis".into())
    );
    assert_eq!(
        snapshot.postgresql().unwrap(),
        &None,
        "nobody plays the database, and nobody looks for one"
    );
}

#[tokio::test]
async fn expectations_are_read_where_the_chart_stored_them() {
    let stored =
        |text: &str| json!({"metadata": {"name": "api-management-checklist"}, "data": {"checklist.yaml": text}});
    let read = async |maps: Vec<Value>| {
        let (snapshot, asked) = collected(&[Source::Expectations], Limits::default(), move |path, _| {
            identity(path).unwrap_or_else(|| list(maps.clone(), ""))
        })
        .await;
        assert!(
            asked
                .iter()
                .any(|path| path.contains("labelSelector=apimgmt.io%2Fchecklist%3Dtrue")),
            "{asked:?}"
        );
        snapshot.unwrap()
    };
    assert_eq!(
        read(vec![]).await.expectations().unwrap(),
        &crate::values::Expectations::default()
    );
    let snapshot = read(vec![stored("clockSkew: 9s\nhealth: {port: 9090, paths: []}")]).await;
    assert_eq!(snapshot.expectations().unwrap().health.port, 9090);
    let why = read(vec![stored("clockSkew: 9s\nhealth:\n  port: many\n")])
        .await
        .expectations()
        .unwrap_err()
        .to_string();
    assert!(
        why.contains("configmap/api-management-checklist") && why.contains("line 3"),
        "{why}"
    );
}

#[tokio::test]
async fn readiness_names_the_failed_check_though_the_answer_is_an_error() {
    let (snapshot, _) = collected(&[Source::Readiness], Limits::default(), |path, _| {
        identity(path).unwrap_or_else(|| {
            Reply::Text(
                500,
                "[+]ping ok\n[-]etcd failed: reason withheld\nreadyz check failed\n".into(),
            )
        })
    })
    .await;
    let snapshot = snapshot.unwrap();
    assert_eq!(snapshot.readiness().unwrap().failed, ["etcd"]);
    assert_eq!(snapshot.readiness().unwrap().passed, ["ping"]);
}
