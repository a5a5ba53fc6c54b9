//! The cache is ready for Kubernetes and still loads its data.

use crate::{
    diagnoses::{
        Diagnosis, Directness, Finding, Topic, Weight,
        scene::{
            Scene,
            figures::{number, word},
            servers::{CACHE, Server, container_of},
        },
    },
    signatures::{Answer, Family},
    snapshot::{Unreadable, sessions::Redis},
};

pub(in crate::diagnoses) const DIAGNOSIS: Diagnosis = Diagnosis {
    id: "cache-loading",
    topic: Topic::Database,
    symptom: "The cache answers `LOADING Redis is loading the dataset in memory`",
    cause: "It was restarted and reads its data back, and its probe lets traffic in before that is done",
    reads: CACHE,
    look,
};

fn look(scene: &Scene<'_>) -> Result<Vec<Finding>, Unreadable> {
    let is_loading = |server: &Server<'_, Redis>| {
        server.facts.ping.starts_with("LOADING") || number(server.facts, "loading") == Some(1)
    };
    let server = scene.cache()?.filter(is_loading);
    Ok(server.map(|server| finding(scene, &server)).into_iter().collect())
}

fn finding<'a>(scene: &Scene<'a>, server: &Server<'a, Redis>) -> Finding {
    let (facts, object) = (server.facts, &server.object);
    let eta = number(facts, "loading_eta_seconds");
    let left = eta.map_or(String::new(), |seconds| format!(", for about {seconds} s more"));
    let container = server.pod.and_then(|pod| container_of(pod, Family::Redis));
    let asks = container.is_some_and(|it| it.readiness_probe.as_ref().is_some_and(|probe| probe.exec.is_some()));
    let probe = if asks {
        "its readiness probe passes all the same"
    } else {
        "its readiness probe does not ask Redis itself"
    };
    let finding = server
        .outage(
            scene,
            DIAGNOSIS.id,
            &[Answer::Starting],
            format!("{object} loads its data{left}, and takes no commands meanwhile: {probe}"),
        )
        .shown(Directness::Said)
        .because([scene.told(
            server,
            "PING",
            if facts.ping.is_empty() { "LOADING" } else { &facts.ping },
        )])
        .because(eta.map(|_| scene.told(server, "loading_loaded_perc", word(facts, "loading_loaded_perc"))))
        .not("the server is down", "it answers, and asks for patience");
    let finding = if scene.unready_users(server).is_empty() {
        finding.weighing(Weight::Warning)
    } else {
        finding
    };
    let finding = match container.filter(|_| !asks && object.contains('/') && !object.starts_with("pod/")) {
        Some(container) => finding.mend(format!(
            "kubectl patch {object} -n {} --type=strategic -p '{{\"spec\":{{\"template\":{{\"spec\":{{\"containers\":[{{\"name\":\"{}\",\"readinessProbe\":{{\"tcpSocket\":null,\"httpGet\":null,\"exec\":{{\"command\":[\"sh\",\"-c\",\"[ \\\"$(REDISCLI_AUTH=${{REDISCLI_AUTH:-$REDIS_PASSWORD}} redis-cli ping)\\\" = PONG ]\"]}}}}}}]}}}}}}}}'",
            scene.namespace(),
            container.name
        )),
        None => finding,
    };
    finding.mend("Wait until it has loaded; a smaller data set or a replica that takes over shortens that")
}
