//! `sandbox down`: ends the sandbox of this checkout and proves that nothing is left of it.
use anyhow::Result;

use crate::{node::lifetime, process::Process, progress::Progress, record::Record, residue, site::Site};

/// Ends the sandbox, the real one and the light one; it is no error if none runs.
pub(crate) fn run(site: &Site, progress: &Progress) -> Result<()> {
    let real = Site::at(&site.checkout)?;
    let mut ended = false;
    for site in [real.clone(), real.into_light()] {
        if !site.in_state("record.json").exists() {
            continue;
        }
        let _lock = site.lock()?;
        let before = Record::read(&site)?.without_ended_namespaces();
        let ran = before.processes().any(Process::is_alive);
        lifetime::stop(&site)?;
        residue::check(&site, &before)?;
        ended |= ran;
    }
    progress.say(if ended {
        "down, and nothing left behind"
    } else {
        "nothing was running"
    });
    Ok(())
}
