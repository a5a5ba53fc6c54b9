//! The application's requests as Prometheus counted them: raw counts, which the items reckon with.

use super::{Run, caller::Caller, prometheus::Samples, trouble::Trouble};
use crate::{
    snapshot::{
        Why, hostile,
        sessions::{Bucket, Traffic},
    },
    values::{ExpectedPerformance, ExpectedTraffic},
};

impl Run {
    /// Four questions about the window. That they could not be answered is told beside what else Prometheus says.
    pub(super) async fn traffic(
        &self,
        prometheus: &Caller<'_>,
        expected: &ExpectedPerformance,
    ) -> Result<Traffic, Trouble> {
        let asked = Questions::of(&expected.traffic, expected.window.0.as_secs());
        let answers = futures::try_join!(
            self.query_prometheus(prometheus, &asked.requests),
            self.query_prometheus(prometheus, &asked.errors),
            self.query_prometheus(prometheus, &asked.peak),
            self.query_prometheus(prometheus, &asked.buckets),
        );
        let mut traffic = Traffic {
            window: expected.window.to_string(),
            ..Traffic::default()
        };
        match answers {
            Ok((requests, errors, peak, histogram)) => {
                traffic.requests = single(&requests);
                // A counter that never counted a failure has no series for failures.
                traffic.errors =
                    single(&errors).or_else(|| (errors.result.is_empty() && traffic.requests.is_some()).then_some(0.0));
                traffic.peak_rate = single(&peak);
                traffic.buckets = buckets(&histogram);
            }
            Err(Trouble::Unreadable(Why::Session(message) | Why::Failed(message))) => traffic.error = Some(message),
            Err(trouble) => return Err(trouble),
        }
        Ok(traffic)
    }
}

struct Questions {
    requests: String,
    errors: String,
    peak: String,
    buckets: String,
}

impl Questions {
    fn of(series: &ExpectedTraffic, window: u64) -> Self {
        let ExpectedTraffic {
            duration,
            requests,
            selector,
            errors,
        } = series;
        let window = window.max(60);
        let failed = [selector.as_str(), errors.as_str()]
            .into_iter()
            .filter(|labels| !labels.is_empty())
            .collect::<Vec<_>>()
            .join(",");
        Self {
            requests: format!("sum(increase({requests}{{{selector}}}[{window}s]))"),
            errors: format!("sum(increase({requests}{{{failed}}}[{window}s]))"),
            // Five minutes is what is called sustained: a burst of seconds is no throughput.
            peak: format!("max_over_time(sum(rate({requests}{{{selector}}}[5m]))[{window}s:1m])"),
            buckets: format!("sum by (le) (increase({duration}_bucket{{{selector}}}[{window}s]))"),
        }
    }
}

/// The value of an answer of one series; `NaN` and infinities are no values.
fn single(samples: &Samples) -> Option<f64> {
    samples.result.first()?.number()
}

/// The buckets by bound; none at all when one of them is no number.
fn buckets(samples: &Samples) -> Vec<Bucket> {
    let mut buckets = Vec::new();
    for sample in &samples.result {
        let bound = sample
            .metric
            .get("le")
            .map(|bound| hostile::capped(bound, 32))
            .unwrap_or_default();
        let upper: Option<f64> = match bound.as_str() {
            "+Inf" | "Inf" => None,
            finite => match finite.parse::<f64>().ok().filter(|bound| bound.is_finite()) {
                Some(bound) => Some(bound),
                None => return Vec::new(),
            },
        };
        let Some(count) = sample.number() else {
            return Vec::new();
        };
        buckets.push(Bucket { upper, count });
    }
    buckets.sort_by(|left, right| {
        let bound = |bucket: &Bucket| bucket.upper.unwrap_or(f64::INFINITY);
        bound(left).total_cmp(&bound(right))
    });
    buckets
}

#[cfg(test)]
mod tests {
    use super::*;

    fn samples(json: &str) -> Samples {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn buckets_come_in_the_order_of_their_bounds() {
        let read = buckets(&samples(
            r#"{"result":[{"metric":{"le":"+Inf"},"value":[1,"10"]},{"metric":{"le":"0.2"},"value":[1,"9.5"]},{"metric":{"le":"0.05"},"value":[1,"3"]}]}"#,
        ));
        let bounds: Vec<_> = read.iter().map(|bucket| bucket.upper).collect();
        assert_eq!(bounds, [Some(0.05), Some(0.2), None]);
    }

    #[test]
    fn what_is_no_number_is_never_taken_for_one() {
        for wrong in [
            r#"{"result":[{"metric":{"le":"+Inf"},"value":[1,"NaN"]}]}"#,
            r#"{"result":[{"metric":{"le":"much"},"value":[1,"1"]}]}"#,
            r#"{"result":[{"metric":{},"value":[1,"1"]}]}"#,
        ] {
            assert_eq!(buckets(&samples(wrong)), Vec::new(), "{wrong}");
        }
        assert_eq!(single(&samples(r#"{"result":[{"value":[1,"NaN"]}]}"#)), None);
        assert_eq!(single(&samples(r#"{"result":[]}"#)), None);
    }

    #[test]
    fn an_empty_selector_leaves_no_stray_comma() {
        let series = ExpectedTraffic {
            selector: String::new(),
            ..ExpectedTraffic::default()
        };
        let asked = Questions::of(&series, 3600);
        assert_eq!(asked.requests, "sum(increase(http_requests_total{}[3600s]))");
        assert_eq!(
            asked.errors,
            r#"sum(increase(http_requests_total{status=~"5.."}[3600s]))"#
        );
    }
}
