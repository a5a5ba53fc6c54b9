//! A gate on a query to the release's Prometheus: error rate, latency, whatever says that users are served.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::{Output, PrometheusHook, Surroundings};

/// Prometheus' own default between two scrapes is longer; more questions would get the same answer.
const BETWEEN_QUESTIONS: Duration = Duration::from_secs(15);

/// Asks until the window is over; the first answer beyond the bound ends it. No answer is no proof.
pub(super) async fn run(
    hook: &PrometheusHook,
    surroundings: &Surroundings<'_>,
    output: &Output<'_>,
) -> Result<(), String> {
    let began = Instant::now();
    loop {
        let asked = surroundings.reader.ask_prometheus(&hook.query).await;
        let values = asked.map_err(|error| match std::error::Error::source(&error) {
            Some(why) => format!("{error}: {why}"),
            None => error.to_string(),
        })?;
        if values.is_empty() {
            return Err(format!("`{}` has no value", hook.query));
        }
        for value in values {
            output.line(&format!("{value}"));
            if let Some(why) = beyond(hook, value) {
                return Err(format!("`{}` is {why}", hook.query));
            }
        }
        let left = hook.during.0.saturating_sub(began.elapsed());
        if left.is_zero() {
            return Ok(());
        }
        sleep(BETWEEN_QUESTIONS.min(left)).await;
    }
}

/// What is wrong with a value.
pub(super) fn beyond(hook: &PrometheusHook, value: f64) -> Option<String> {
    match (hook.at_most, hook.at_least) {
        (Some(most), _) if value > most => Some(format!("{value}, more than {most}")),
        (_, Some(least)) if value < least => Some(format!("{value}, less than {least}")),
        _ => None,
    }
}
