//! A volume of a storage class: it is written, and how long an fsync takes is measured.

use std::{
    fs::File,
    io::Write,
    path::Path,
    time::{Duration, Instant},
};

use super::Steps;
use crate::snapshot::sessions::ProbeResult;

/// Writes that are measured: enough for a 99th percentile, few enough for a slow disk.
const WRITES: usize = 200;

/// A write: a page of PostgreSQL's write-ahead log.
const PAGE: [u8; 8192] = [0x5a; 8192];

/// Longest time for all writes together; a slower volume is measured on fewer.
const PATIENCE: Duration = Duration::from_secs(20);

/// Writes below `folder`.
pub(super) fn probe(folder: &Path) -> ProbeResult {
    let mut steps = Steps::default();
    steps.note("storageClass", std::env::var("PROBE_STORAGE_CLASS").unwrap_or_default());
    if let Some(times) = steps.step(
        "write",
        measure(&folder.join("probe")).map_err(|error| error.to_string()),
    ) {
        steps.note("writtenBytes", times.len() * PAGE.len());
        steps.note(
            "fsyncP99",
            format!("{:.1}ms", percentile_99(times).as_secs_f64() * 1000.0),
        );
    }
    steps.result("infrastructure/storage-classes", "bound, written and measured")
}

fn measure(file: &Path) -> std::io::Result<Vec<Duration>> {
    let mut open = File::create(file)?;
    let began = Instant::now();
    let mut times = Vec::with_capacity(WRITES);
    while times.len() < WRITES && began.elapsed() < PATIENCE {
        let start = Instant::now();
        open.write_all(&PAGE)?;
        open.sync_data()?;
        times.push(start.elapsed());
    }
    std::fs::remove_file(file)?;
    Ok(times)
}

/// The nearest-rank 99th percentile.
fn percentile_99(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    let rank = (times.len() * 99).div_ceil(100);
    times.get(rank.saturating_sub(1)).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_99th_percentile_is_the_nearest_rank() {
        let times = (1..=200).map(Duration::from_millis).collect();
        assert_eq!(percentile_99(times), Duration::from_millis(198));
        assert_eq!(percentile_99(vec![Duration::from_millis(7)]), Duration::from_millis(7));
    }

    #[test]
    fn a_volume_is_written_and_left_clean() {
        let folder = tempfile::tempdir().unwrap();
        let result = probe(folder.path());
        assert!(result.passed, "{result:?}");
        assert_eq!(result.values["writtenBytes"], (WRITES * PAGE.len()).to_string());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_folder_that_cannot_be_written_is_a_failure_with_its_reason() {
        let result = probe(Path::new("/proc/nowhere"));
        assert!(!result.passed && result.detail.starts_with("write: "), "{result:?}");
    }
}
