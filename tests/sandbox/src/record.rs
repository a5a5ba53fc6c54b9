//! What a running sandbox leaves written down: its processes and its ports on this machine.
use std::net::{Ipv4Addr, TcpListener};

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};

use crate::{process::Process, site::Site};

/// The record of one sandbox; it survives `down`, so that the next `up` finds the same ports.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Record {
    /// The process that holds the namespaces: its end is the end of everything inside.
    pub(crate) holder: Option<Process>,
    /// The first process inside the namespaces, as the machine sees it.
    pub(crate) init: Option<Process>,
    /// The relay between loopback ports and the sockets of the node.
    pub(crate) relay: Option<Process>,
    /// The kernel's names of the node's namespaces.
    #[serde(default)]
    pub(crate) namespaces: Vec<String>,
    pub(crate) ports: Ports,
    /// What the running node was built from; another value means it has to be replaced.
    pub(crate) made_of: String,
    /// Processes of `SANDBOX=light`, which has no namespaces that would end them.
    #[serde(default)]
    pub(crate) light: Vec<Process>,
}

/// Loopback ports of this machine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Ports {
    pub(crate) api: u16,
    pub(crate) http: u16,
    pub(crate) https: u16,
    pub(crate) registry: u16,
}

impl Record {
    /// Reads the record; a sandbox that never ran has an empty one.
    pub(crate) fn read(site: &Site) -> Result<Self> {
        let path = site.in_state("record.json");
        match std::fs::read(&path) {
            Ok(text) => serde_json::from_slice(&text).with_context(|| format!("can't understand {}", path.display())),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(error).with_context(|| format!("can't read {}", path.display())),
        }
    }

    /// Writes the record in one step.
    pub(crate) fn write(&self, site: &Site) -> Result<()> {
        let path = site.in_state("record.json");
        let new = site.in_state("record.json.new");
        std::fs::create_dir_all(&site.state)
            .and_then(|()| std::fs::write(&new, serde_json::to_vec_pretty(self)?))
            .and_then(|()| std::fs::rename(&new, &path))
            .with_context(|| format!("can't write {}", path.display()))
    }

    pub(crate) fn processes(&self) -> impl Iterator<Item = Process> {
        [self.relay, self.init, self.holder]
            .into_iter()
            .flatten()
            .chain(self.light.iter().copied())
    }

    /// The record without namespaces that ended: the kernel gives their names to the next ones, which may be another
    /// checkout's.
    pub(crate) fn without_ended_namespaces(mut self) -> Self {
        if ![self.init, self.holder].into_iter().flatten().any(Process::is_alive) {
            self.namespaces.clear();
        }
        self
    }

    pub(crate) fn is_running(&self) -> bool {
        [self.relay, self.init, self.holder]
            .iter()
            .all(|process| process.is_some_and(Process::is_alive))
            || !self.light.is_empty() && self.light.iter().all(|process| process.is_alive())
    }
}

impl Ports {
    /// Four free ports: the former ones where they are still free, otherwise the next ones from the site's own range.
    pub(crate) fn choose(former: Self, first: u16) -> Result<Self> {
        let mut taken = Vec::new();
        let mut choose = |wanted: u16| -> Result<u16> {
            let candidates = (wanted != 0)
                .then_some(wanted)
                .into_iter()
                .chain(first..first.saturating_add(2_000));
            for port in candidates {
                if !taken.contains(&port) && TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
                    taken.push(port);
                    return Ok(port);
                }
            }
            bail!("no free loopback port from {first} on")
        };
        Ok(Self {
            api: choose(former.api)?,
            http: choose(former.http)?,
            https: choose(former.https)?,
            registry: choose(former.registry)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_stay_unless_somebody_took_them() {
        let first = Ports::choose(Ports::default(), 31_000).unwrap();
        assert_eq!(Ports::choose(first, 31_000).unwrap(), first);
        let stranger = TcpListener::bind((Ipv4Addr::LOCALHOST, first.https)).unwrap();
        let second = Ports::choose(first, 31_000).unwrap();
        assert_eq!(second.api, first.api);
        assert_ne!(second.https, first.https);
        drop(stranger);
    }

    #[test]
    fn a_record_is_read_as_it_was_written() {
        let folder = tempfile::tempdir().unwrap();
        let site = Site {
            state: folder.path().to_owned(),
            ..Site::at(folder.path()).unwrap()
        };
        assert!(!Record::read(&site).unwrap().is_running());
        let own = Process::of(i32::try_from(std::process::id()).unwrap());
        let record = Record {
            holder: own,
            init: own,
            relay: own,
            made_of: "x".to_owned(),
            namespaces: vec!["net:[1]".to_owned()],
            ..Record::default()
        };
        record.write(&site).unwrap();
        let read = Record::read(&site).unwrap();
        assert!(read.is_running());
        let mut read = read.without_ended_namespaces();
        assert_eq!(read.namespaces, ["net:[1]"]);
        (read.init, read.holder) = (None, None);
        let read = read.without_ended_namespaces();
        assert!(read.namespaces.is_empty(), "the names may be another's by now");
        assert_eq!(read.made_of, "x");
    }
}
