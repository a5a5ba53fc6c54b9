//! Against an API server that leaks: every kind of place, and every kind of gap.

use std::io::Write as _;

use base64::{Engine, prelude::BASE64_STANDARD};
use flate2::{Compression, write::GzEncoder};
use serde_json::{Value, json};

use crate::snapshot::{
    Snapshot, Source,
    collect::{
        Limits,
        mock::{Reply, collected, list, ok, status},
    },
    sessions::Searched,
};

const PASSWORD: &str = "c0rrect-Horse-Battery";

/// What the server leaks, by the end of the path that shows it.
#[derive(Default)]
struct Leak {
    environment: bool,
    nightly: bool,
    annotation: bool,
    config_map: bool,
    log: Option<Reply>,
    values: bool,
    notes: bool,
    lists_forbidden: bool,
}

fn record(leak: &Leak) -> Value {
    let text = json!({"info": {"notes": if leak.notes { PASSWORD } else { "Enjoy." }}, "config": {"database": {"password": if leak.values { PASSWORD } else { "" }}}, "manifest": PASSWORD});
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(text.to_string().as_bytes()).unwrap();
    let inner = BASE64_STANDARD.encode(gzip.finish().unwrap());
    json!({"metadata": {"name": "sh.helm.release.v1.shop.v1"}, "data": {"release": BASE64_STANDARD.encode(inner)}})
}

async fn searched(mut leak: Leak) -> Snapshot {
    let log = std::sync::Mutex::new(leak.log.take());
    let (snapshot, _) = collected(&[Source::Exposure], Limits::default(), move |path, _| {
        let shown = |leaks: bool| if leaks { format!("postgres://app:{PASSWORD}@postgres/shop") } else { "harmless".into() };
        let object = path.split('?').next().unwrap_or_default();
        match object.strip_prefix("/api/v1/namespaces/shop/").or_else(|| object.strip_prefix("/apis/apps/v1/namespaces/shop/")).or_else(|| object.strip_prefix("/apis/batch/v1/namespaces/shop/")) {
            Some("pods") => list(
                [json!({"metadata": {"name": "app-1", "ownerReferences": [{"kind": "ReplicaSet", "name": "app", "controller": true}],
                        "annotations": {"note": shown(leak.annotation)}},
                    "spec": {"containers": [{"name": "app", "env": [{"name": "P", "valueFrom": {"secretKeyRef": {"name": "s", "key": "password"}}}]}]},
                    "status": {"phase": "Running", "containerStatuses": [{"name": "app", "ready": true, "state": {"running": {}}}]}})],
                "",
            ),
            Some("deployments") if leak.lists_forbidden => status(403, "forbidden"),
            Some("deployments") => list(
                [json!({"metadata": {"name": "app"}, "spec": {"template": {"spec": {"containers": [{"name": "app", "env": [{"name": "DSN", "value": shown(leak.environment)}]}]}}}})],
                "",
            ),
            Some("cronjobs") => list(
                [json!({"metadata": {"name": "night"}, "spec": {"jobTemplate": {"spec": {"template": {"spec": {"containers": [{"name": "job", "env": [{"name": "DSN", "value": shown(leak.nightly)}]}]}}}}}})],
                "",
            ),
            Some("configmaps") => list([json!({"metadata": {"name": "settings"}, "data": {"dsn": BASE64_STANDARD.encode(shown(leak.config_map))}})], ""),
            Some("pods/app-1/log") => log.lock().unwrap().take().unwrap_or_else(|| Reply::Text(200, "fine\n".repeat(50_000))),
            Some("secrets") => list([json!({"metadata": {"name": "sh.helm.release.v1.shop.v1", "labels": {"owner": "helm", "name": "shop", "version": "1"}}})], ""),
            Some("secrets/s") => ok(json!({"kind": "Secret", "metadata": {"name": "s"}, "data": {"password": BASE64_STANDARD.encode(PASSWORD), "pin": BASE64_STANDARD.encode("1234")}})),
            Some("secrets/sh.helm.release.v1.shop.v1") => ok(record(&leak)),
            _ if object == "/version" => ok(json!({"gitVersion": "v1.35.4"})),
            _ => list([], ""),
        }
    })
    .await;
    snapshot.unwrap()
}

fn found(snapshot: &Snapshot) -> Vec<(String, String)> {
    let found = snapshot.exposure().unwrap().found.iter();
    found.map(|found| (found.place.clone(), found.form.clone())).collect()
}

#[tokio::test]
async fn nothing_is_found_where_nothing_leaks_and_every_place_was_searched() {
    let snapshot = searched(Leak::default()).await;
    let exposure = snapshot.exposure().unwrap();
    assert_eq!(found(&snapshot), []);
    assert_eq!(exposure.values, 1);
    assert_eq!(exposure.left_out[0].key, "pin");
    for place in Searched::PLACES {
        let searched = exposure
            .searched
            .iter()
            .find(|searched| searched.place == place)
            .unwrap();
        assert!(searched.count > 0 && searched.gaps.is_empty(), "{searched:?}");
    }
    assert!(!snapshot.to_recording().contains(PASSWORD));
}

#[tokio::test]
async fn each_place_that_leaks_is_named() {
    for (leak, place, form) in [
        (
            Leak {
                environment: true,
                ..Leak::default()
            },
            "deployment/app spec.template.spec.containers[app].env[DSN].value",
            "plain",
        ),
        (
            Leak {
                nightly: true,
                ..Leak::default()
            },
            "cronjob/night spec.jobTemplate.spec.template.spec.containers[job].env[DSN].value",
            "plain",
        ),
        (
            Leak {
                annotation: true,
                ..Leak::default()
            },
            "pod/app-1 metadata.annotations[note]",
            "plain",
        ),
        (
            Leak {
                config_map: true,
                ..Leak::default()
            },
            "configmap/settings data.dsn",
            "base64",
        ),
        (
            Leak {
                values: true,
                ..Leak::default()
            },
            "values of Helm's record sh.helm.release.v1.shop.v1",
            "plain",
        ),
        (
            Leak {
                notes: true,
                ..Leak::default()
            },
            "notes of Helm's record sh.helm.release.v1.shop.v1",
            "plain",
        ),
        (
            Leak {
                log: Some(Reply::Text(200, format!("{}login {PASSWORD}\n", "x".repeat(70_000)))),
                ..Leak::default()
            },
            "log of app of pod/app-1",
            "plain",
        ),
    ] {
        assert_eq!(found(&searched(leak).await), [(place.to_owned(), form.to_owned())]);
    }
}

#[tokio::test]
async fn what_could_not_be_read_is_a_gap_and_what_came_before_it_is_searched() {
    let gaps = |snapshot: &Snapshot| -> Vec<String> {
        let exposure = snapshot.exposure().unwrap();
        exposure
            .searched
            .iter()
            .flat_map(|searched| {
                let refused = searched.refused.iter().map(ToString::to_string);
                refused.chain(searched.gaps.clone()).collect::<Vec<_>>()
            })
            .collect()
    };
    let forbidden = searched(Leak {
        log: Some(status(403, "no")),
        ..Leak::default()
    })
    .await;
    assert_eq!(gaps(&forbidden), ["not permitted to get `pods/log` in `shop`"]);
    let cut = searched(Leak {
        log: Some(Reply::Cut(format!("{PASSWORD} and"))),
        ..Leak::default()
    })
    .await;
    assert_eq!(found(&cut).len(), 1);
    assert_eq!(gaps(&cut).len(), 1, "{:?}", gaps(&cut));
    let blind = searched(Leak {
        lists_forbidden: true,
        ..Leak::default()
    })
    .await;
    assert_eq!(gaps(&blind), ["not permitted to list `deployments.apps` in `shop`"]);
    // The node has rotated that log away: there is nothing that anybody could read.
    let gone = searched(Leak {
        log: Some(status(404, "gone")),
        ..Leak::default()
    })
    .await;
    assert_eq!(gaps(&gone), Vec::<String>::new());
}
