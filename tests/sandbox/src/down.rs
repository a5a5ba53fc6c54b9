//! `sandbox down`: ends the sandbox of this checkout and proves that nothing is left of it.
use anyhow::Result;

use crate::{node::lifetime, progress::Progress, record::Record, residue, site::Site};

/// Ends the sandbox; one that doesn't run is no error.
pub(crate) fn run(site: &Site, progress: &Progress) -> Result<()> {
    let _lock = site.lock()?;
    let before = Record::read(site)?;
    let ran = before.processes().any(crate::process::Process::is_alive);
    lifetime::stop(site)?;
    residue::check(site, &before)?;
    progress.say(if ran {
        "down, and nothing left behind"
    } else {
        "nothing was running"
    });
    Ok(())
}
