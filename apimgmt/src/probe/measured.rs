//! What a worker of the load probe was ordered to do, what it measured, and all workers' measurements in one.

use std::io::{Read, Write};

use base64::{Engine, prelude::BASE64_STANDARD};
use flate2::{Compression, read::ZlibDecoder, write::ZlibEncoder};
use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};

/// The variable that holds an order.
pub(super) const VARIABLE: &str = "PROBE_LOAD";

/// Slowest answer that is told from others, in microseconds.
const SLOWEST: u64 = 60_000_000;
/// Significant digits: a hundredth of a latency.
const DIGITS: u8 = 2;
/// Longest text of a histogram; what is longer is told with one digit less.
const LONGEST: usize = 3000;
/// Longest unpacked histogram that is believed.
const UNPACKED: u64 = 64 << 10;

/// What one worker does.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Order {
    /// What is asked for.
    pub(super) url: String,
    /// Requests a second of this worker.
    pub(super) rate: f64,
    /// How long, in seconds.
    pub(super) seconds: f64,
    /// Connections.
    pub(super) connections: u32,
    /// When all workers begin, in milliseconds since 1970; one that is late begins at once.
    pub(super) begins: i64,
}

/// What one worker measured.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Measured {
    /// Requests that were due.
    pub(super) requests: u64,
    /// Those of them that were not answered well.
    pub(super) errors: u64,
    /// The first of what went wrong.
    pub(super) error: String,
    /// When it began and ended, in milliseconds since 1970.
    pub(super) began: i64,
    pub(super) ended: i64,
    /// Latencies in microseconds from when each request was due: see [`pack`].
    pub(super) histogram: String,
}

/// A histogram of latencies in microseconds.
pub(super) fn histogram() -> Result<Histogram<u64>, String> {
    Histogram::new_with_bounds(1, SLOWEST, DIGITS).map_err(|error| error.to_string())
}

/// Notes a latency; one beyond the slowest counts as the slowest.
pub(super) fn note(histogram: &mut Histogram<u64>, microseconds: u128) {
    let value = u64::try_from(microseconds).unwrap_or(SLOWEST).clamp(1, SLOWEST);
    histogram.saturating_record(value);
}

/// The recorded values and their counts, as differences in LEB128, deflated, as text of a few hundred bytes.
pub(super) fn pack(histogram: &Histogram<u64>) -> Result<String, String> {
    let mut text = packed(histogram)?;
    if text.len() > LONGEST {
        let mut coarse = Histogram::<u64>::new_with_bounds(1, SLOWEST, 1).map_err(|error| error.to_string())?;
        coarse.add(histogram).map_err(|error| error.to_string())?;
        text = packed(&coarse)?;
    }
    Ok(text)
}

fn packed(histogram: &Histogram<u64>) -> Result<String, String> {
    let mut bytes = Vec::new();
    let mut before = 0;
    for step in histogram.iter_recorded() {
        let value = step.value_iterated_to();
        number(&mut bytes, value - before);
        number(&mut bytes, step.count_at_value());
        before = value;
    }
    let mut deflate = ZlibEncoder::new(Vec::new(), Compression::best());
    let packed = deflate.write_all(&bytes).and_then(|()| deflate.finish());
    packed
        .map(|packed| BASE64_STANDARD.encode(packed))
        .map_err(|error| error.to_string())
}

fn number(bytes: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        bytes.push(u8::try_from(value & 0x7f).unwrap_or_default() | 0x80);
        value >>= 7;
    }
    bytes.push(u8::try_from(value).unwrap_or_default());
}

/// Adds what [`pack`] made.
pub(super) fn unpack_into(sum: &mut Histogram<u64>, text: &str) -> Result<(), String> {
    let wrong = || "a worker's histogram is malformed".to_owned();
    let packed = BASE64_STANDARD.decode(text).map_err(|_| wrong())?;
    let mut bytes = Vec::new();
    ZlibDecoder::new(packed.as_slice())
        .take(UNPACKED)
        .read_to_end(&mut bytes)
        .map_err(|_| wrong())?;
    let (mut numbers, mut value, mut shift) = (Vec::new(), 0_u64, 0);
    for byte in bytes {
        value |= u64::from(byte & 0x7f).checked_shl(shift).ok_or_else(wrong)?;
        shift += 7;
        if byte & 0x80 == 0 {
            numbers.push(value);
            (value, shift) = (0, 0);
        }
    }
    let mut at = 0_u64;
    for pair in numbers.chunks(2) {
        let [difference, count] = pair else {
            return Err(wrong());
        };
        at = at.checked_add(*difference).ok_or_else(wrong)?;
        sum.saturating_record_n(at.clamp(1, SLOWEST), *count);
    }
    Ok(())
}

/// All workers in one.
#[derive(Debug)]
pub(super) struct Sum {
    pub(super) requests: u64,
    pub(super) errors: u64,
    pub(super) error: String,
    /// Good answers a second, over all workers.
    pub(super) rate: f64,
    pub(super) histogram: Histogram<u64>,
}

impl Sum {
    /// Puts measurements together.
    ///
    /// # Errors
    /// When they can't be: a worker's words are malformed, or the workers did not run at the same time, so that their rates
    /// can't be added.
    pub(super) fn of(workers: &[Measured]) -> Result<Self, String> {
        let mut sum = Self {
            requests: 0,
            errors: 0,
            error: String::new(),
            rate: 0.0,
            histogram: histogram()?,
        };
        for worker in workers {
            let seconds = seconds(worker.ended - worker.began);
            if worker.errors > worker.requests || seconds <= 0.0 {
                return Err("a worker's measurement is malformed".into());
            }
            sum.requests = sum.requests.saturating_add(worker.requests);
            sum.errors = sum.errors.saturating_add(worker.errors);
            sum.rate += count(worker.requests - worker.errors) / seconds;
            if sum.error.is_empty() {
                sum.error.clone_from(&worker.error);
            }
            unpack_into(&mut sum.histogram, &worker.histogram)?;
        }
        let together = workers.iter().map(|worker| worker.ended).min().unwrap_or_default()
            - workers.iter().map(|worker| worker.began).max().unwrap_or_default();
        let longest = workers
            .iter()
            .map(|worker| worker.ended - worker.began)
            .max()
            .unwrap_or_default();
        if seconds(together) < 0.8 * seconds(longest) {
            return Err("the workers did not run at the same time; the cluster starts pods too slowly".into());
        }
        Ok(sum)
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "neither requests nor milliseconds come near 2^53"
)]
fn seconds(milliseconds: i64) -> f64 {
    milliseconds as f64 / 1000.0
}

#[expect(clippy::cast_precision_loss, reason = "requests don't come near 2^53")]
fn count(requests: u64) -> f64 {
    requests as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(latencies: impl IntoIterator<Item = u128>) -> Histogram<u64> {
        let mut histogram = histogram().unwrap();
        latencies.into_iter().for_each(|latency| note(&mut histogram, latency));
        histogram
    }

    fn worker(latencies: &Histogram<u64>, began: i64) -> Measured {
        Measured {
            requests: latencies.len(),
            began,
            ended: began + 10_000,
            histogram: pack(latencies).unwrap(),
            ..Measured::default()
        }
    }

    #[test]
    fn workers_merge_to_what_one_would_have_measured() {
        let (fast, slow) = (of((1..=900).map(|n| n * 100)), of((1..=100).map(|n| n * 10_000)));
        let mut whole = fast.clone();
        whole.add(&slow).unwrap();
        let sum = Sum::of(&[worker(&fast, 0), worker(&slow, 100)]).unwrap();
        assert_eq!(sum.histogram, whole);
        assert_eq!(sum.requests, 1000);
        assert!((sum.rate - 100.0).abs() < 1e-9);
    }

    #[test]
    fn the_widest_spread_fits_into_last_words_and_stays_a_tenth_exact() {
        let wide = of((0..200_000_u128).map(|n| 1 + n * n % 59_999_999));
        let text = pack(&wide).unwrap();
        assert!(text.len() <= 3600, "{}", text.len());
        let mut back = histogram().unwrap();
        unpack_into(&mut back, &text).unwrap();
        let (left, right) = (count(wide.value_at_quantile(0.95)), count(back.value_at_quantile(0.95)));
        assert!((left - right).abs() / left < 0.11, "{left} {right}");
    }

    #[test]
    fn what_cannot_be_added_is_refused() {
        let one = of([1000; 10]);
        assert!(
            Sum::of(&[worker(&one, 0), worker(&one, 9000)])
                .unwrap_err()
                .contains("at the same time")
        );
        let lying = Measured {
            errors: 11,
            ..worker(&one, 0)
        };
        assert!(Sum::of(&[lying]).unwrap_err().contains("malformed"));
        for wrong in ["!", "AAAA", ""] {
            let broken = Measured {
                histogram: wrong.into(),
                ..worker(&one, 0)
            };
            assert!(Sum::of(&[broken]).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_latency_beyond_the_slowest_counts_as_the_slowest() {
        let histogram = of([u128::MAX]);
        assert!(histogram.max() >= SLOWEST);
    }
}
