//! The proof that `down` left nothing: no process, namespace, mount or cgroup of this site. The node's network rules
//! live in its network namespace and nowhere else, so they are gone when that is.
use std::{
    fs,
    thread::sleep,
    time::{Duration, Instant},
};

use anyhow::{Result, bail};

use crate::{cgroups, record::Record, site::Site};

/// Fails with a list of everything that is still there of what the record tells.
pub(crate) fn check(site: &Site, record: &Record) -> Result<()> {
    // A process that was killed takes a moment to let go of what it held.
    let patience = Instant::now() + Duration::from_secs(10);
    loop {
        let found = find(site, record)?;
        if found.is_empty() {
            return Ok(());
        }
        if Instant::now() > patience {
            bail!("the sandbox left something behind:\n  {}", found.join("\n  "));
        }
        sleep(Duration::from_millis(50));
    }
}

fn find(site: &Site, record: &Record) -> Result<Vec<String>> {
    let mut found: Vec<String> = record
        .processes()
        .filter(|process| process.is_alive())
        .map(|process| format!("process {}", process.number))
        .collect();
    found.extend(members(&record.namespaces));
    let mounts = fs::read_to_string("/proc/self/mountinfo")?;
    let state = format!("{}/", site.state.display());
    found.extend(
        mounts
            .lines()
            .filter(|line| line.contains(&state) || record.namespaces.iter().any(|namespace| line.contains(namespace)))
            .map(|line| format!("mount {line}")),
    );
    if !site.light {
        let groups = cgroups::left(&site.cgroup())?;
        found.extend(groups.iter().map(|folder| format!("cgroup {}", folder.display())));
    }
    Ok(found)
}

/// Processes that keep a namespace of the node alive.
fn members(namespaces: &[String]) -> Vec<String> {
    let numbers = fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| entry.file_name().to_str().and_then(|name| name.parse::<i32>().ok()));
    numbers
        .flat_map(|number| {
            ["pid", "mnt", "net"].into_iter().filter_map(move |kind| {
                let namespace = fs::read_link(format!("/proc/{number}/ns/{kind}"))
                    .ok()?
                    .display()
                    .to_string();
                Some((number, namespace))
            })
        })
        .filter(|(_, namespace)| namespaces.contains(namespace))
        .map(|(number, namespace)| format!("process {number} in {namespace}"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_in_a_namespace_is_found() {
        let own = fs::read_link("/proc/self/ns/net").unwrap().display().to_string();
        assert!(
            members(&[own])
                .iter()
                .any(|found| found.contains(&std::process::id().to_string()))
        );
        assert!(members(&["net:[1]".to_owned()]).is_empty());
    }
}
