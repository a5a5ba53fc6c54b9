//! The second values file, to be given after the first: what a release may have and the first leaves out.
use serde_json::{Value, json};

use crate::{images::Pushed, observability};

/// Where the pods of the application keep files together.
const FILES: &str = "/files";

/// File transfer, and traces where something takes them. Lists replace those of the first file, so they begin with its own.
pub(crate) fn over(values: &Value, pushed: &[Pushed]) -> Value {
    let longer = |pointer: &str, more: &[Value]| {
        let mut list = values
            .pointer(pointer)
            .and_then(Value::as_array)
            .cloned()
            .unwrap_or_default();
        list.extend_from_slice(more);
        Value::Array(list)
    };
    let volume = json!({"name": "files", "persistentVolumeClaim": {"claimName": "files"}});
    let mount = json!({"name": "files", "mountPath": FILES});
    let mut full = json!({
        "application": {
            "config": {"FILES_DIR": FILES},
            "extraVolumes": longer("/application/extraVolumes", &[volume]),
            "extraVolumeMounts": longer("/application/extraVolumeMounts", &[mount]),
        },
        "checklist": {"files": {"path": "/api/v1/files/{unique}"}},
        "extraObjects": longer("/extraObjects", &[claim()]),
    });
    if let Some(apm) = observability::apm(pushed) {
        let way = [observability::way_to_traces()];
        full["application"]["config"]["TRACING_ENDPOINT"] = json!(observability::spans());
        full["networkPolicy"]["extraEgress"] = json!({
            "app": longer("/networkPolicy/extraEgress/app", &way),
            "monitoring": longer("/networkPolicy/extraEgress/monitoring", &way),
        });
        full["checklist"]["apm"] = apm;
    }
    full
}

/// One node, so one claim for all pods.
fn claim() -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": "files", "labels": {"app.kubernetes.io/component": "application", "apimgmt.io/phase": "4"}},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_begin_with_those_of_the_first_file_and_traces_need_a_backend() {
        let first = json!({
            "networkPolicy": {"extraEgress": {"app": ["ingress"], "monitoring": ["ingress", "logs"]}},
            "application": {"extraVolumes": ["authority"]},
            "extraObjects": ["receiver"],
        });
        let zipkin = Pushed {
            repository: "registry/zipkin".to_owned(),
            tag: "3".to_owned(),
            digest: "sha256:aa".to_owned(),
        };
        let full = over(&first, &[zipkin]);
        let egress = &full["networkPolicy"]["extraEgress"];
        assert_eq!(
            (&egress["app"][0], &egress["monitoring"][1]),
            (&json!("ingress"), &json!("logs"))
        );
        assert_eq!(egress["monitoring"][2]["ports"][0]["port"], 9411);
        assert_eq!(full["application"]["extraVolumes"][0], "authority");
        assert_eq!(full["extraObjects"][1]["kind"], "PersistentVolumeClaim");
        assert_eq!(full["checklist"]["apm"]["url"], "http://zipkin.observability:9411");
        let lean = over(&first, &[]);
        assert_eq!(lean["checklist"]["apm"], Value::Null);
        assert_eq!(lean["networkPolicy"], Value::Null);
        assert_eq!(lean["application"]["config"]["TRACING_ENDPOINT"], Value::Null);
    }
}
