//! The cache answers nine of ten reads.

#![expect(clippy::cast_precision_loss, reason = "amounts are compared and shown, not counted")]

use crate::{
    checklist::{Item, Phase, Severity, Stage, Verdict, clauses::Clauses},
    snapshot::{
        Snapshot, Source, Unreadable,
        sessions::{Prometheus, Redis},
    },
    values::ExpectedPerformance,
};

/// The item.
pub const ITEM: Item = Item {
    id: "performance/cache-hit-rate",
    title: "The cache answers nine of ten reads",
    stage: Stage::Post,
    phase: Phase::Application,
    severity: Severity::Advisory,
    why: "Below that the database does the cache's work.",
    fix: "Look at keys without a time to live and at `redis.maxmemory`.",
    reads: &[Source::Prometheus, Source::Redis, Source::Expectations],
    judge,
};

/// Hits and misses between two readings.
struct Between {
    hits: f64,
    misses: f64,
    /// Over which time, in words.
    over: String,
}

fn judge(snapshot: &Snapshot) -> Result<Verdict, Unreadable> {
    let expected = &snapshot.expectations()?.performance;
    let mut row = Clauses::on(snapshot);
    let by_exporter = match snapshot.prometheus() {
        Ok(prometheus) => prometheus
            .as_ref()
            .and_then(|told| of_exporter(&mut row, told, expected)),
        // The server's own counters may still tell.
        Err(_) => None,
    };
    if let Some(between) = by_exporter.filter(|between| tells(between, expected)) {
        return Ok(verdict(row, &between, expected));
    }
    match row.read(snapshot.redis()) {
        Some(Some(redis)) => match of_session(&mut row, redis) {
            Some(between) if tells(&between, expected) => return Ok(verdict(row, &between, expected)),
            Some(between) => row.unseen(format!(
                "too little traffic: {} reads of the cache {}, {} would tell",
                between.hits + between.misses,
                between.over,
                expected.minimum_cache_reads
            )),
            None if redis.unasked().is_some() => row.unseen(format!(
                "{} was not asked: {}",
                redis.object,
                redis.unasked().unwrap_or_default()
            )),
            None => row.unseen(format!("{} did not tell its hits and misses twice", redis.object)),
        },
        Some(None) => row.unseen("no workload plays the cache, and `checklist.roles.cache` declares none"),
        None => {}
    }
    Ok(row.verdict(""))
}

fn tells(between: &Between, expected: &ExpectedPerformance) -> bool {
    between.hits + between.misses >= expected.minimum_cache_reads as f64
}

fn verdict(mut row: Clauses<'_>, between: &Between, expected: &ExpectedPerformance) -> Verdict {
    let rate = between.hits / (between.hits + between.misses);
    let told = format!(
        "{:.1} % of {:.0} reads {} were hits",
        rate * 100.0,
        between.hits + between.misses,
        between.over
    );
    if rate < expected.cache_hit_rate {
        row.breach(format!("{told}, less than {:.0} %", expected.cache_hit_rate * 100.0));
    }
    row.verdict(told)
}

fn of_exporter(row: &mut Clauses<'_>, prometheus: &Prometheus, expected: &ExpectedPerformance) -> Option<Between> {
    let (hits, misses) = (prometheus.exporters.cache_hits?, prometheus.exporters.cache_misses?);
    row.moving(
        Source::Prometheus,
        &prometheus.object,
        "increase of redis_keyspace_hits_total and _misses_total",
        format!("{hits:.0} hits, {misses:.0} misses in {}", expected.window),
    );
    Some(Between {
        hits,
        misses,
        over: format!("in {}", expected.window),
    })
}

/// Two readings of INFO in one session; a server that restarted between them counts from zero, and tells nothing.
fn of_session(row: &mut Clauses<'_>, redis: &Redis) -> Option<Between> {
    let (first, last) = (redis.reads.first()?, redis.reads.last()?);
    let seconds = last.at?.duration_since(first.at?).as_secs_f64();
    let (hits, misses) = (
        last.hits.checked_sub(first.hits)?,
        last.misses.checked_sub(first.misses)?,
    );
    if redis.reads.len() < 2 {
        return None;
    }
    row.moving(
        Source::Redis,
        &redis.object,
        "keyspace_hits and keyspace_misses",
        format!("{hits} hits, {misses} misses in {seconds:.1} s"),
    );
    Some(Between {
        hits: hits as f64,
        misses: misses as f64,
        over: format!("in {seconds:.1} s"),
    })
}
