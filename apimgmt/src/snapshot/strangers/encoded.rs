//! A stranger in the API server's binary encoding. The numbers are those of `k8s.io/api/core/v1/generated.proto`; what is not
//! named here is skipped.

use std::{borrow::Cow, collections::HashMap};

use prost::Message;

use super::{Amounts, Demand, HostPort, Owner, Requests, Stranger, reserved, workload};
use crate::snapshot::Quantity;

#[derive(Message)]
struct Pod {
    #[prost(message, tag = "1")]
    metadata: Option<Metadata>,
    #[prost(message, tag = "2")]
    spec: Option<Spec>,
    #[prost(message, tag = "3")]
    status: Option<Status>,
}

#[derive(Message)]
struct Metadata {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(string, tag = "3")]
    namespace: String,
    #[prost(map = "string, string", tag = "11")]
    labels: HashMap<String, String>,
    #[prost(message, repeated, tag = "13")]
    owners: Vec<OwnerReference>,
}

#[derive(Message)]
struct OwnerReference {
    #[prost(string, tag = "1")]
    kind: String,
    #[prost(string, tag = "3")]
    name: String,
    #[prost(bool, tag = "6")]
    controller: bool,
}

#[derive(Message)]
struct Spec {
    #[prost(message, repeated, tag = "2")]
    containers: Vec<Container>,
    #[prost(string, tag = "10")]
    node_name: String,
    #[prost(message, repeated, tag = "20")]
    init_containers: Vec<Container>,
    #[prost(map = "string, message", tag = "32")]
    overhead: HashMap<String, Amount>,
}

#[derive(Message)]
struct Container {
    #[prost(message, repeated, tag = "6")]
    ports: Vec<Port>,
    #[prost(message, tag = "8")]
    resources: Option<Resources>,
    #[prost(string, optional, tag = "24")]
    restart_policy: Option<String>,
}

#[derive(Message)]
struct Port {
    #[prost(int32, tag = "2")]
    host_port: i32,
}

#[derive(Message)]
struct Resources {
    #[prost(map = "string, message", tag = "2")]
    requests: HashMap<String, Amount>,
}

#[derive(PartialEq, Message)]
struct Amount {
    #[prost(string, tag = "1")]
    written: String,
}

#[derive(Message)]
struct Status {
    #[prost(string, tag = "1")]
    phase: String,
}

impl Stranger {
    /// Reads a pod as the API server encodes it.
    ///
    /// # Errors
    /// When it is no such pod.
    pub(in crate::snapshot) fn decode(bytes: &[u8]) -> Result<Self, prost::DecodeError> {
        let Pod { metadata, spec, status } = Pod::decode(bytes)?;
        let (metadata, spec) = (metadata.unwrap_or_default(), spec.unwrap_or_default());
        let hash = metadata
            .labels
            .get("pod-template-hash")
            .map(String::as_str)
            .unwrap_or_default();
        let owner = metadata
            .owners
            .iter()
            .find(|owner| owner.controller)
            .map(|owner| Owner {
                kind: owner.kind.as_str().into(),
                name: Cow::Borrowed(&owner.name),
                controller: true,
            });
        let ports = spec.containers.iter().flat_map(|container| &container.ports);
        let ports = ports.filter_map(|port| u16::try_from(port.host_port).ok());
        Ok(Self {
            namespace: metadata.namespace.as_str().into(),
            name: metadata.name.as_str().into(),
            node: spec.node_name.as_str().into(),
            workload: owner.map(|owner| workload(&owner, hash)),
            host_ports: ports.filter(|port| *port != 0).collect(),
            reserved: reserved(
                spec.containers.into_iter().map(demand).collect(),
                &spec.init_containers.into_iter().map(demand).collect::<Vec<_>>(),
                &amounts(spec.overhead),
            )
            .into(),
            phase: status.unwrap_or_default().phase.as_str().into(),
        })
    }
}

fn demand(container: Container) -> Demand<'static> {
    let requests = container.resources.unwrap_or_default().requests;
    let ports = container
        .ports
        .iter()
        .filter_map(|port| u16::try_from(port.host_port).ok());
    Demand {
        resources: Requests {
            requests: amounts(requests),
        },
        restart_policy: container.restart_policy.map(Cow::Owned),
        ports: ports.map(|host_port| HostPort { host_port }).collect(),
    }
}

fn amounts(encoded: HashMap<String, Amount>) -> Amounts {
    let amounts = encoded.into_iter();
    amounts
        .map(|(resource, amount)| (resource, Quantity(amount.written)))
        .collect()
}

#[cfg(test)]
mod tests {
    use base64::{Engine, prelude::BASE64_STANDARD};

    use super::Stranger;

    /// Pods as an API server of Kubernetes 1.35 gave them in both encodings, with what is read here and much that is not.
    const RECORDED: &str = include_str!("recorded.yaml");

    #[derive(serde::Deserialize)]
    struct Recorded {
        json: serde_json::Value,
        encoded: String,
    }

    #[test]
    fn a_pod_says_the_same_in_both_encodings() {
        let recorded: Vec<Recorded> = serde_yaml::from_str(RECORDED).unwrap();
        assert!(recorded.len() > 2);
        for pod in recorded {
            let bytes = BASE64_STANDARD
                .decode(pod.encoded.replace(char::is_whitespace, ""))
                .unwrap();
            let of_json: Stranger = serde_json::from_value(pod.json).unwrap();
            assert_eq!(Stranger::decode(&bytes).unwrap(), of_json);
        }
    }
}
