//! The service that the application writes through leads to a standby of the database, or of the cache.

use crate::diagnoses::scene::figures::{number, word};
use crate::{
    diagnoses::{
        Diagnosis, Finding, Topic,
        scene::{
            Scene, clean,
            servers::{DATABASE, Server, container_of},
        },
    },
    signatures::Answer,
    snapshot::{Pod, Unreadable},
};

/// PostgreSQL.
pub(in crate::diagnoses) const DIAGNOSIS: Diagnosis = Diagnosis {
    id: "writes-reach-standby",
    topic: Topic::Database,
    symptom: "Writes fail with `cannot execute … in a read-only transaction` (25006)",
    cause: "The address that the application writes to leads to a standby",
    reads: DATABASE,
    look,
};

fn look(scene: &Scene<'_>) -> Result<Vec<Finding>, Unreadable> {
    let Some(server) = scene.database()?.filter(|server| server.facts.in_recovery) else {
        return Ok(Vec::new());
    };
    let primary = other(scene, &server);
    let finding = led_astray(
        scene,
        &server,
        DIAGNOSIS.id,
        primary,
        "is a standby and takes no writes (25006)",
    )
    .because([scene.told(&server, "pg_is_in_recovery()", true)]);
    Ok(vec![match primary {
        Some(_) => finding,
        None => finding.mend(scene.psql(server.pod, "postgres", "select pg_promote()")),
    }])
}

/// The same of Redis.
pub(super) fn of_cache(scene: &Scene<'_>, id: &'static str) -> Result<Vec<Finding>, Unreadable> {
    let is_replica = |server: &Server<'_, crate::snapshot::sessions::Redis>| {
        word(server.facts, "role") == "slave" && number(server.facts, "slave_read_only") != Some(0)
    };
    let Some(server) = scene.cache()?.filter(is_replica) else {
        return Ok(Vec::new());
    };
    let host = word(server.facts, "master_host");
    let pods = scene.current()?;
    let first = host.split('.').next().unwrap_or_default();
    let master = pods
        .iter()
        .copied()
        .find(|pod| pod.is_at(host) || pod.metadata.name == first);
    let link = word(server.facts, "master_link_status");
    let finding = led_astray(
        scene,
        &server,
        id,
        master,
        "is a replica and takes no writes (READONLY)",
    )
    .because([
        scene.told(&server, "role", "slave"),
        scene.told(&server, "master_host", format!("{host}, link {link}")),
    ]);
    Ok(vec![match master {
        Some(_) => finding,
        None => finding.mend(format!(
            "Lead the service to the master, which is at {}, or promote this server: `REPLICAOF NO ONE`",
            clean(host)
        )),
    }])
}

fn led_astray<'a, T>(
    scene: &Scene<'a>,
    server: &Server<'a, T>,
    id: &'static str,
    right: Option<&'a Pod>,
    what: &str,
) -> Finding {
    let here = server.pod.map_or_else(|| server.object.clone(), Pod::object);
    // Where several services lead there, the one that somebody uses.
    let service = server
        .services
        .iter()
        .find(|service| !scene.dependents(service).is_empty());
    let service = service.or(server.services.first());
    let fault = service.map_or_else(|| server.object.clone(), |service| format!("service/{service}"));
    let right_one = right.map_or(String::new(), |pod| format!("; {} is the one that does", pod.object()));
    let mut finding = server
        .outage(
            scene,
            id,
            &[Answer::ReadOnly],
            format!("{fault} leads writes to {here}, which {what}{right_one}"),
        )
        .not("the server is down", "it answers, and reads are served");
    finding.object.clone_from(&fault);
    let patch = right.and_then(|right| selector_patch(scene, service?, server.pod?, right));
    match patch {
        Some(patch) => finding.mend(format!(
            "kubectl patch {fault} -n {} --type=merge -p '{{\"spec\":{{\"selector\":{{{patch}}}}}}}'",
            scene.namespace()
        )),
        None => finding.mend(format!("kubectl get pods -n {} --show-labels", scene.namespace())),
    }
}

/// What makes a selector lead to another pod alone: the labels in which the two differ, else the pod's own name.
fn selector_patch(scene: &Scene<'_>, service: &str, wrong: &Pod, right: &Pod) -> Option<String> {
    const NAME: &str = "statefulset.kubernetes.io/pod-name";
    let selector = &scene.backing(service).ok()??.service.spec.selector;
    let differing = selector
        .keys()
        .filter_map(|key| Some((key.as_str(), right.metadata.labels.get(key)?)))
        .filter(|(key, value)| wrong.metadata.labels.get(*key) != Some(*value));
    let mut pairs: Vec<_> = differing.collect();
    if pairs.is_empty() {
        pairs.extend(right.metadata.labels.get(NAME).map(|name| (NAME, name)));
    }
    let is_safe = |text: &str| !text.contains(['\'', '"', '\\']);
    let safe = pairs.iter().all(|(key, value)| is_safe(key) && is_safe(value));
    let written: Vec<_> = pairs
        .iter()
        .map(|(key, value)| format!("\"{key}\":\"{value}\""))
        .collect();
    (safe && !written.is_empty()).then(|| written.join(","))
}

/// The one other server of the family, which then is the primary.
fn other<'a, T>(scene: &Scene<'a>, server: &Server<'a, T>) -> Option<&'a Pod> {
    let own = server.pod.map(|pod| &pod.metadata.name);
    let pods = scene.current().unwrap_or_default().iter().copied();
    let mut others = pods
        .filter(|pod| pod.is_ready() && Some(&pod.metadata.name) != own && container_of(pod, server.family).is_some());
    others.next().filter(|_| others.next().is_none())
}
