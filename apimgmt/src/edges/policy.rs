//! Network policies, evaluated as the API defines them.
//!
//! Source: <https://kubernetes.io/docs/reference/kubernetes-api/policy-resources/network-policy-v1/>. Policies only ever
//! permit: a pod that no policy isolates in a direction permits everything in it, and one that some isolate permits what
//! any of them does. A connection needs the permission of both of its ends.

use std::net::IpAddr;

use super::Place;
use crate::snapshot::{
    LabelSelector, Labels, Port,
    namespaces::Namespace,
    network_policies::{IpBlock, NetworkPolicy, Peer, PermittedPort},
};

/// The policies of one namespace, and the labels of all namespaces.
pub(crate) struct Policies<'a> {
    /// The policies.
    pub(crate) listed: &'a [NetworkPolicy],
    /// Where they are.
    pub(crate) namespace: &'a str,
    /// Every namespace.
    pub(crate) namespaces: &'a [Namespace],
}

/// A direction of traffic, seen from a pod.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Direction {
    /// To the pod.
    Ingress,
    /// From the pod.
    Egress,
}

impl Direction {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Ingress => "ingress",
            Self::Egress => "egress",
        }
    }
}

/// A connection between two places.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Connection<'a> {
    pub(crate) from: &'a Place,
    pub(crate) to: &'a Place,
    pub(crate) port: u16,
    pub(crate) protocol: &'a str,
}

impl Policies<'_> {
    /// The directions in which a connection is denied; none means that it is permitted.
    pub(crate) fn denied(&self, connection: Connection<'_>) -> Vec<Direction> {
        [Direction::Egress, Direction::Ingress]
            .into_iter()
            .filter(|direction| !self.permits(*direction, connection))
            .collect()
    }

    /// Whether a pod is isolated: what no policy permits is denied.
    pub(crate) fn isolates(&self, direction: Direction, labels: &Labels) -> bool {
        self.isolating(direction, labels).next().is_some()
    }

    /// The policies that isolate a pod in a direction.
    pub(crate) fn isolating<'b>(
        &'b self,
        direction: Direction,
        labels: &'b Labels,
    ) -> impl Iterator<Item = &'b NetworkPolicy> {
        self.listed
            .iter()
            .filter(move |policy| acts_on(policy, direction) && policy.spec.pod_selector.matches(labels))
    }

    fn permits(&self, direction: Direction, connection: Connection<'_>) -> bool {
        let (own, other) = match direction {
            Direction::Ingress => (connection.to, connection.from),
            Direction::Egress => (connection.from, connection.to),
        };
        let Place::Pod { namespace, labels, .. } = own else {
            return true;
        };
        if namespace != self.namespace {
            // Policies of other namespaces are not known here, and the release cannot answer for them.
            return true;
        }
        let mut isolating = self.isolating(direction, labels).peekable();
        if isolating.peek().is_none() {
            return true;
        }
        isolating.any(|policy| match direction {
            Direction::Ingress => policy
                .spec
                .ingress
                .iter()
                .any(|rule| self.is_permitted(&rule.from, &rule.ports, other, connection)),
            Direction::Egress => policy
                .spec
                .egress
                .iter()
                .any(|rule| self.is_permitted(&rule.to, &rule.ports, other, connection)),
        })
    }

    /// Whether one rule permits: a peer and a port of it fit, and an empty list fits everything.
    fn is_permitted(&self, peers: &[Peer], ports: &[PermittedPort], other: &Place, connection: Connection<'_>) -> bool {
        (peers.is_empty() || peers.iter().any(|peer| self.is_peer(peer, other)))
            && (ports.is_empty() || ports.iter().any(|port| is_port(port, connection)))
    }

    fn is_peer(&self, peer: &Peer, place: &Place) -> bool {
        if let Some(block) = &peer.ip_block {
            return match place {
                Place::Address(address) => holds(block, *address),
                Place::Pod { address, .. } => address.map_or_else(|| holds_any(block), |address| holds(block, address)),
            };
        }
        let Place::Pod { namespace, labels, .. } = place else {
            return false;
        };
        let selects = |selector: &Option<LabelSelector>, labels: &Labels| {
            selector.as_ref().is_none_or(|selector| selector.matches(labels))
        };
        match (&peer.namespace_selector, &peer.pod_selector) {
            (None, None) => false,
            (None, pods) => namespace == self.namespace && selects(pods, labels),
            (Some(spaces), pods) => {
                let known = self.namespaces.iter().find(|one| one.metadata.name == *namespace);
                known.is_some_and(|known| spaces.matches(&known.metadata.labels)) && selects(pods, labels)
            }
        }
    }
}

/// Whether a policy isolates in a direction.
fn acts_on(policy: &NetworkPolicy, direction: Direction) -> bool {
    let types = &policy.spec.policy_types;
    let is_named = |name: &str| types.iter().any(|kind| kind == name);
    match direction {
        Direction::Ingress => types.is_empty() || is_named("Ingress"),
        Direction::Egress => is_named("Egress") || (types.is_empty() && !policy.spec.egress.is_empty()),
    }
}

fn is_port(permitted: &PermittedPort, connection: Connection<'_>) -> bool {
    let protocol = if permitted.protocol.is_empty() {
        "TCP"
    } else {
        &permitted.protocol
    };
    protocol == connection.protocol
        && match (&permitted.port, permitted.end_port) {
            (None, _) => true,
            (Some(Port::Number(first)), Some(last)) => (*first..=last).contains(&connection.port),
            (Some(Port::Number(number)), None) => *number == connection.port,
            (Some(Port::Name(name)), _) => has_port(connection.to, name, connection),
        }
}

/// A name is that of a port of the pod that is connected to, in either direction.
fn has_port(to: &Place, name: &str, connection: Connection<'_>) -> bool {
    let Place::Pod { ports, .. } = to else {
        return false;
    };
    ports.iter().any(|(named, number, protocol)| {
        let protocol = if protocol.is_empty() { "TCP" } else { protocol };
        named == name && *number == connection.port && protocol == connection.protocol
    })
}

fn holds(block: &IpBlock, address: IpAddr) -> bool {
    contains(&block.cidr, address) && !block.except.iter().any(|hole| contains(hole, address))
}

/// Whether a block holds whatever address a pod gets.
fn holds_any(block: &IpBlock) -> bool {
    block.except.is_empty() && block.cidr.ends_with("/0")
}

/// Whether a range such as `10.0.0.0/8` contains an address; what is no range contains nothing.
pub(crate) fn contains(cidr: &str, address: IpAddr) -> bool {
    fn leading<const BYTES: usize>(left: [u8; BYTES], right: [u8; BYTES], length: u32) -> bool {
        (0..length).all(|bit| {
            let (byte, mask) = ((bit / 8) as usize, 0x80_u8 >> (bit % 8));
            left[byte] & mask == right[byte] & mask
        })
    }
    let Some((network, length)) = cidr.split_once('/') else {
        return false;
    };
    let (Ok(network), Ok(length)) = (network.parse::<IpAddr>(), length.parse::<u32>()) else {
        return false;
    };
    match (network, address) {
        (IpAddr::V4(network), IpAddr::V4(address)) => {
            length <= 32 && leading(network.octets(), address.octets(), length)
        }
        (IpAddr::V6(network), IpAddr::V6(address)) => {
            length <= 128 && leading(network.octets(), address.octets(), length)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests;
