//! The node's network: one bridge as its only interface, reachable from nowhere outside.
use anyhow::{Context, Result};

use crate::{process::run, site::NODE_ADDRESS};

/// Sets the network namespace up; everything in it goes with the namespace.
pub(super) fn enter() -> Result<()> {
    run("ip", &["link", "set", "lo", "up"])?;
    // A bridge, because not every kernel has dummy devices.
    run("ip", &["link", "add", "node0", "type", "bridge"])?;
    run("ip", &["address", "add", &format!("{NODE_ADDRESS}/24"), "dev", "node0"])?;
    run("ip", &["link", "set", "node0", "up"])?;
    // It leads nowhere, but components look for a default route to learn their address.
    run("ip", &["route", "add", "default", "dev", "node0"])?;
    for setting in ["net/ipv4/ip_forward", "net/bridge/bridge-nf-call-iptables"] {
        std::fs::write(format!("/proc/sys/{setting}"), "1")
            .with_context(|| format!("can't set {setting}\nhint: `modprobe br_netfilter`"))?;
    }
    Ok(())
}
