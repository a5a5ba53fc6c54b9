//! Commands hold the whole cache up, since it does one after the other.

use std::collections::BTreeMap;

use jiff::SignedDuration;

use crate::{
    diagnoses::{
        Diagnosis, Directness, Finding, Topic, Weight,
        scene::{
            Scene,
            servers::{CACHE, Server},
            since,
        },
    },
    snapshot::{
        Unreadable,
        sessions::{Redis, SlowCommand},
    },
};

pub(in crate::diagnoses) const DIAGNOSIS: Diagnosis = Diagnosis {
    id: "cache-commands-slow",
    topic: Topic::Database,
    symptom: "Every request to the cache is slow now and then",
    cause: "A command that reads everything, or a very large key, holds all other commands up",
    reads: CACHE,
    look,
};

/// Entries older than this are of the past, faster ones hold nobody up, and fewer are an accident.
const FRESH: SignedDuration = SignedDuration::from_mins(10);
const SLOW: i64 = 100_000;
const OFTEN: usize = 3;
/// What takes the same short time whatever the data: such a command was held up by its machine, and holds up nobody.
const CONSTANT: &[&str] = &[
    "ACL",
    "AUTH",
    "BGSAVE",
    "CLIENT",
    "COMMAND",
    "CONFIG",
    "EXISTS",
    "EXPIRE",
    "GET",
    "HELLO",
    "HGET",
    "HSET",
    "INCR",
    "INFO",
    "LPOP",
    "LPUSH",
    "PING",
    "PSETEX",
    "PSYNC",
    "PUBLISH",
    "REPLCONF",
    "ROLE",
    "RPOP",
    "RPUSH",
    "SADD",
    "SELECT",
    "SENTINEL",
    "SET",
    "SETEX",
    "SLOWLOG",
    "SUBSCRIBE",
    "TTL",
];
/// One that took so long is told alone.
const VERY_SLOW: i64 = 1_000_000;

fn look(scene: &Scene<'_>) -> Result<Vec<Finding>, Unreadable> {
    let Some(server) = scene.cache()? else {
        return Ok(Vec::new());
    };
    let mut by_command: BTreeMap<&str, Vec<&SlowCommand>> = BTreeMap::new();
    let fresh = |entry: &&SlowCommand| entry.at.is_some() && since(entry.at, scene.now()) < FRESH;
    for entry in server
        .facts
        .slow
        .iter()
        .filter(fresh)
        .filter(|entry| entry.microseconds >= SLOW && !CONSTANT.contains(&entry.command.as_str()))
    {
        by_command.entry(&entry.command).or_default().push(entry);
    }
    let total = |entries: &[&SlowCommand]| entries.iter().map(|entry| entry.microseconds).sum::<i64>();
    let worst = by_command
        .into_iter()
        .filter(|(_, entries)| entries.len() >= OFTEN || total(entries) >= VERY_SLOW)
        .max_by_key(|(_, entries)| total(entries));
    Ok(worst
        .map(|(command, entries)| finding(scene, &server, command, &entries))
        .into_iter()
        .collect())
}

fn finding<'a>(scene: &Scene<'a>, server: &Server<'a, Redis>, command: &str, entries: &[&SlowCommand]) -> Finding {
    let object = &server.object;
    let longest = entries.iter().map(|entry| entry.microseconds).max().unwrap_or(0) / 1000;
    let times = match entries.len() {
        1 => "once".into(),
        count => format!("{count} times"),
    };
    let instead = match command {
        "KEYS" => "Use `SCAN` instead of `KEYS`",
        "HGETALL" | "HKEYS" | "HVALS" => "Use `HSCAN`, or split the hash",
        "SMEMBERS" | "SUNION" | "SINTER" => "Use `SSCAN`, or split the set",
        "LRANGE" | "ZRANGE" | "SORT" => "Ask for a part, not for the whole key",
        "FLUSHALL" | "FLUSHDB" => "Use its `ASYNC` form",
        "DEL" => "Use `UNLINK`, which frees large keys beside",
        "EVAL" | "EVALSHA" | "FCALL" => "Make the script do less at a time",
        _ => "Split the key, or ask for less at a time",
    };
    Finding::new(
        DIAGNOSIS.id,
        object,
        format!("{command} held up everybody on {object} {times} in the last 10 min, for {longest} ms at the longest: Redis does one command after the other"),
    )
    .weighing(Weight::Warning)
    .shown(Directness::Said)
    .because(entries.iter().take(3).map(|entry| {
        let at = entry.at.map_or_else(String::new, |at| format!(" at {at}"));
        scene.told(server, "SLOWLOG", format!("{command} took {} ms{at}", entry.microseconds / 1000))
    }))
    .not("the network", "the slow log counts the time within the server alone")
    .mend(instead)
    .mend(scene.redis_cli(server.pod, "SLOWLOG GET 10"))
}
