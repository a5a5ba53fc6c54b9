//! The cache may grow beyond what its container may use.

use crate::{
    diagnoses::{
        Diagnosis, Directness, Finding, Topic, Weight,
        scene::{
            Scene,
            figures::number,
            servers::{CACHE, Server, container_of, state_of},
            sized,
        },
    },
    signatures::Family,
    snapshot::{Quantity, Source, Unreadable, sessions::Redis},
};

pub(in crate::diagnoses) const DIAGNOSIS: Diagnosis = Diagnosis {
    id: "cache-memory-unbounded",
    topic: Topic::Database,
    symptom: "The cache is killed for memory now and then, often while it saves",
    cause: "`maxmemory` is not set, or leaves no room to fork below the container's limit",
    reads: CACHE,
    look,
};

/// Largest share of the limit in hundredths: a save forks, and pages that change meanwhile are copied
/// (<https://redis.io/docs/latest/operate/oss_and_stack/management/admin/>, "Memory").
const SHARE: i64 = 75;

fn look(scene: &Scene<'_>) -> Result<Vec<Finding>, Unreadable> {
    let Some(server) = scene.cache()? else {
        return Ok(Vec::new());
    };
    let limit = server
        .pod
        .and_then(|pod| {
            container_of(pod, Family::Redis)?
                .resources
                .limits
                .get("memory")
                .and_then(Quantity::units)
        })
        .and_then(|limit| i64::try_from(limit).ok());
    Ok(match (number(server.facts, "maxmemory"), limit) {
        (Some(maximum), Some(limit)) if maximum == 0 || maximum > limit / 100 * SHARE => {
            vec![finding(scene, &server, maximum, limit)]
        }
        _ => Vec::new(),
    })
}

fn finding<'a>(scene: &Scene<'a>, server: &Server<'a, Redis>, maximum: i64, limit: i64) -> Finding {
    let object = &server.object;
    let what = match maximum {
        0 => "has no maxmemory".into(),
        set => format!("has maxmemory {}", sized(set)),
    };
    let most = limit / 100 * 60 / 1_048_576;
    let pod = server.pod.map_or_else(|| object.clone(), crate::snapshot::Pod::object);
    Finding::new(
        DIAGNOSIS.id,
        object,
        format!(
            "{object} {what}, and its container is killed at {}: nothing keeps it below, and a save needs room to fork (three quarters of the limit at most)",
            sized(limit)
        ),
    )
    .weighing(Weight::Warning)
    .shown(Directness::Compared)
    .following([pod.clone(), state_of("memory", object)])
    .because([
        scene.told(server, "maxmemory", maximum),
        scene.field(Source::Pods, pod, "resources.limits.memory", limit),
    ])
    .because(number(server.facts, "used_memory").map(|used| scene.told(server, "used_memory", used)))
    .not("it is full now", "it takes writes")
    .mend(scene.redis_cli(server.pod, &format!("CONFIG SET maxmemory {most}mb")))
    .mend("Set the same in its configuration, with a policy that suits its keys")
}
