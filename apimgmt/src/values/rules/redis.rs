//! What a rendered Redis may keep, and in how much memory.

use super::{
    facts::{Facts, Workload},
    settings::{mounted, runs, words},
};

/// A Redis whose `maxmemory` and memory limit are both rendered.
pub(super) struct Redis {
    /// `statefulset/redis`.
    pub(super) object: String,
    /// Bytes that it may keep.
    pub(super) maximum: i128,
    /// Bytes that its container may use.
    pub(super) limit: i128,
    /// It saves to disk, for which it forks.
    pub(super) saves: bool,
}

/// Programs that read `redis.conf`.
const PROGRAMS: [&str; 3] = ["redis", "valkey", "keydb"];

pub(super) fn all(facts: &Facts) -> Vec<Redis> {
    facts
        .workloads
        .iter()
        .filter_map(|workload| redis(facts, workload))
        .collect()
}

fn redis(facts: &Facts, workload: &Workload) -> Option<Redis> {
    let files = mounted(facts, workload);
    let servers = workload.template.spec.containers.iter();
    // A Sentinel beside it runs the same image in less memory.
    let servers = servers.filter(|container| runs(&container.image, &PROGRAMS));
    let with_limits =
        servers.filter_map(|container| Some((container, container.resources.limits.get("memory")?.units()?)));
    let (container, limit) = with_limits.max_by_key(|(_, limit)| *limit)?;
    let words = words(container);
    let setting = |name: &str| {
        let at = words
            .iter()
            .position(|word| word.trim_start_matches("--") == name && word.starts_with("--"));
        at.and_then(|at| words.get(at + 1).copied())
            .or(files.get(name).map(String::as_str))
    };
    let maximum = bytes(setting("maxmemory")?).filter(|bytes| *bytes > 0)?;
    // Without a word of it, Redis saves by itself.
    let by_snapshot = setting("save").is_none_or(|save| !save.trim_matches(['"', '\'']).is_empty());
    Some(Redis {
        object: workload.object(),
        maximum,
        limit,
        saves: by_snapshot || setting("appendonly") == Some("yes"),
    })
}

/// As Redis reads it: `512mb` is binary, `512m` is not (<https://redis.io/docs/latest/operate/oss_and_stack/management/config-file/>).
fn bytes(text: &str) -> Option<i128> {
    const UNITS: [(&str, i128); 6] = [
        ("kb", 1 << 10),
        ("mb", 1 << 20),
        ("gb", 1 << 30),
        ("k", 1_000),
        ("m", 1_000_000),
        ("g", 1_000_000_000),
    ];
    let text = text.to_ascii_lowercase();
    let unit = UNITS
        .into_iter()
        .find_map(|(unit, factor)| Some((text.strip_suffix(unit)?, factor)));
    let (number, factor) = unit.unwrap_or((text.trim_end_matches('b'), 1));
    Some(number.trim().parse::<i128>().ok()? * factor)
}

/// Mebibytes, for a person.
pub(super) fn mebibytes(bytes: i128) -> String {
    format!("{} MiB", bytes / (1 << 20))
}
