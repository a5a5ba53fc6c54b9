//! A pod is configured with the name of a host that does not exist.

use std::collections::BTreeMap;

use crate::{
    diagnoses::{
        Diagnosis, Directness, Finding, Topic,
        scene::{Manner, Refusal, Scene, clean, distance},
    },
    snapshot::{Pod, Source, Unreadable},
};

pub(in crate::diagnoses) const DIAGNOSIS: Diagnosis = Diagnosis {
    id: "dependency-host-unknown",
    topic: Topic::Network,
    symptom: "Pods exit or stay unready, and their logs complain that a host is unknown",
    cause: "The configuration names a host that does not exist: no service here has that name",
    reads: &[
        Source::Pods,
        Source::ReplicaSets,
        Source::Jobs,
        Source::Logs,
        Source::Services,
        Source::EndpointSlices,
        Source::Secrets,
        Source::ConfigMaps,
        Source::NetworkPolicies,
        Source::Namespaces,
    ],
    look,
};

fn look<'a>(scene: &Scene<'a>) -> Result<Vec<Finding>, Unreadable> {
    scene.ask_dependencies();
    let _ = (scene.snapshot.network_policies(), scene.snapshot.namespaces());
    let mut unknown: BTreeMap<(String, String), Vec<(&Pod, Refusal<'a>)>> = BTreeMap::new();
    for pod in scene.current()?.iter().copied().filter(|pod| !pod.is_ready()) {
        let complaints = scene
            .refusals(pod)
            .into_iter()
            .filter(|it| it.manner == Manner::Unknown && it.service.is_none());
        // Where nobody may be asked, the name is not what is wrong.
        if matches!(scene.barrier_to_names(pod), Ok(Some(_))) {
            continue;
        }
        for refusal in complaints {
            let host = refusal.target.as_ref().map(|target| target.host.clone());
            if let Some(host) = host.filter(|host| scene.namesake(host).is_none()) {
                unknown
                    .entry((scene.workload(pod), host))
                    .or_default()
                    .push((pod, refusal));
            }
        }
    }
    Ok(unknown
        .into_iter()
        .map(|((workload, host), seen)| finding(scene, &workload, &host, &seen))
        .collect())
}

fn finding<'a>(scene: &Scene<'a>, workload: &str, host: &str, seen: &[(&'a Pod, Refusal<'a>)]) -> Finding {
    let (pod, _) = &seen[0];
    let host = clean(host);
    let first = host.split('.').next().unwrap_or(&host);
    let services = scene.backings().into_iter().flat_map(BTreeMap::keys);
    let near = services
        .map(|name| (distance(name, first), *name))
        .filter(|(apart, name)| *apart <= 2.max(name.len() / 4))
        .min()
        .map(|(_, name)| name);
    let place = scene
        .addresses(&pod.spec)
        .into_iter()
        .find(|(target, _)| target.host == host)
        .map(|(_, place)| place);
    let written = place.as_ref().map_or(String::new(), |place| format!(" (in {place})"));
    let hint = near.map_or(String::new(), |near| format!("; service/{near} comes nearest"));
    let is_local = !host.contains('.') || host.contains(".svc");
    let what = if is_local {
        "no service here has that name"
    } else {
        "that name does not resolve"
    };
    let mut finding = Finding::new(
        DIAGNOSIS.id,
        workload,
        format!("{workload} asks for the host `{host}`{written}, and {what}{hint}"),
    )
    .shown(Directness::Said)
    .explaining(seen.iter().map(|(pod, _)| pod.object()))
    .because(
        seen.iter()
            .take(3)
            .map(|(pod, refusal)| scene.log_line(pod, refusal.container, refusal.previous, refusal.line)),
    )
    .not("the dependency is down", "its name could not even be resolved");
    if scene.snapshot.services().is_ok() && is_local {
        finding = finding.because([scene.field(
            Source::Services,
            format!("service/{first}"),
            "metadata.name",
            "not found",
        )]);
    }
    finding
        .mend(match place.as_deref().and_then(|place| place.split_once(" key ")) {
            Some((object, _)) => format!("kubectl edit {object} -n {}", scene.namespace()),
            None => format!("kubectl edit {workload} -n {}", scene.namespace()),
        })
        .mend(format!("kubectl get services -n {}", scene.namespace()))
}
