//! Which sandbox this machine can give: the real one takes root, namespaces and version 1 control groups.
use std::{
    io::Write,
    process::{Command, Stdio},
};

use anyhow::{Context, Result};

use crate::{cgroups, progress::Progress, site::Site};

/// Prints `real` or `light` alone on standard output, and says why it is not the real one.
pub(crate) fn run(site: &Site, progress: &Progress) -> Result<()> {
    let kind = if site.light {
        "light"
    } else if let Some(why) = missing() {
        progress.say(format!("this machine can't give the real sandbox: {why}"));
        "light"
    } else {
        "real"
    };
    writeln!(std::io::stdout(), "{kind}").context("can't print")
}

/// What this machine lacks for the real sandbox.
pub(crate) fn missing() -> Option<&'static str> {
    if !rustix::process::geteuid().is_root() {
        return Some("only root may make namespaces");
    }
    if !cgroups::are_version_1() {
        return Some("its control groups are not of version 1");
    }
    let unshared = Command::new("unshare")
        .args(["--mount", "--net", "--pid", "--fork", "true"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    (!unshared.is_ok_and(|status| status.success())).then_some("it refuses to make namespaces")
}
