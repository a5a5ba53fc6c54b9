//! A pod cannot work because something it depends on refuses it or does not answer.

use std::collections::BTreeMap;

use crate::{
    diagnoses::{
        Diagnosis, Directness, Finding, Topic,
        scene::{Backing, Manner, Refusal, Scene, list, trouble},
    },
    snapshot::{Pod, Source, Unreadable, condition},
};

pub(in crate::diagnoses) const DIAGNOSIS: Diagnosis = Diagnosis {
    id: "dependency-refused",
    topic: Topic::Network,
    symptom: "Pods exit or stay unready, and their logs complain of a connection",
    cause: "Something that the pod depends on refuses connections or does not answer",
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
    let mut complaints: BTreeMap<(String, String), Vec<(&Pod, Refusal<'a>)>> = BTreeMap::new();
    for pod in scene.current()?.iter().copied().filter(|pod| !pod.is_ready()) {
        for refusal in scene
            .refusals(pod)
            .into_iter()
            .filter(|it| it.manner != Manner::Unknown)
        {
            let whom = refusal
                .service
                .map(|name| format!("service/{name}"))
                .or(refusal.target.as_ref().map(ToString::to_string));
            complaints
                .entry((scene.workload(pod), whom.unwrap_or_default()))
                .or_default()
                .push((pod, refusal));
        }
    }
    let findings = complaints
        .into_iter()
        .filter_map(|((workload, _), seen)| finding(scene, &workload, &seen));
    Ok(findings.collect())
}

fn finding<'a>(scene: &Scene<'a>, workload: &str, seen: &[(&'a Pod, Refusal<'a>)]) -> Option<Finding> {
    let (pod, refusal) = &seen[0];
    let backing = refusal.service.and_then(|name| scene.backing(name).ok().flatten());
    let finding = match backing {
        Some(backing) if backing.is_down() => nobody_behind(scene, workload, backing)?,
        Some(backing) => refused_by_ready(scene, workload, pod, refusal, backing)?,
        None => refused_elsewhere(scene, workload, pod, refusal)?,
    };
    let lines = seen
        .iter()
        .take(3)
        .map(|(pod, refusal)| scene.log_line(pod, refusal.container, refusal.previous, refusal.line));
    let explained = seen.iter().map(|(pod, _)| pod.object());
    Some(finding.explaining(explained).because(lines).not(
        "the application itself is broken",
        "its log names the connection as the reason",
    ))
}

/// The service has nobody behind it: whatever keeps its pods away is the cause.
fn nobody_behind<'a>(scene: &Scene<'a>, workload: &str, backing: &Backing<'a>) -> Option<Finding> {
    // Pods that are starting may be ready in a moment, and then this is over.
    let starting = !backing.pods.is_empty() && backing.pods.iter().all(|pod| trouble(pod, scene.now()).is_none());
    if starting {
        return None;
    }
    let object = backing.object();
    let what = if backing.pods.is_empty() {
        "it has no pods"
    } else {
        "none of its pods is ready"
    };
    Some(
        Finding::new(
            DIAGNOSIS.id,
            &object,
            format!("{workload} needs {object}, and nothing answers there: {what}"),
        )
        .shown(Directness::Compared)
        .following([object.clone()])
        .because(scene.endpoints_evidence(backing))
        .mend(format!(
            "kubectl get endpointslices -n {} -l kubernetes.io/service-name={}",
            scene.namespace(),
            backing.service.metadata.name
        ))
        .mend(format!("kubectl describe {object} -n {}", scene.namespace())),
    )
}

/// The service is well: the port may be wrong, or something stands between.
fn refused_by_ready<'a>(
    scene: &Scene<'a>,
    workload: &str,
    pod: &'a Pod,
    refusal: &Refusal<'a>,
    backing: &Backing<'a>,
) -> Option<Finding> {
    let object = backing.object();
    let port = refusal.target.as_ref().map_or(0, |target| target.port);
    let ports: Vec<String> = backing
        .service
        .spec
        .ports
        .iter()
        .map(|it| it.port.to_string())
        .collect();
    if port != 0 && !ports.contains(&port.to_string()) {
        return Some(
            Finding::new(
                DIAGNOSIS.id,
                workload,
                format!(
                    "{workload} asks port {port} of {object}, which has only {}",
                    list(&ports)
                ),
            )
            .shown(Directness::Compared)
            .because([scene.field(Source::Services, &object, "spec.ports", ports.join(", "))])
            .mend(format!("kubectl edit {workload} -n {}", scene.namespace()))
            .mend(format!(
                "Correct the port of {} in its configuration",
                backing.service.metadata.name
            )),
        );
    }
    if matches!(scene.barrier(pod, backing, port), Ok(Some(_))) {
        return None;
    }
    // The complaint may be of the time before the service was ready: then the next start will do.
    trouble(pod, scene.now())?;
    let ready_since = backing
        .pods
        .iter()
        .filter(|it| it.is_ready())
        .filter_map(|it| condition(&it.status.conditions, "Ready")?.last_transition_time)
        .min();
    let ended = pod
        .statuses()
        .filter_map(|status| {
            status
                .state
                .terminated
                .as_ref()
                .or(status.last_state.terminated.as_ref())?
                .finished_at
        })
        .max();
    if matches!((ready_since, ended), (Some(ready), Some(ended)) if ended < ready) {
        return None;
    }
    let how = if refusal.manner == Manner::Refused {
        "refuses it"
    } else {
        "does not answer it"
    };
    Some(
        Finding::new(DIAGNOSIS.id, &object, format!("{object} {how} although {} of its endpoints are ready: its targetPort or a NetworkPolicy stands in the way of {workload}", backing.ready))
            .shown(Directness::Inferred)
            .because(scene.endpoints_evidence(backing))
            .mend(format!("kubectl get {object} -n {} -o jsonpath='{{.spec.ports}}'", scene.namespace()))
            .mend(format!("kubectl get networkpolicies -n {}", scene.namespace())),
    )
}

/// Something outside this namespace, or of which only the complaint is known.
fn refused_elsewhere<'a>(scene: &Scene<'a>, workload: &str, pod: &'a Pod, refusal: &Refusal<'a>) -> Option<Finding> {
    trouble(pod, scene.now())?;
    // Who is sent to another namespace is told so.
    let is_astray = |host: &str| scene.namesake(host).is_some();
    if refusal.target.as_ref().is_some_and(|target| is_astray(&target.host)) {
        return None;
    }
    let missing: Vec<String> = scene.missing(pod).iter().map(|backing| backing.object()).collect();
    let how = if refusal.manner == Manner::Refused {
        "refuses its connections"
    } else {
        "does not answer"
    };
    let whom = refusal.target.as_ref().map(|target| format!("`{target}`"));
    Some(
        Finding::new(
            DIAGNOSIS.id,
            workload,
            format!(
                "{workload} does not come up because {} {how}",
                whom.as_deref().unwrap_or("something it depends on")
            ),
        )
        .shown(Directness::Inferred)
        .following(missing)
        .mend(format!(
            "kubectl logs {} -c {} --previous={} -n {}",
            pod.object(),
            refusal.container,
            refusal.previous,
            scene.namespace()
        ))
        .mend(match whom {
            Some(whom) => format!("Check that {whom} is up and that the cluster may reach it"),
            None => "Check each address in its configuration".into(),
        }),
    )
}
