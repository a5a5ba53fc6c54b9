//! What names resolve to from here: the public hosts that are declared to resolve here, and the names of load
//! balancers that have no fixed address.

use std::collections::BTreeSet;

use tokio::{net::lookup_host, time::timeout_at};

use super::{Run, trouble::Trouble};
use crate::snapshot::{Snapshot, Unreadable, Why, hostile, sessions::Resolution};

/// Longest time for one name.
const LONGEST: std::time::Duration = std::time::Duration::from_secs(5);
/// Most names.
const MOST: usize = 64;

impl Run {
    /// One answer for each name.
    pub(super) async fn resolution(&self, snapshot: &Snapshot) -> Result<Vec<Resolution>, Trouble> {
        let needs = |unreadable: Unreadable| Trouble::Unreadable(Why::Needs(unreadable.source));
        let hosts = snapshot.public_hosts().map_err(needs)?;
        let here = hosts
            .into_iter()
            .filter(|host| host.vantage_points.iter().any(|point| point == "here"))
            .map(|host| host.host);
        let ingresses = snapshot.ingresses().map_err(needs)?;
        let balancers = ingresses
            .iter()
            .flat_map(|ingress| &ingress.status.load_balancer.ingress)
            .map(|address| address.hostname.clone())
            .filter(|name| !name.is_empty());
        let names: BTreeSet<String> = here.chain(balancers).collect();
        if names.len() > MOST {
            return Err(Trouble::failed(format!("{} names are more than {MOST}", names.len())));
        }
        Ok(futures::future::join_all(names.into_iter().map(|name| self.resolve(name))).await)
    }

    async fn resolve(&self, host: String) -> Resolution {
        let found = match timeout_at(self.until(LONGEST), lookup_host((host.as_str(), 443))).await {
            Err(_) => Err(format!("no answer within {} s", LONGEST.as_secs())),
            Ok(Err(error)) => Err(hostile::line(&error.to_string())),
            Ok(Ok(found)) => Ok(found.map(|address| address.ip()).collect::<BTreeSet<_>>()),
        };
        match found {
            Ok(addresses) => Resolution {
                host,
                addresses: addresses.iter().map(ToString::to_string).collect(),
                error: None,
            },
            Err(error) => Resolution {
                host,
                addresses: Vec::new(),
                error: Some(error),
            },
        }
    }
}
