//! A service sends to a port by a name that no container has.

use crate::{
    diagnoses::{
        Diagnosis, Directness, Finding, Topic, Weight,
        scene::{Backing, Scene, clean, list},
    },
    snapshot::{
        Pod, Source, Unreadable,
        pods::{Container, Port},
    },
};

pub(in crate::diagnoses) const DIAGNOSIS: Diagnosis = Diagnosis {
    id: "target-port-absent",
    topic: Topic::Network,
    symptom: "A service refuses connections although its pods are ready",
    cause: "The target port of the service is not one that its pods have",
    reads: &[
        Source::Services,
        Source::EndpointSlices,
        Source::Pods,
        Source::ReplicaSets,
        Source::Jobs,
        Source::Logs,
        Source::Secrets,
        Source::ConfigMaps,
    ],
    look,
};

fn look(scene: &Scene<'_>) -> Result<Vec<Finding>, Unreadable> {
    let backings = scene.backings()?;
    scene.ask_dependencies();
    let mut findings = Vec::new();
    for backing in backings.values().filter(|backing| !backing.pods.is_empty()) {
        for port in &backing.service.spec.ports {
            let target = port.target_port.clone().unwrap_or(Port::Number(port.port));
            findings.extend(finding(scene, backing, port.port, &target));
        }
    }
    Ok(findings)
}

/// Ports that the containers of a pod declare, by name and number.
fn declared(pod: &Pod) -> Vec<(&str, u16)> {
    let containers = pod.spec.containers.iter().chain(&pod.spec.init_containers);
    let ports = containers.flat_map(|container| &container.ports);
    ports.map(|port| (port.name.as_str(), port.container_port)).collect()
}

fn finding(scene: &Scene<'_>, backing: &Backing<'_>, port: u16, target: &Port) -> Option<Finding> {
    let pod = backing.pods[0];
    let ports = declared(pod);
    let (written, is_there, named) = match target {
        Port::Name(name) => (clean(name), ports.iter().any(|(known, _)| known == name), true),
        // A declaration is only a word: a number that nobody declared may be listened on all the same.
        Port::Number(number) => {
            let is_probed = pod.spec.containers.iter().any(|container| probes(container, *number));
            let is_there = ports.is_empty() || is_probed || ports.iter().any(|(_, known)| known == number);
            (number.to_string(), is_there, false)
        }
    };
    let refused = || scene.dependents(backing.name()).iter().any(|pod| !pod.is_ready());
    if is_there || (!named && !refused()) {
        return None;
    }
    let known: Vec<_> = ports
        .iter()
        .map(|(name, number)| {
            if name.is_empty() {
                number.to_string()
            } else {
                format!("{number} ({})", clean(name))
            }
        })
        .collect();
    let (object, workload) = (backing.object(), scene.workload(pod));
    let known_words = if known.is_empty() { "none".into() } else { list(&known) };
    let finding = Finding::new(
        DIAGNOSIS.id,
        &object,
        format!(
            "port {port} of {object} leads to port {written} of its pods, and the pods of {workload} have {known_words}"
        ),
    )
    .weighing(if named || refused() {
        Weight::Critical
    } else {
        Weight::Warning
    })
    .shown(Directness::Compared)
    .because([
        scene.field(
            Source::Services,
            &object,
            &format!("spec.ports[{port}].targetPort"),
            &written,
        ),
        scene.field(Source::Pods, pod.object(), "ports of its containers", &known_words),
    ])
    .because(scene.endpoints_evidence(backing))
    .not(
        "the selector is wrong",
        format!("{} pods are selected", backing.pods.len()),
    );
    let index = backing
        .service
        .spec
        .ports
        .iter()
        .position(|it| it.port == port)
        .unwrap_or_default();
    Some(match ports.first() {
        Some((_, number)) => finding.mend(format!(
            "kubectl patch {object} -n {} --type=json -p '[{{\"op\":\"replace\",\"path\":\"/spec/ports/{index}/targetPort\",\"value\":{number}}}]'",
            scene.namespace()
        )),
        None => finding.mend(format!("kubectl edit {object} -n {}", scene.namespace())),
    })
}

/// Whether the kubelet asks a container at a port, so that something listens there.
fn probes(container: &Container, number: u16) -> bool {
    let probes = [
        &container.readiness_probe,
        &container.liveness_probe,
        &container.startup_probe,
    ];
    probes.into_iter().flatten().any(|probe| {
        let http = probe.http_get.as_ref().map(|it| &it.port);
        let tcp = probe.tcp_socket.as_ref().map(|it| &it.port);
        http.or(tcp) == Some(&Port::Number(number))
    })
}
