//! `sandbox up`: from nothing, or from what is there, to a sandbox that runs and is up to date.
use std::{fs, os::unix::fs::symlink, path::PathBuf, sync::Arc, time::Duration};

use anyhow::{Context, Result};
use kube::Client;
use sha2::{Digest, Sha256};
use tokio::{task::spawn_blocking, try_join};

use crate::{
    Only, addons, cluster, images, kubeconfig,
    node::lifetime,
    parts::{Cache, Part, Parts},
    platform,
    progress::Progress,
    record::Record,
    reset, residue, sample_app,
    site::Site,
    values,
};

/// How long anything may take on a busy machine.
const LIMIT: Duration = Duration::from_mins(2);

/// Programs inside the node.
const NODE_PROGRAMS: &[&str] = &[
    "etcd",
    "kube-apiserver",
    "kube-controller-manager",
    "kube-scheduler",
    "kubelet",
    "kube-proxy",
    "network-policy-controller",
    "kwok",
];

/// Programs for people and tests, with the names under which they are asked for.
const TOOLS: &[(&str, &str)] = &[
    ("helm-3.17", "helm-3.17"),
    ("helm-3.22", "helm-3.22"),
    ("helm-4.1", "helm-4.1"),
    ("helm-4.3", "helm-4.3"),
    ("helm", "helm-4.3"),
    ("kubectl-1.32", "kubectl-1.32"),
    ("kubectl-1.37", "kubectl-1.37"),
    ("kubectl", "kubectl-1.37"),
];

/// Builds what is missing on this machine.
pub(crate) fn build(progress: &Progress) -> Result<Parts> {
    Ok(Cache::of_machine()?.ensure(&Part::ALL, &|line| progress.say(line))?)
}

/// What `up` was asked for.
pub(crate) struct Wish {
    pub(crate) only: Option<Only>,
    pub(crate) fresh: bool,
    pub(crate) sample_app: Option<PathBuf>,
}

/// Starts the sandbox, or refreshes one that runs and is made of the same things.
pub(crate) async fn run(site: &Site, wish: &Wish, progress: &Progress) -> Result<()> {
    let parts = Arc::new(build(progress)?);
    let _lock = site.lock()?;
    let programs = NODE_PROGRAMS
        .iter()
        .map(|name| Ok((*name, parts.binary(name)?)))
        .collect::<Result<Vec<_>>>()?;
    let made_of = made_of(&programs)?;
    let mut record = Record::read(site)?;
    let replaced = wish.fresh || !record.is_running() || record.made_of != made_of;
    if replaced {
        let before = record;
        lifetime::stop(site)?;
        residue::check(site, &before)?;
        link(&site.state.join("bin"), &programs)?;
        let tools = TOOLS
            .iter()
            .map(|(name, part)| Ok((*name, parts.binary(part)?)))
            .collect::<Result<Vec<_>>>()?;
        link(&site.output.join("bin"), &tools)?;
        record = lifetime::start(
            site,
            Record {
                made_of,
                ..Record::read(site)?
            },
        )?;
        kubeconfig::write_outside(site, record.ports)?;
        progress.say(format!(
            "namespaces and daemons started, API on 127.0.0.1:{}",
            record.ports.api
        ));
    } else {
        progress.say("running already");
    }
    let client = cluster::client(site).await?;
    try_join!(import_images(site, &parts, progress), wait_for_api(&client, progress))?;
    addons::apply(site, &client, &parts).await?;
    wait_for_node(&client, progress).await?;
    platform::wait_for(&client).await?;
    progress.say("ingress ready");
    if replaced {
        reset::remember(site, &client).await?;
    }
    if wish.only == Some(Only::Node) {
        progress.say(format!("up: export KUBECONFIG={}", site.kubeconfig().display()));
        return Ok(());
    }
    let pushed = sample_app::push_all(site, &parts, wish.sample_app.as_deref(), progress)?;
    values::write(site, record.ports, &pushed)?;
    cluster::wait_for("the metrics API", LIMIT, async || {
        cluster::metrics_are_there(&client).await
    })
    .await?;
    progress.say("metrics served");
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

/// A digest of this program and of the ones it starts: another one asks for another node.
fn made_of(programs: &[(&str, PathBuf)]) -> Result<String> {
    let own = std::env::current_exe().context("can't find this program's own file")?;
    let mut digest = Sha256::new_with_prefix(fs::read(&own).context("can't read this program's own file")?);
    for (_, path) in programs {
        digest.update(path.as_os_str().as_encoded_bytes());
    }
    Ok(format!("{:x}", digest.finalize()))
}

fn link(folder: &std::path::Path, programs: &[(&str, PathBuf)]) -> Result<()> {
    fs::create_dir_all(folder).with_context(|| format!("can't make {}", folder.display()))?;
    for (name, target) in programs {
        let link = folder.join(name);
        let _ = fs::remove_file(&link);
        symlink(target, &link).with_context(|| format!("can't link {}", link.display()))?;
    }
    Ok(())
}
