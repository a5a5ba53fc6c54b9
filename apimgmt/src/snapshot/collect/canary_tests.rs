//! Canaries: values that stand in every Secret of a cluster which repeats them wherever it can. None may be found in any
//! form of output, in a recording, in debug output, in an error or in a panic: plain, base64 or URL-encoded.

use std::{io::Write, panic};

use base64::{Engine, prelude::BASE64_STANDARD};
use flate2::{Compression, write::GzEncoder};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use super::{
    Limits,
    mock::{Reply, collected, list, ok, status},
};
use crate::{
    checklist::{ALL, judge},
    diagnoses::{self, diagnose},
    report::{self, Style, troubleshoot, verify::Former},
    snapshot::{Snapshot, Source},
};

/// One for each place that a secret can stand in.
const CANARIES: [&str; 6] = [
    "canary-password/of+env=1",
    "canary-dsn-Pa55word",
    "canary-whole-object-9",
    "canary-mounted-file-8",
    "canary-registry-login-7",
    "canary-helm-values-6",
];

fn encoded(text: &str) -> String {
    BASE64_STANDARD.encode(text)
}

/// The canary as it may look: as it is, URL-encoded, and base64 at each of the three alignments.
fn dresses(canary: &str) -> Vec<String> {
    let mut dresses = vec![
        canary.to_owned(),
        utf8_percent_encode(canary, NON_ALPHANUMERIC).to_string(),
    ];
    for shift in 0..3 {
        let whole = encoded(&format!("{}{canary}", "x".repeat(shift)));
        // Only the letters that the canary alone decides.
        let begin = usize::from(shift > 0) * 4;
        let end = whole.trim_end_matches('=').len().saturating_sub(3);
        dresses.push(whole[begin..end].to_owned());
    }
    dresses
}

/// Every canary in every dress, as a careless program would write them.
fn gossip() -> String {
    let words = CANARIES[..5].iter().flat_map(|canary| {
        [
            (*canary).to_owned(),
            encoded(canary),
            utf8_percent_encode(canary, NON_ALPHANUMERIC).to_string(),
        ]
    });
    words.collect::<Vec<_>>().join(" ")
}

fn secret(name: &str) -> Option<Value> {
    let data = match name {
        "env" => {
            json!({"password": encoded(CANARIES[0]), "dsn": encoded(&format!("postgres://app:{}@postgres:5432/db", CANARIES[1]))})
        }
        "whole" => json!({"TOKEN": encoded(CANARIES[2])}),
        "mounted" => json!({"key.pem": encoded(CANARIES[3])}),
        "pull" => {
            let login = json!({"auths": {"registry.test": {"username": "robot", "password": CANARIES[4]}}});
            return Some(
                json!({"metadata": {"name": name}, "type": "kubernetes.io/dockerconfigjson", "data": {".dockerconfigjson": encoded(&login.to_string())}}),
            );
        }
        _ => return None,
    };
    Some(json!({"metadata": {"name": name}, "data": data}))
}

/// Helm's record, which holds the values that were given.
fn record() -> Value {
    let record = json!({"name": "app", "info": {"description": "Install complete", "status": "deployed"},
        "chart": {"metadata": {"name": "app", "version": "1.0.0"}, "values": {"password": CANARIES[5]}}, "config": {"password": CANARIES[5]}, "manifest": CANARIES[5]});
    let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
    packed.write_all(record.to_string().as_bytes()).unwrap();
    json!({"data": {"release": encoded(&BASE64_STANDARD.encode(packed.finish().unwrap()))}})
}

fn answer(path: &str) -> Reply {
    let labels = json!({"app.kubernetes.io/component": "application", "app": "api-management"});
    let spec = json!({"imagePullSecrets": [{"name": "pull"}], "volumes": [{"name": "v", "secret": {"secretName": "mounted"}}],
        "containers": [{"name": "c", "image": "app:1", "envFrom": [{"secretRef": {"name": "whole"}}], "env": [
            {"name": "A", "valueFrom": {"secretKeyRef": {"name": "env", "key": "password"}}},
            {"name": "DATABASE_URL", "valueFrom": {"secretKeyRef": {"name": "env", "key": "dsn"}}}]}]});
    let pod = json!({"metadata": {"name": "app", "namespace": "shop", "labels": labels}, "spec": spec,
        "status": {"phase": "Running", "message": gossip(), "containerStatuses": [{"name": "c", "restartCount": 3,
            "state": {"waiting": {"reason": "CrashLoopBackOff", "message": gossip()}},
            "lastState": {"terminated": {"exitCode": 1, "reason": "Error", "message": gossip()}}}]}});
    let deployment = json!({"metadata": {"name": "api-management", "namespace": "shop", "labels": labels},
        "spec": {"replicas": 1, "selector": {"matchLabels": {"app": "api-management"}}, "template": {"metadata": {"labels": labels}, "spec": spec}}});
    let path = path.split('?').next().unwrap_or_default();
    if let Some(name) = path.strip_prefix("/api/v1/namespaces/shop/secrets/") {
        return match secret(name) {
            Some(secret) => ok(secret),
            None if name.starts_with("sh.helm") => ok(record()),
            None => status(404, "not found"),
        };
    }
    match path {
        "/version" => ok(json!({"gitVersion": "v1.35.4"})),
        "/readyz" => Reply::Text(500, format!("[-]etcd failed: {}\n", gossip())),
        "/api/v1/pods" | "/api/v1/namespaces/shop/pods" => list([pod], ""),
        "/apis/apps/v1/namespaces/shop/deployments" => list([deployment], ""),
        "/api/v1/namespaces/shop/events" => list(
            [
                json!({"metadata": {"name": "e"}, "type": "Warning", "reason": "BackOff", "message": gossip(),
                "involvedObject": {"kind": "Pod", "name": "app", "namespace": "shop"}}),
            ],
            "",
        ),
        "/api/v1/namespaces/shop/pods/app/log" => Reply::Text(200, format!("{}\n", gossip().repeat(3))),
        "/api/v1/namespaces/shop/secrets" => list(
            [
                json!({"metadata": {"name": "sh.helm.release.v1.app.v1", "labels": {"owner": "helm", "name": "app", "version": "1", "status": "deployed"}}}),
            ],
            "",
        ),
        path if path.ends_with("/kube-system") || path.ends_with("/namespaces/shop") => {
            ok(json!({"metadata": {"name": "shop"}}))
        }
        path if path.contains("/configmaps/") => status(404, "not found"),
        _ => list([], ""),
    }
}

/// Everything that a user or a file could get to see, by the name of the place.
fn everything(snapshot: &Snapshot) -> Vec<(String, String)> {
    use report::verify::{Form, Report};

    let style = Style {
        color: true,
        width: 120,
    };
    let recording = snapshot.to_recording();
    let before = Snapshot::from_recording(&recording).unwrap();
    let judged = |snapshot: &Snapshot| Report::new(snapshot, &judge(ALL, snapshot), true);
    let former = Former::of(&judged(&before), &before);
    let mut seen: Vec<(String, String)> = [
        Form::Table,
        Form::Short,
        Form::Wide,
        Form::Json,
        Form::Yaml,
        Form::Junit,
        Form::Sarif,
        Form::Markdown,
        Form::Html,
        Form::Prometheus,
    ]
    .into_iter()
    .map(|form| {
        (
            format!("verify as {form:?}"),
            judged(snapshot).since(&former, snapshot).render(form, style),
        )
    })
    .collect();
    for form in [
        report::Form::Table,
        report::Form::Short,
        report::Form::Json,
        report::Form::Yaml,
    ] {
        let found = troubleshoot::Report::new(snapshot, diagnose(diagnoses::ALL, snapshot));
        seen.push((format!("troubleshoot as {form:?}"), found.render(form, style)));
    }
    seen.push(("recording".into(), recording));
    seen.push(("debug output".into(), format!("{snapshot:#?}")));
    let hook = panic::take_hook();
    panic::set_hook(Box::new(|_| {}));
    let panicked = panic::catch_unwind(|| panic!("{:?}", snapshot.readings));
    panic::set_hook(hook);
    let words = panicked.unwrap_err().downcast::<String>().unwrap();
    seen.push(("panic".into(), *words));
    seen
}

/// Seen to fail with `mask.cover` left out, and with the vault's values in debug output.
#[tokio::test]
async fn no_canary_is_found_anywhere() {
    let (snapshot, asked) = collected(Source::ALL, Limits::default(), |path, _| answer(path)).await;
    let snapshot = snapshot.unwrap();
    for secret in ["env", "whole", "mounted", "pull", "sh.helm.release.v1.app.v1"] {
        assert!(
            asked.iter().any(|path| path.ends_with(&format!("/secrets/{secret}"))),
            "{secret} was read"
        );
    }
    let logs = snapshot.logs().unwrap();
    assert!(
        logs.iter()
            .any(|log| log.lines.iter().any(|line| line.contains("…secret…"))),
        "{logs:?}"
    );
    assert!(snapshot.events().unwrap()[0].message.contains("…secret…"));
    let mut found = Vec::new();
    for (place, text) in everything(&snapshot) {
        assert!(!text.is_empty(), "{place}");
        for canary in CANARIES {
            for dress in dresses(canary).iter().filter(|dress| text.contains(*dress)) {
                found.push(format!("{place}: {canary} as {dress}"));
            }
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

/// An error tells what the server said, which may be anything.
#[tokio::test]
async fn no_canary_is_found_in_an_error() {
    let (snapshot, _) = collected(&[Source::Services], Limits::default(), |_, _| status(401, &gossip())).await;
    let error = snapshot.unwrap_err();
    let words = format!("{error:?} {error} {:?}", error.next_step());
    for canary in CANARIES {
        assert!(dresses(canary).iter().all(|dress| !words.contains(dress)), "{words}");
    }
}

#[test]
fn a_canary_is_known_in_every_dress() {
    for canary in CANARIES {
        for prefix in ["", "x", "xy"] {
            let hidden = encoded(&format!("{prefix}{canary} and more"));
            assert!(
                dresses(canary).iter().any(|dress| hidden.contains(dress)),
                "{canary} after {prefix:?}"
            );
        }
    }
}
