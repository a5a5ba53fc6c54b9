//! The cache's memory is full and it may evict nothing, so it refuses writes.

use crate::diagnoses::scene::figures::number;
use crate::{
    diagnoses::{
        Diagnosis, Finding, Topic,
        scene::{
            Scene,
            servers::{CACHE, Server},
            sized,
        },
    },
    signatures::Answer,
    snapshot::{Unreadable, sessions::Redis},
};

pub(in crate::diagnoses) const DIAGNOSIS: Diagnosis = Diagnosis {
    id: "cache-memory-full",
    topic: Topic::Database,
    symptom: "The cache refuses writes with `OOM command not allowed`",
    cause: "The data has reached `maxmemory`, and the policy evicts nothing",
    reads: CACHE,
    look,
};

fn look(scene: &Scene<'_>) -> Result<Vec<Finding>, Unreadable> {
    let Some(server) = scene.cache()? else {
        return Ok(Vec::new());
    };
    let facts = server.facts;
    let (Some(used), Some(maximum)) = (number(facts, "used_memory"), number(facts, "maxmemory")) else {
        return Ok(Vec::new());
    };
    let policy = facts
        .info
        .get("maxmemory_policy")
        .map(String::as_str)
        .unwrap_or_default();
    let refused = crate::diagnoses::scene::figures::errors(facts, "OOM");
    // A policy for keys with a time to live evicts nothing where no key has one.
    let may_refuse = policy == "noeviction" || (policy.starts_with("volatile-") && refused > 0);
    let is_full = maximum > 0 && used >= maximum - maximum / 20;
    Ok(if is_full && may_refuse {
        vec![finding(scene, &server, used, maximum, policy)]
    } else {
        Vec::new()
    })
}

fn finding<'a>(scene: &Scene<'a>, server: &Server<'a, Redis>, used: i64, maximum: i64, policy: &str) -> Finding {
    let object = &server.object;
    let refused = crate::diagnoses::scene::figures::errors(server.facts, "OOM");
    server
        .outage(
            scene,
            DIAGNOSIS.id,
            &[Answer::MemoryFull],
            format!(
                "{object} refuses writes: its data takes {} of the {} that maxmemory allows, and the policy {policy} evicts nothing",
                sized(used),
                sized(maximum)
            ),
        )
        .because([
            scene.told(server, "used_memory of maxmemory", format!("{used} of {maximum}")),
            scene.told(server, "maxmemory_policy", policy),
            scene.told(server, "errorstat_OOM", refused),
        ])
        .not("the server is down", "it answers, and reads are served")
        .not("the container's limit", "no kill for memory: it is Redis' own maxmemory that is reached")
        .mend(scene.redis_cli(server.pod, "CONFIG SET maxmemory-policy allkeys-lru"))
        .mend("Set the same in its configuration, so that it stays; if no key may go, raise `maxmemory` and the container's limit instead")
}
