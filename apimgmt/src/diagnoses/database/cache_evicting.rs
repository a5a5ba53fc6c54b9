//! The cache throws keys away that are asked for again.

use crate::{
    diagnoses::{
        Diagnosis, Directness, Finding, Topic, Weight,
        scene::{
            Scene,
            figures::{number, word},
            servers::{CACHE, Server},
            sized,
        },
    },
    snapshot::{Unreadable, sessions::Redis},
};

pub(in crate::diagnoses) const DIAGNOSIS: Diagnosis = Diagnosis {
    id: "cache-evicting",
    topic: Topic::Database,
    symptom: "Most reads of the cache miss, and what is behind it is asked instead",
    cause: "The cache is too small for what is used, so that it evicts what is asked for next",
    reads: CACHE,
    look,
};

/// Evictions by the second that are more than an old key now and then, and reads below which a ratio tells nothing.
const STORM: i64 = 1;
const READS: i64 = 1_000;

fn look(scene: &Scene<'_>) -> Result<Vec<Finding>, Unreadable> {
    let Some(server) = scene.cache()? else {
        return Ok(Vec::new());
    };
    let facts = server.facts;
    let figure = |name: &str| number(facts, name).unwrap_or(0);
    let (used, maximum, evicted) = (figure("used_memory"), figure("maxmemory"), figure("evicted_keys"));
    let (hits, misses) = (figure("keyspace_hits"), figure("keyspace_misses"));
    let goes_on = match facts.reads.as_slice() {
        [first, .., last] => last.evicted > first.evicted,
        _ => false,
    };
    let per_second = evicted / figure("uptime_in_seconds").max(1);
    let is_full = maximum > 0 && used >= maximum / 10 * 9;
    let misses_most = hits + misses >= READS && hits < misses;
    Ok(if is_full && misses_most && (goes_on || per_second >= STORM) {
        vec![finding(scene, &server, (used, maximum), evicted, (hits, misses))]
    } else {
        Vec::new()
    })
}

fn finding<'a>(
    scene: &Scene<'a>,
    server: &Server<'a, Redis>,
    (used, maximum): (i64, i64),
    evicted: i64,
    (hits, misses): (i64, i64),
) -> Finding {
    let object = &server.object;
    let ratio = hits * 100 / (hits + misses).max(1);
    let double = (maximum * 2).max(1_048_576) / 1_048_576;
    Finding::new(
        DIAGNOSIS.id,
        object,
        format!(
            "{object} has evicted {evicted} keys at maxmemory {}, and only {ratio} % of its reads find their key: it is too small for what is used",
            sized(maximum)
        ),
    )
    .weighing(Weight::Warning)
    .shown(Directness::Compared)
    .because([
        scene.told(server, "evicted_keys", evicted),
        scene.told(server, "keyspace_hits and keyspace_misses", format!("{hits} and {misses}")),
        scene.told(server, "used_memory of maxmemory", format!("{used} of {maximum}")),
        scene.told(server, "maxmemory_policy", word(server.facts, "maxmemory_policy")),
    ])
    .not("a cold start", "keys are thrown away for want of room, and it is full")
    .mend(scene.redis_cli(server.pod, &format!("CONFIG SET maxmemory {double}mb")))
    .mend("Raise the container's limit with it (a third more than maxmemory at least), or give keys a time to live")
}
