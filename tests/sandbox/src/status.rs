//! `sandbox status`: what runs, and where to find it.
use std::io::Write;

use anyhow::Result;

use crate::{cluster, record::Record, site::Site};

/// Tells about the sandbox of this checkout; fails when it isn't running.
pub(crate) async fn run(site: &Site) -> Result<()> {
    let record = Record::read(site)?;
    anyhow::ensure!(
        record.is_running(),
        "no sandbox is running for {}\nhint: `sandbox up`",
        site.checkout.display()
    );
    let client = cluster::client(site).await?;
    let ready = cluster::node_is_ready(&client).await.unwrap_or(false);
    let ports = record.ports;
    let mut out = std::io::stdout().lock();
    writeln!(out, "checkout    {}", site.checkout.display())?;
    writeln!(out, "node        {}", if ready { "ready" } else { "not ready" })?;
    writeln!(out, "kubeconfig  {}", site.kubeconfig().display())?;
    writeln!(out, "values      {}", site.output.join("values.yaml").display())?;
    writeln!(out, "tools       {}", site.output.join("bin").display())?;
    writeln!(out, "logs        {}", site.text("log"))?;
    writeln!(out, "API         127.0.0.1:{}", ports.api)?;
    if site.light {
        writeln!(out, "light       nodes and pods are fake")?;
        return Ok(());
    }
    writeln!(
        out,
        "ingress     127.0.0.1:{} (http), 127.0.0.1:{} (https)",
        ports.http, ports.https
    )?;
    writeln!(out, "registry    127.0.0.1:{}", ports.registry)?;
    if let Some(init) = record.init {
        writeln!(out, "enter       nsenter -t {} -n -m -p -- /bin/sh", init.number)?;
    }
    Ok(())
}
