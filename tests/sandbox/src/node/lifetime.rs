//! How a node begins and ends, seen from the machine.
use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};

use super::{configuration, control_plane, mounts};
use crate::{
    cgroups,
    process::{Process, run},
    record::{Ports, Record},
    site::Site,
};

/// What a node leaves in its state that the next one must not find.
const VOLATILE: &[&str] = &[
    "etcd",
    "containerd",
    "kubelet",
    "cni",
    "run",
    "log",
    "volumes",
    "ingress",
];

/// Starts namespaces, daemons and relays, and records them. Whatever ran before must have been stopped.
pub(crate) fn start(site: &Site, mut record: Record) -> Result<Record> {
    clear(site)?;
    configuration::write(site, control_plane::INSIDE.api)?;
    mounts::prepare_machine()?;
    cgroups::create(&site.cgroup())?;
    let program = copy_own_program(site)?;
    let holder = detached(
        site,
        "namespaces",
        Command::new("setsid")
            .args("unshare --pid --mount --net --uts --ipc --fork --kill-child --mount-proc".split(' '))
            .args(["--propagation", "private", "--"])
            .arg(&program)
            .arg("node-init")
            .arg(format!("--checkout={}", site.checkout.display())),
    )?;
    record.holder = Some(holder);
    record.write(site)?;
    record.init = Some(first_child(site, holder)?);
    record.namespaces = namespaces_of(record.init)?;
    record.write(site)?;
    record.ports = Ports::choose(record.ports, site.first_port())?;
    let ports = record.ports;
    record.relay = Some(detached(
        site,
        "relay-outside",
        Command::new("setsid").arg(&program).arg("relay-outside").args(
            [
                (ports.api, "api"),
                (ports.http, "http"),
                (ports.https, "https"),
                (ports.registry, "registry"),
            ]
            .map(|(port, socket)| format!("{port}={}", site.text(&format!("run/{socket}.sock")))),
        ),
    )?);
    record.write(site)?;
    Ok(record)
}

/// Ends everything of this site and leaves nothing behind but its cache: certificates, registry, ports.
pub(crate) fn stop(site: &Site) -> Result<()> {
    let mut record = Record::read(site)?;
    // The first process takes everything inside the namespaces with it.
    for process in record.processes() {
        process.kill()?;
    }
    if !site.light {
        cgroups::remove(&site.cgroup())?;
    }
    clear(site)?;
    (record.holder, record.init, record.relay) = (None, None, None);
    record.light.clear();
    record.write(site)
}

/// Runs a program inside the namespaces of the node. Paths must be absolute there.
pub(crate) fn run_inside(record: &Record, program: &str, arguments: &[&str]) -> Result<String> {
    let init = record
        .init
        .filter(|init| init.is_alive())
        .context("the node isn't running\nhint: `sandbox up`")?;
    let target = init.number.to_string();
    let mut all = vec!["-t", &target, "-n", "-m", "-p", "--", program];
    all.extend(arguments);
    run("nsenter", &all)
}

/// Starts a process that outlives this one, with its output in a log.
pub(crate) fn detached(site: &Site, name: &str, command: &mut Command) -> Result<Process> {
    let log = fs::File::create(site.in_state("log").join(format!("{name}.log")))
        .with_context(|| format!("can't open the log of {name}"))?;
    let child = command
        .current_dir("/")
        // A proxy or a locale of the person who starts the sandbox means nothing inside it.
        .env_clear()
        .env("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
        .env("HOME", &site.state)
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log)
        .spawn()
        .with_context(|| format!("can't start {name}"))?;
    Process::of(child.id().try_into()?).with_context(|| format!("{name} ended at once, see {}", site.text("log")))
}

/// Removes what the former node wrote.
pub(crate) fn clear(site: &Site) -> Result<()> {
    VOLATILE.iter().try_for_each(|folder| remove(&site.in_state(folder)))
}

/// A copy of this program, because a rebuild replaces the original while the node runs.
pub(crate) fn copy_own_program(site: &Site) -> Result<PathBuf> {
    let own = std::env::current_exe().context("can't find this program's own file")?;
    let program = site.program("sandbox");
    remove(&program)?;
    fs::copy(own, &program).context("can't copy this program into the state")?;
    Ok(program)
}

fn first_child(site: &Site, holder: Process) -> Result<Process> {
    let path = format!("/proc/{0}/task/{0}/children", holder.number);
    let deadline = Instant::now() + Duration::from_secs(5);
    loop {
        let children = fs::read_to_string(&path).unwrap_or_default();
        if let Some(child) = children
            .split_whitespace()
            .next()
            .and_then(|number| Process::of(number.parse().ok()?))
        {
            return Ok(child);
        }
        if Instant::now() > deadline || !holder.is_alive() {
            bail!(
                "the namespaces didn't start: {}\nhint: they take root; without it, run with SANDBOX=light",
                fs::read_to_string(site.in_state("log/namespaces.log"))
                    .unwrap_or_default()
                    .trim()
            );
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// The kernel's names of the node's namespaces, such as `net:[4026532]`.
fn namespaces_of(init: Option<Process>) -> Result<Vec<String>> {
    let number = init.context("the node has no first process")?.number;
    ["pid", "mnt", "net"]
        .iter()
        .map(|kind| {
            let link = fs::read_link(format!("/proc/{number}/ns/{kind}"))
                .with_context(|| format!("can't read the {kind} namespace of process {number}"))?;
            Ok(link.display().to_string())
        })
        .collect()
}

fn remove(path: &Path) -> Result<()> {
    let removed = if path.is_dir() {
        fs::remove_dir_all(path)
    } else {
        fs::remove_file(path)
    };
    match removed {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("can't remove {}", path.display()))
        }
        _ => Ok(()),
    }
}
