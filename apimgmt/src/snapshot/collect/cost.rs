//! What a run cost: requests, bytes, time, memory.

use std::time::Instant;

use serde::{Deserialize, Serialize};

use super::api_server::ApiServer;

/// What reading a cluster cost.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Cost {
    /// Requests to the API server.
    pub api_requests: u64,
    /// Bytes read from it, after decompression.
    pub bytes: u64,
    /// Milliseconds by the clock on the wall.
    pub wall_ms: u64,
    /// Most memory that the process had at once; 0 where the system does not tell.
    pub peak_rss_bytes: u64,
}

/// The clock of one run.
pub(super) struct Meter(Instant);

impl Meter {
    pub(super) fn start() -> Self {
        Self(Instant::now())
    }

    pub(super) fn stop(&self, api: &ApiServer) -> Cost {
        let (api_requests, bytes) = api.spent();
        Cost {
            api_requests,
            bytes,
            wall_ms: u64::try_from(self.0.elapsed().as_millis()).unwrap_or(u64::MAX),
            peak_rss_bytes: peak_memory().unwrap_or_default(),
        }
    }
}

/// `VmHWM` of this process, which Linux keeps.
fn peak_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}
