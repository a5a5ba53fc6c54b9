//! What the exporters of PostgreSQL and Redis told: whether they reach their servers, and counts over the window.

use super::{
    super::{Run, caller::Caller, trouble::Trouble},
    Samples,
};
use crate::{
    snapshot::{Why, sessions::Exporters},
    values::Expectations,
};

impl Run {
    /// Asks for each value alone: one that is not there says nothing of the others.
    pub(super) async fn exporters(
        &self,
        prometheus: &Caller<'_>,
        expected: &Expectations,
    ) -> Result<Exporters, Trouble> {
        let window = expected.performance.window;
        let increase = |name: &str| format!("sum(increase({name}[{window}]))");
        // A subquery at one-minute steps: the highest of all instances together, not of each alone.
        let highest = |expression: &str| match expression {
            "" => String::new(),
            _ => format!("max_over_time(({expression})[{window}:1m])"),
        };
        let cache = quoted(&expected.cache.exporter_job);
        let (pg_up, redis_up, cache_hits, cache_misses, most_connections, most_pooled_in_use, most_waiting, requests) =
            futures::try_join!(
                self.number(
                    prometheus,
                    format!("min(pg_up{{job={}}})", quoted(&expected.database.exporter_job))
                ),
                self.number(prometheus, format!("min(redis_up{{job={cache}}})")),
                self.number(
                    prometheus,
                    increase(&format!("redis_keyspace_hits_total{{job={cache}}}"))
                ),
                self.number(
                    prometheus,
                    increase(&format!("redis_keyspace_misses_total{{job={cache}}}"))
                ),
                self.number(prometheus, highest("sum(pg_stat_database_numbackends)")),
                self.number(prometheus, highest(&expected.database.pool.in_use)),
                self.number(prometheus, highest(&expected.database.pool.waiting)),
                self.number(prometheus, increase("http_requests_total")),
            )?;
        Ok(Exporters {
            pg_up,
            redis_up,
            cache_hits,
            cache_misses,
            most_connections,
            most_pooled_in_use,
            most_waiting,
            requests,
        })
    }

    /// The value of an expression that gives one; `None` when it gives none, or no number.
    async fn number(&self, prometheus: &Caller<'_>, query: String) -> Result<Option<f64>, Trouble> {
        if query.is_empty() {
            return Ok(None);
        }
        let samples: Samples = match self.query_prometheus(prometheus, &query).await {
            Ok(samples) => samples,
            // Declared expressions may be wrong; what only they tell is then not told.
            Err(Trouble::Unreadable(Why::Session(_))) => return Ok(None),
            Err(trouble) => return Err(trouble),
        };
        let first = samples.result.first();
        Ok(first
            .and_then(|sample| sample.value.1.parse().ok())
            .filter(|number: &f64| number.is_finite()))
    }
}

/// A string of `PromQL`.
pub(super) fn quoted(text: &str) -> String {
    format!(
        "\"{}\"",
        text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
    )
}
