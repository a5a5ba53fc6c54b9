//! How traffic reaches pods: services, their endpoints, ingresses.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{Labels, Metadata, Port, Shared, Text};

/// A service.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Service {
    /// Identity.
    pub metadata: Metadata,
    /// What was asked for.
    pub spec: ServiceSpec,
    /// What is.
    pub status: ServiceStatus,
}

/// What a service reports.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ServiceStatus {
    /// Where it is reached, for a load balancer.
    pub load_balancer: LoadBalancerStatus,
}

/// What a service asks for.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ServiceSpec {
    /// `ClusterIP`, `NodePort`, `LoadBalancer`, `ExternalName`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Labels of the pods behind it; empty means that endpoints are made by hand.
    pub selector: Shared<Labels>,
    /// Ports.
    pub ports: Vec<ServicePort>,
    /// Address, `None` when headless.
    #[serde(rename = "clusterIP")]
    pub cluster_ip: String,
    /// Name that it stands for.
    pub external_name: String,
    /// Addresses outside of the cluster that lead to it.
    #[serde(rename = "externalIPs")]
    pub external_ips: Vec<String>,
    /// `Local`: asked from a node, it answers with the pods of that node alone.
    pub internal_traffic_policy: Text,
    /// Who may reach its load balancer; none means everybody.
    pub load_balancer_source_ranges: Vec<String>,
}

/// A port of a service.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ServicePort {
    /// Name.
    pub name: String,
    /// Number.
    pub port: u16,
    /// Port of the pods.
    pub target_port: Option<Port>,
    /// Port taken on every node, 0 for none.
    pub node_port: u16,
}

/// Endpoints behind a service.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct EndpointSlice {
    /// Identity; the label `kubernetes.io/service-name` names the service.
    pub metadata: Metadata,
    /// Endpoints.
    #[serde(deserialize_with = "super::null_is_empty")]
    pub endpoints: Vec<Endpoint>,
    /// Ports.
    #[serde(deserialize_with = "super::null_is_empty")]
    pub ports: Vec<EndpointPort>,
}

/// One endpoint.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, from = "WrittenEndpoint")]
pub struct Endpoint {
    /// Addresses, where no object is named that has them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub addresses: Vec<String>,
    /// Readiness.
    pub conditions: EndpointConditions,
    /// The pod.
    pub target_ref: Option<TargetReference>,
}

/// An endpoint as the cluster writes it.
#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct WrittenEndpoint {
    addresses: Vec<String>,
    conditions: EndpointConditions,
    target_ref: Option<TargetReference>,
}

impl From<WrittenEndpoint> for Endpoint {
    fn from(written: WrittenEndpoint) -> Self {
        let named = written.target_ref.is_some();
        Self {
            addresses: if named { Vec::new() } else { written.addresses },
            conditions: written.conditions,
            target_ref: written.target_ref,
        }
    }
}

/// Readiness of an endpoint.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct EndpointConditions {
    /// Takes traffic; absent means true.
    pub ready: Option<bool>,
}

/// The object behind an endpoint.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct TargetReference {
    /// Kind.
    pub kind: Text,
    /// Name.
    pub name: String,
}

/// A port of endpoints.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct EndpointPort {
    /// Name.
    pub name: String,
    /// Number.
    pub port: u16,
}

/// An ingress class.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct IngressClass {
    /// Identity.
    pub metadata: Metadata,
    /// What was asked for.
    pub spec: IngressClassSpec,
}

/// What an ingress class asks for.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct IngressClassSpec {
    /// Who serves it.
    pub controller: String,
}

impl IngressClass {
    /// Whether ingresses that name no class get this one.
    pub fn is_default(&self) -> bool {
        let marked = self
            .metadata
            .annotations
            .get("ingressclass.kubernetes.io/is-default-class");
        marked.is_some_and(|value| value == "true")
    }
}

/// An ingress.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Ingress {
    /// Identity.
    pub metadata: Metadata,
    /// What was asked for.
    pub spec: IngressSpec,
    /// What is.
    pub status: IngressStatus,
}

impl Ingress {
    /// The hosts of its rules and of its certificates, each once.
    pub fn hosts(&self) -> BTreeSet<&str> {
        let rules = self.spec.rules.iter().map(|rule| rule.host.as_str());
        let certificates = self.spec.tls.iter().flat_map(|tls| &tls.hosts).map(String::as_str);
        rules.chain(certificates).filter(|host| !host.is_empty()).collect()
    }

    /// The secret of the `tls` entry that names `host`; empty where the certificate is left to the controller.
    pub fn secret_for(&self, host: &str) -> Option<&str> {
        let mut entries = self.spec.tls.iter();
        let entry = entries.find(|tls| tls.hosts.iter().any(|pattern| host_matches(pattern, host)));
        entry.map(|tls| tls.secret_name.as_str())
    }

    /// `ingress/NAME`.
    pub fn object(&self) -> String {
        format!("ingress/{}", self.metadata.name)
    }
}

/// Whether `pattern`, a host or a wildcard of exactly one label, means `host`.
pub fn host_matches(pattern: &str, host: &str) -> bool {
    let (pattern, host) = (pattern.to_ascii_lowercase(), host.to_ascii_lowercase());
    match pattern.strip_prefix("*.") {
        Some(parent) => host
            .split_once('.')
            .is_some_and(|(label, rest)| !label.is_empty() && rest == parent),
        None => pattern == host,
    }
}

/// What an ingress asks for.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct IngressSpec {
    /// Class that serves it.
    pub ingress_class_name: String,
    /// Certificates.
    pub tls: Vec<IngressTls>,
    /// Rules.
    pub rules: Vec<IngressRule>,
}

/// The certificate for some hosts.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct IngressTls {
    /// Hosts.
    pub hosts: Vec<String>,
    /// Secret with certificate and key.
    pub secret_name: String,
}

/// The paths of one host.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct IngressRule {
    /// Host.
    pub host: String,
    /// Paths.
    pub http: IngressPaths,
}

/// Paths.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct IngressPaths {
    /// Paths.
    pub paths: Vec<IngressPath>,
}

/// One path and its backend.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct IngressPath {
    /// Path.
    pub path: String,
    /// Backend.
    pub backend: IngressBackend,
}

/// A backend.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct IngressBackend {
    /// Service.
    pub service: IngressService,
}

/// The service of a backend.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct IngressService {
    /// Name.
    pub name: String,
    /// Port.
    pub port: IngressServicePort,
}

/// The port of a backend.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct IngressServicePort {
    /// By name.
    pub name: String,
    /// By number.
    pub number: u16,
}

/// What an ingress reports.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct IngressStatus {
    /// Where it is reached.
    pub load_balancer: LoadBalancerStatus,
}

/// Addresses of a load balancer.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct LoadBalancerStatus {
    /// Addresses.
    pub ingress: Vec<LoadBalancerAddress>,
}

/// One address.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct LoadBalancerAddress {
    /// IP address.
    pub ip: String,
    /// Host name.
    pub hostname: String,
}
