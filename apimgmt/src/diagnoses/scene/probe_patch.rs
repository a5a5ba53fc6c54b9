//! Commands that mend a probe of a workload.

use serde_json::json;

use super::{Group, ProbeKind, Scene, WrongProbe};
use crate::{diagnoses::Finding, snapshot::pods::Probe};

/// Where the container stands in the pod template.
fn index(group: &Group<'_>) -> usize {
    let containers = &group.first().pod.spec.containers;
    containers
        .iter()
        .position(|container| container.name == group.container())
        .unwrap_or(0)
}

/// Adds the command that gives the probe the part it should have.
pub(crate) fn mended(
    scene: &Scene<'_>,
    finding: Finding,
    group: &Group<'_>,
    kind: ProbeKind,
    wrong: &WrongProbe,
) -> Finding {
    let place = format!(
        "/spec/template/spec/containers/{}/{}{}",
        index(group),
        kind.field(),
        wrong.part
    );
    let value = match &wrong.fitting {
        Some(fitting) => fitting.parse::<u16>().map_or(json!(fitting), |port| json!(port)),
        None => json!("/PATH"),
    };
    let patch = json!([{ "op": "replace", "path": place, "value": value }]);
    finding.mend(format!(
        "kubectl patch {} -n {} --type=json -p '{patch}'",
        group.workload,
        scene.namespace()
    ))
}

/// The command that gives the container a startup probe which waits for five minutes.
pub(crate) fn startup_probe(scene: &Scene<'_>, group: &Group<'_>, liveness: &Probe) -> String {
    const PERIOD: i64 = 5;
    const FAILURES: i64 = 60;
    let mut probe = json!({ "periodSeconds": PERIOD, "failureThreshold": FAILURES });
    if let Some(get) = &liveness.http_get {
        probe["httpGet"] = json!({ "path": get.path, "port": get.port });
    } else if let Some(socket) = &liveness.tcp_socket {
        probe["tcpSocket"] = json!({ "port": socket.port });
    } else if let Some(exec) = &liveness.exec {
        probe["exec"] = json!({ "command": exec.command });
    }
    let place = format!("/spec/template/spec/containers/{}/startupProbe", index(group));
    let patch = json!([{ "op": "add", "path": place, "value": probe }]);
    format!(
        "kubectl patch {} -n {} --type=json -p '{patch}'",
        group.workload,
        scene.namespace()
    )
}
