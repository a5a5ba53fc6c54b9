//! `sandbox up`: from nothing, or from what is there, to a sandbox that runs and is up to date.
use std::{path::PathBuf, sync::Arc, time::Duration};

use anyhow::{Result, bail};
use kube::Client;
use tokio::{task::spawn_blocking, try_join};

use crate::{
    Only, addons, cluster, identity, images, kind, kubeconfig, light,
    node::lifetime,
    observability,
    parts::{Cache, Part, Parts},
    platform,
    programs::{NODE_PROGRAMS, Programs},
    progress::Progress,
    record::Record,
    release_images, reset, residue,
    site::Site,
    values,
};

/// How long anything may take on a busy machine.
const LIMIT: Duration = Duration::from_mins(2);

/// Builds what is missing on this machine.
pub(crate) fn build(progress: &Progress) -> Result<Parts> {
    Ok(Cache::of_machine()?.ensure(&Part::ALL, &|line| progress.say(line))?)
}

/// What `up` was asked for.
pub(crate) struct Wish {
    pub(crate) only: Option<Only>,
    pub(crate) fresh: bool,
    pub(crate) keep: bool,
    pub(crate) lean: bool,
    pub(crate) programs: Option<PathBuf>,
}

/// Starts the sandbox, or refreshes one that runs and is made of the same things.
pub(crate) async fn run(site: &Site, wish: &Wish, progress: &Progress) -> Result<()> {
    if site.light {
        return light::up(site, wish.fresh, progress).await;
    }
    if let Some(why) = kind::missing() {
        bail!("this machine can't give the real sandbox: {why}\nhint: run with SANDBOX=light");
    }
    let wanted = if wish.lean { Part::lean() } else { Part::ALL.to_vec() };
    let parts = Arc::new(Cache::of_machine()?.ensure(&wanted, &|line| progress.say(line))?);
    let _lock = site.lock()?;
    let programs = Programs::find(&parts, NODE_PROGRAMS)?;
    programs.install_tools(site)?;
    let made_of = programs.digest()?;
    let mut record = Record::read(site)?;
    if wish.fresh || !record.is_running() || (record.made_of != made_of && !wish.keep) {
        let before = record.without_ended_namespaces();
        lifetime::stop(site)?;
        residue::check(site, &before)?;
        programs.install(site)?;
        record = lifetime::start(
            site,
            Record {
                made_of,
                ..Record::read(site)?
            },
        )?;
        progress.say(format!(
            "namespaces and daemons started, API on 127.0.0.1:{}",
            record.ports.api
        ));
    } else {
        progress.say("running already");
    }
    kubeconfig::write_outside(site, record.ports)?;
    let client = cluster::client(site).await?;
    try_join!(import_images(site, &parts, progress), wait_for_api(&client, progress))?;
    addons::apply(site, &client, &parts).await?;
    wait_for_node(&client, progress).await?;
    platform::wait_for(site, &client).await?;
    progress.say("ingress ready");
    reset::remember(site, &client).await?;
    if wish.only == Some(Only::Node) {
        progress.say(format!("up: export KUBECONFIG={}", site.kubeconfig().display()));
        return Ok(());
    }
    let pushed = release_images::push(site, &parts, wish.programs.as_deref(), progress)?;
    values::write(site, record.ports, &pushed)?;
    identity::start(&client, &pushed).await?;
    observability::start(&client, &pushed).await?;
    cluster::wait_for("the metrics API", LIMIT, async || {
        cluster::metrics_are_there(&client).await
    })
    .await?;
    progress.say("metrics served");
    identity::tell(&client, progress).await;
    progress.say(format!("up: export KUBECONFIG={}", site.kubeconfig().display()));
    Ok(())
}

/// Imports what the pods of the node need, while the control plane starts.
async fn import_images(site: &Site, parts: &Arc<Parts>, progress: &Progress) -> Result<()> {
    let record = Arc::new(Record::read(site)?);
    cluster::wait_for("the container runtime", Duration::from_secs(30), async || {
        let record = Arc::clone(&record);
        Ok(spawn_blocking(move || images::runtime_answers(&record)).await?)
    })
    .await?;
    let parts = Arc::clone(parts);
    spawn_blocking(move || images::import(&record, &parts)).await??;
    progress.say("images of the node imported");
    Ok(())
}

async fn wait_for_api(client: &Client, progress: &Progress) -> Result<()> {
    cluster::wait_for("the API server", LIMIT, async || cluster::api_is_ready(client).await).await?;
    progress.say("API server ready");
    Ok(())
}

async fn wait_for_node(client: &Client, progress: &Progress) -> Result<()> {
    cluster::wait_for("the node", LIMIT, async || cluster::node_is_ready(client).await).await?;
    progress.say("node ready");
    for name in addons::NEEDED {
        cluster::wait_for(name, LIMIT, async || cluster::deployment_is_ready(client, name).await).await?;
    }
    progress.say("name service and storage ready");
    Ok(())
}
