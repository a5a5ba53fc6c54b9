//! The programs of the node with their arguments, in the order in which they can start.
use std::path::PathBuf;

use super::configuration;
use crate::{
    scale,
    site::{NODE_ADDRESS, SERVICE_RANGE, Site},
};

/// One program that runs as long as the node does.
pub(crate) struct Daemon {
    pub(crate) name: &'static str,
    pub(crate) program: PathBuf,
    pub(crate) arguments: Vec<String>,
    pub(crate) needs: Needs,
}

/// What has to be there before a daemon may start.
pub(crate) enum Needs {
    Nothing,
    /// Something listens on this port of the loopback address.
    Port(u16),
    Socket(PathBuf),
    File(PathBuf),
}

const API: Needs = Needs::Port(6443);

/// Everything that `sandbox node-init` starts.
pub(crate) fn all(site: &Site) -> Vec<Daemon> {
    let daemon = |name: &'static str, needs, arguments: Vec<String>| Daemon {
        name,
        program: site.program(name),
        arguments,
        needs,
    };
    let debian = |name: &'static str, program: &str, needs, arguments: Vec<String>| Daemon {
        name,
        program: program.into(),
        arguments,
        needs,
    };
    let configuration = |file: &str| format!("--config={}", site.text(&format!("etc/{file}")));
    let own = |name: &'static str, needs, arguments: Vec<String>| Daemon {
        name,
        program: site.program("sandbox"),
        arguments,
        needs,
    };
    vec![
        daemon("etcd", Needs::Nothing, etcd(site)),
        daemon("kube-apiserver", Needs::Port(2379), api_server(site)),
        debian(
            "containerd",
            "/usr/bin/containerd",
            Needs::Nothing,
            vec!["--config".to_owned(), site.text("etc/containerd.toml")],
        ),
        own("relay-inside", Needs::Nothing, relay(site)),
        debian(
            "registry",
            "/usr/bin/docker-registry",
            Needs::Nothing,
            vec!["serve".to_owned(), site.text("etc/registry.yaml")],
        ),
        daemon("kube-controller-manager", API, controller_manager(site)),
        daemon("kube-scheduler", API, scheduler(site)),
        daemon(
            "kubelet",
            Needs::Socket("/run/containerd/containerd.sock".into()),
            kubelet(site),
        ),
        daemon("kube-proxy", API, vec![configuration("proxy.yaml"), "--v=0".to_owned()]),
        daemon(
            "network-policy-controller",
            API,
            vec![
                format!("--kubeconfig={}", site.text("etc/admin.kubeconfig")),
                "--hostname-override=node1".to_owned(),
                format!("--service-cluster-ip-range={SERVICE_RANGE}"),
            ],
        ),
        own(
            "platform",
            API,
            vec!["platform".to_owned(), format!("--checkout={}", site.checkout.display())],
        ),
        debian(
            "ingress",
            "/usr/sbin/haproxy",
            Needs::File(site.in_state("ingress/haproxy.cfg")),
            [
                "-W",
                "-p",
                configuration::INGRESS_PROCESS,
                "-f",
                &site.text("ingress/haproxy.cfg"),
            ]
            .map(str::to_owned)
            .to_vec(),
        ),
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
        ]
        .map(str::to_owned),
    );
    arguments
}

fn etcd(site: &Site) -> Vec<String> {
    let mut arguments = vec![format!("--data-dir={}", site.text("etcd"))];
    arguments.extend(
        [
            "--name=node1",
            "--listen-client-urls=http://127.0.0.1:2379",
            "--advertise-client-urls=http://127.0.0.1:2379",
            "--listen-peer-urls=http://127.0.0.1:2380",
            "--initial-advertise-peer-urls=http://127.0.0.1:2380",
            "--initial-cluster=node1=http://127.0.0.1:2380",
            // The data lives no longer than the node.
            "--unsafe-no-fsync",
            "--quota-backend-bytes=8589934592",
            "--log-level=warn",
        ]
        .map(str::to_owned),
    );
    arguments
}

fn api_server(site: &Site) -> Vec<String> {
    let pki = |file: &str| site.text(&format!("pki/{file}"));
    let mut arguments: Vec<String> = [
        "--secure-port=6443",
        "--bind-address=0.0.0.0",
        "--etcd-servers=http://127.0.0.1:2379",
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
    arguments.push(format!("--advertise-address={NODE_ADDRESS}"));
    arguments.push(format!("--service-cluster-ip-range={SERVICE_RANGE}"));
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

fn controller_manager(site: &Site) -> Vec<String> {
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
    ]
    .map(str::to_owned)
    .to_vec();
    for flag in ["kubeconfig", "authentication-kubeconfig", "authorization-kubeconfig"] {
        arguments.push(format!("--{flag}={kubeconfig}"));
    }
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

fn scheduler(site: &Site) -> Vec<String> {
    let kubeconfig = site.text("etc/scheduler.kubeconfig");
    let mut arguments: Vec<String> = ["--leader-elect=false", "--kube-api-qps=2000", "--kube-api-burst=4000"]
        .map(str::to_owned)
        .to_vec();
    for flag in ["kubeconfig", "authentication-kubeconfig", "authorization-kubeconfig"] {
        arguments.push(format!("--{flag}={kubeconfig}"));
    }
    arguments
}

fn kubelet(site: &Site) -> Vec<String> {
    vec![
        format!("--config={}", site.text("etc/kubelet.yaml")),
        format!("--kubeconfig={}", site.text("etc/kubelet.kubeconfig")),
        "--hostname-override=node1".to_owned(),
        format!("--node-ip={NODE_ADDRESS}"),
    ]
}

/// The sockets through which the machine's loopback ports reach the node.
fn relay(site: &Site) -> Vec<String> {
    let mut arguments = vec!["relay-inside".to_owned(), format!("--address={NODE_ADDRESS}")];
    for (port, socket) in [(6443, "api"), (80, "http"), (443, "https"), (5000, "registry")] {
        arguments.push(format!("{port}={}", site.text(&format!("run/{socket}.sock"))));
    }
    arguments
}
