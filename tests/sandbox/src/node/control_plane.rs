//! The programs that make a Kubernetes without a node: inside the namespaces, or as plain processes.
use super::daemons::{Daemon, Needs};
use crate::{
    scale,
    site::{NODE_ADDRESS, SERVICE_RANGE, Site},
};

/// Where the programs listen.
pub(crate) struct Place {
    pub(crate) bind: &'static str,
    /// What the API server tells others about itself; nothing where there are no others.
    pub(crate) advertise: Option<&'static str>,
    pub(crate) api: u16,
    pub(crate) store: u16,
    pub(crate) store_peers: u16,
    /// 0: no port of its own.
    pub(crate) controller_manager: u16,
    pub(crate) scheduler: u16,
}

/// The usual ports: the network namespace has no other user.
pub(crate) const INSIDE: Place = Place {
    bind: "0.0.0.0",
    advertise: Some(NODE_ADDRESS),
    api: 6443,
    store: 2379,
    store_peers: 2380,
    controller_manager: 10257,
    scheduler: 10259,
};

/// The control plane, and kwok for nodes that don't exist.
pub(crate) fn all(site: &Site, place: &Place) -> Vec<Daemon> {
    let daemon = |name: &'static str, needs, arguments| Daemon {
        name,
        program: site.program(name),
        arguments,
        needs,
    };
    let api = || Needs::Port(place.api);
    vec![
        daemon("etcd", Needs::Nothing, etcd(site, place)),
        daemon("kube-apiserver", Needs::Port(place.store), api_server(site, place)),
        daemon("kube-controller-manager", api(), controller_manager(site, place)),
        daemon("kube-scheduler", api(), scheduler(site, place)),
        daemon("kwok", Needs::File(site.in_state(scale::FAKE)), kwok(site)),
    ]
}

/// Plays the kubelet of nodes that don't exist.
fn kwok(site: &Site) -> Vec<String> {
    let mut arguments = vec![
        format!("--config={}", site.text(scale::FAKE)),
        format!("--kubeconfig={}", site.text("etc/admin.kubeconfig")),
    ];
    arguments.extend(
        [
            "--manage-all-nodes=false",
            "--manage-nodes-with-label-selector=type=kwok",
            "--node-lease-duration-seconds=40",
            "--cidr=10.200.0.0/16",
            "--v=WARN",
        ]
        .map(str::to_owned),
    );
    arguments
}

fn etcd(site: &Site, place: &Place) -> Vec<String> {
    let (own, peers) = (
        format!("http://127.0.0.1:{}", place.store),
        format!("http://127.0.0.1:{}", place.store_peers),
    );
    let mut arguments = vec![
        format!("--data-dir={}", site.text("etcd")),
        format!("--listen-client-urls={own}"),
        format!("--advertise-client-urls={own}"),
        format!("--listen-peer-urls={peers}"),
        format!("--initial-advertise-peer-urls={peers}"),
        format!("--initial-cluster=node1={peers}"),
    ];
    arguments.extend(
        [
            "--name=node1",
            // The data lives no longer than the node.
            "--unsafe-no-fsync",
            "--quota-backend-bytes=8589934592",
            "--log-level=warn",
        ]
        .map(str::to_owned),
    );
    arguments
}

fn api_server(site: &Site, place: &Place) -> Vec<String> {
    let pki = |file: &str| site.text(&format!("pki/{file}"));
    let mut arguments: Vec<String> = [
        "--authorization-mode=Node,RBAC",
        "--enable-admission-plugins=NodeRestriction",
        "--allow-privileged=true",
        "--kubelet-preferred-address-types=InternalIP",
        "--service-account-issuer=https://kubernetes.default.svc",
        // Aggregated APIs, such as the metrics.
        "--requestheader-allowed-names=front-proxy",
        "--requestheader-username-headers=X-Remote-User",
        "--requestheader-group-headers=X-Remote-Group",
        "--requestheader-extra-headers-prefix=X-Remote-Extra-",
        "--enable-aggregator-routing=true",
    ]
    .map(str::to_owned)
    .to_vec();
    arguments.push(format!("--secure-port={}", place.api));
    arguments.push(format!("--bind-address={}", place.bind));
    arguments.push(format!("--etcd-servers=http://127.0.0.1:{}", place.store));
    arguments.push(format!("--service-cluster-ip-range={SERVICE_RANGE}"));
    if let Some(address) = place.advertise {
        arguments.push(format!("--advertise-address={address}"));
    } else {
        // An address for documentation, told to nobody: the server insists on one that isn't loopback.
        arguments.extend(["--advertise-address=192.0.2.1", "--endpoint-reconciler-type=none"].map(str::to_owned));
    }
    for (flag, file) in [
        ("client-ca-file", "ca.crt"),
        ("tls-cert-file", "apiserver.crt"),
        ("tls-private-key-file", "apiserver.key"),
        ("kubelet-certificate-authority", "ca.crt"),
        ("kubelet-client-certificate", "admin.crt"),
        ("kubelet-client-key", "admin.key"),
        ("service-account-key-file", "service-accounts.pub"),
        ("service-account-signing-key-file", "service-accounts.key"),
        ("requestheader-client-ca-file", "ca.crt"),
        ("proxy-client-cert-file", "front-proxy.crt"),
        ("proxy-client-key-file", "front-proxy.key"),
    ] {
        arguments.push(format!("--{flag}={}", pki(file)));
    }
    arguments
}

fn controller_manager(site: &Site, place: &Place) -> Vec<String> {
    let port = format!("--secure-port={}", place.controller_manager);
    let kubeconfig = site.text("etc/controller-manager.kubeconfig");
    let pki = |file: &str| site.text(&format!("pki/{file}"));
    let mut arguments: Vec<String> = [
        "--use-service-account-credentials",
        "--leader-elect=false",
        "--kube-api-qps=2000",
        "--kube-api-burst=4000",
        "--concurrent-deployment-syncs=20",
        "--concurrent-replicaset-syncs=20",
        "--concurrent-service-endpoint-syncs=20",
        "--concurrent-endpoint-syncs=20",
        // Tests shouldn't wait minutes for a decision of the autoscaler.
        "--horizontal-pod-autoscaler-sync-period=5s",
        "--horizontal-pod-autoscaler-initial-readiness-delay=5s",
        "--horizontal-pod-autoscaler-cpu-initialization-period=10s",
        &port,
    ]
    .map(str::to_owned)
    .to_vec();
    for flag in ["kubeconfig", "authentication-kubeconfig", "authorization-kubeconfig"] {
        arguments.push(format!("--{flag}={kubeconfig}"));
    }
    // Otherwise it makes a folder of the machine's.
    arguments.push(format!("--flex-volume-plugin-dir={}", site.text("volume-plugins")));
    for (flag, file) in [
        ("root-ca-file", "ca.crt"),
        ("service-account-private-key-file", "service-accounts.key"),
        ("cluster-signing-cert-file", "ca.crt"),
        ("cluster-signing-key-file", "ca.key"),
        ("requestheader-client-ca-file", "ca.crt"),
    ] {
        arguments.push(format!("--{flag}={}", pki(file)));
    }
    arguments
}

fn scheduler(site: &Site, place: &Place) -> Vec<String> {
    let kubeconfig = site.text("etc/scheduler.kubeconfig");
    let port = format!("--secure-port={}", place.scheduler);
    let mut arguments: Vec<String> = [
        &port,
        "--leader-elect=false",
        "--kube-api-qps=2000",
        "--kube-api-burst=4000",
    ]
    .map(str::to_owned)
    .to_vec();
    for flag in ["kubeconfig", "authentication-kubeconfig", "authorization-kubeconfig"] {
        arguments.push(format!("--{flag}={kubeconfig}"));
    }
    arguments
}
