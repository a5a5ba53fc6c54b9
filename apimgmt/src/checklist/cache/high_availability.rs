//! Sentinel has a quorum and one opinion.

use std::collections::BTreeSet;

use crate::{
    checklist::{
        Item, Phase, Severity, Stage, Verdict,
        clauses::{Clauses, counted},
    },
    snapshot::{
        Snapshot, Source, Unreadable,
        sessions::{RedisReplica, Sentinel},
    },
    values::ExpectedSentinel,
};

/// The item.
pub const ITEM: Item = Item {
    id: "cache/high-availability",
    title: "Sentinel has a quorum and one opinion",
    stage: Stage::Pre,
    phase: Phase::Cache,
    severity: Severity::Blocking,
    why: "Without a quorum nobody takes over when the master dies.",
    fix: "Restart the Sentinel that is named and look at its log.",
    reads: &[Source::Redis, Source::Expectations],
    judge,
};

/// Bytes of the replication log that a replica may be behind and still follow without a full copy: the default of
/// `repl-backlog-size` (<https://redis.io/docs/latest/operate/oss_and_stack/management/replication/>).
const BACKLOG: i64 = 1 << 20;

fn judge(snapshot: &Snapshot) -> Result<Verdict, Unreadable> {
    let cache = &snapshot.expectations()?.cache;
    match cache.mode.as_str() {
        "standalone" => {
            return Ok(Verdict::skipped(
                "the cache is declared standalone (`checklist.cache.mode`)",
            ));
        }
        "sentinel" => {}
        other => {
            return Ok(Verdict::unknown(format!(
                "the mode `{other}` of `checklist.cache.mode` is not judged: `standalone` and `sentinel` are"
            )));
        }
    }
    let expected = &cache.sentinel;
    let mut row = Clauses::on(snapshot);
    let Some(redis) = snapshot.redis()? else {
        return Ok(Verdict::unknown(
            "no workload plays the cache, and `checklist.roles.cache` declares none",
        ));
    };
    let answering: Vec<&Sentinel> = redis
        .sentinels
        .iter()
        .filter(|sentinel| sentinel.error.is_none())
        .collect();
    row.moving(
        Source::Redis,
        format!("service/{}", expected.service),
        "Sentinels",
        format!(
            "{} of {} answer",
            answering.len(),
            counted(redis.sentinels.len(), "ready pod")
        ),
    );
    // Whatever is declared, nobody watches where there is none.
    let minimum = expected.minimum.max(1);
    if redis.sentinels.len() < minimum {
        row.breach(format!(
            "{} behind service/{}, {minimum} are declared",
            counted(redis.sentinels.len(), "ready Sentinel"),
            expected.service,
        ));
    }
    for sentinel in &redis.sentinels {
        match &sentinel.error {
            Some(error) => row.unseen(format!("{} could not be asked: {error}", sentinel.object)),
            None => quorum(&mut row, sentinel, expected),
        }
    }
    agreement(&mut row, &answering, expected);
    let master = answering
        .first()
        .map(|sentinel| sentinel.master.clone())
        .unwrap_or_default();
    Ok(row.verdict(format!(
        "{} agree on the master {master}, the quorum is reachable",
        counted(answering.len(), "Sentinel")
    )))
}

fn quorum(row: &mut Clauses<'_>, sentinel: &Sentinel, expected: &ExpectedSentinel) {
    let object = sentinel.object.as_str();
    row.moving(Source::Redis, object, "SENTINEL CKQUORUM", &sentinel.quorum_check);
    if !sentinel.quorum_check.starts_with("OK") {
        row.breach(format!("{object} has no quorum: {}", sentinel.quorum_check));
    }
    match (sentinel.quorum, sentinel.other_sentinels) {
        (Some(quorum), Some(others)) => {
            row.stable(Source::Redis, object, "quorum", quorum);
            let known = usize::try_from(others + 1).unwrap_or_default();
            if known < expected.minimum {
                row.breach(format!(
                    "{object} knows {known} Sentinels, {} are declared",
                    expected.minimum
                ));
            }
        }
        _ => row.unseen(format!("{object} did not tell its quorum and its peers")),
    }
    for flag in ["s_down", "o_down"] {
        if has(&sentinel.master_flags, flag) {
            row.breach(format!("{object} sees the master {} as `{flag}`", sentinel.master));
        }
    }
    let in_sync = in_sync(&sentinel.replicas);
    row.moving(
        Source::Redis,
        object,
        "replicas in sync",
        format!("{} of {}", in_sync.len(), sentinel.replicas.len()),
    );
    if in_sync.len() < expected.replicas {
        let out = sentinel.replicas.iter().find(|replica| !in_sync.contains(replica));
        let which = out.map_or_else(String::new, |replica| {
            format!(
                ": {} is `{}`, link `{}`",
                replica.address, replica.flags, replica.master_link
            )
        });
        row.breach(format!(
            "{object} sees {} of {} in sync{which}",
            in_sync.len(),
            counted(expected.replicas, "replica")
        ));
    }
}

/// Replicas that are linked to the master and not further behind than a partial copy reaches.
fn in_sync(replicas: &[RedisReplica]) -> Vec<&RedisReplica> {
    let newest = replicas.iter().map(|replica| replica.offset).max().unwrap_or_default();
    replicas
        .iter()
        .filter(|replica| replica.master_link == "ok" && newest - replica.offset <= BACKLOG)
        .filter(|replica| {
            !["s_down", "o_down", "disconnected"]
                .iter()
                .any(|flag| has(&replica.flags, flag))
        })
        .collect()
}

fn has(flags: &str, flag: &str) -> bool {
    flags.split(',').any(|known| known == flag)
}

fn agreement(row: &mut Clauses<'_>, answering: &[&Sentinel], expected: &ExpectedSentinel) {
    let masters: BTreeSet<&str> = answering.iter().map(|sentinel| sentinel.master.as_str()).collect();
    let named = masters.iter().copied().collect::<Vec<_>>().join(", ");
    row.moving(
        Source::Redis,
        format!("master/{}", expected.master),
        "address, by all Sentinels",
        if named.is_empty() { "none" } else { &named },
    );
    if masters.len() > 1 {
        row.breach(format!(
            "the Sentinels disagree on the master `{}`: {named}",
            expected.master
        ));
    }
}
