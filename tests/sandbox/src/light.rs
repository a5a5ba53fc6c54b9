//! `SANDBOX=light`: the control plane as plain processes on loopback ports, for machines without root or namespaces.
//! Its one node and its pods are played by kwok: objects behave as in a real cluster, but nothing runs.
use std::{
    process::Command,
    time::{Duration, Instant},
};

use anyhow::{Result, ensure};

use crate::{
    cluster, kubeconfig,
    node::{
        configuration, control_plane,
        control_plane::Place,
        daemons::{Daemon, Needs},
        lifetime,
    },
    parts::{Cache, Part},
    platform,
    programs::Programs,
    progress::Progress,
    record::{Ports, Record},
    reset, residue, scale,
    site::Site,
    values,
};

const PARTS: &[Part] = &[Part::Kubernetes, Part::Etcd, Part::Kwok, Part::Clients];

const PROGRAMS: &[&str] = &[
    "etcd",
    "kube-apiserver",
    "kube-controller-manager",
    "kube-scheduler",
    "kwok",
];

const MANIFEST: &str = include_str!("../manifests/light.yaml");

/// Starts everything, or refreshes what runs.
pub(crate) async fn up(site: &Site, fresh: bool, progress: &Progress) -> Result<()> {
    progress.say("light: real API server, scheduler and controllers; nodes and pods are fake");
    progress.say("light: not to be seen here: containers, logs, exec, DNS, data, metrics, policies, ingress, pulls");
    let parts = Cache::of_machine()?.ensure(PARTS, &|line| progress.say(line))?;
    let _lock = site.lock()?;
    let programs = Programs::find(&parts, PROGRAMS)?;
    let made_of = programs.digest()?;
    let record = Record::read(site)?;
    if fresh || !record.is_running() || record.made_of != made_of {
        lifetime::stop(site)?;
        residue::check(site, &record)?;
        start(site, &programs, Record { made_of, ..record })?;
        progress.say("processes started");
    } else {
        progress.say("running already");
    }
    let client = cluster::client(site).await?;
    let limit = Duration::from_mins(2);
    cluster::wait_for("the API server", limit, async || cluster::api_is_ready(&client).await).await?;
    cluster::apply(&client, MANIFEST).await?;
    cluster::wait_for("the node", limit, async || cluster::node_is_ready(&client).await).await?;
    platform::wait_for(site, &client).await?;
    reset::remember(site, &client).await?;
    values::write(site, Record::read(site)?.ports, &[])?;
    progress.say(format!("up: export KUBECONFIG={}", site.kubeconfig().display()));
    Ok(())
}

/// Starts the processes one after the other, and records each: no namespace would end them.
fn start(site: &Site, programs: &Programs, mut record: Record) -> Result<()> {
    // The ports of a node's relays serve as ports of the processes.
    record.ports = Ports::choose(record.ports, site.first_port() + 5)?;
    let place = Place {
        bind: "127.0.0.1",
        advertise: None,
        api: record.ports.api,
        store: record.ports.http,
        store_peers: record.ports.registry,
        controller_manager: 0,
        scheduler: 0,
    };
    configuration::write(site, place.api)?;
    kubeconfig::write_outside(site, record.ports)?;
    programs.install(site)?;
    programs.install_tools(site)?;
    scale::write_stages(site)?;
    let mut daemons = control_plane::all(site, &place);
    daemons.push(Daemon {
        name: "platform",
        program: lifetime::copy_own_program(site)?,
        arguments: vec![
            "platform".to_owned(),
            format!("--checkout={}", site.checkout.display()),
            "--light".to_owned(),
        ],
        needs: Needs::Port(place.api),
    });
    (record.holder, record.init, record.relay) = (None, None, None);
    record.light.clear();
    for daemon in &daemons {
        let patience = Instant::now() + Duration::from_mins(1);
        while !daemon.needs.is_there() {
            ensure!(
                Instant::now() < patience,
                "waited a minute to start {}, see {}",
                daemon.name,
                site.text("log")
            );
            std::thread::sleep(Duration::from_millis(50));
        }
        let process = lifetime::detached(
            site,
            daemon.name,
            Command::new("setsid").arg(&daemon.program).args(&daemon.arguments),
        )?;
        record.light.push(process);
        record.write(site)?;
    }
    Ok(())
}
