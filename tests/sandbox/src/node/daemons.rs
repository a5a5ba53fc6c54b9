//! The programs of the node with their arguments.
use std::path::PathBuf;

use super::{configuration, control_plane};
use crate::site::{NODE_ADDRESS, SERVICE_RANGE, Site};

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
    let mut daemons = control_plane::all(site, &control_plane::INSIDE);
    daemons.extend([
        debian(
            "containerd",
            "/usr/bin/env",
            Needs::Nothing,
            // The only registry there is here is the sandbox's. By `hosts.toml` its authority would be known for the
            // first try alone, and an image that is missing be reported as an unknown certificate.
            vec![
                format!("SSL_CERT_FILE={}", site.text("pki/ca.crt")),
                "containerd".to_owned(),
                "--config".to_owned(),
                site.text("etc/containerd.toml"),
            ],
        ),
        own("relay-inside", Needs::Nothing, relay(site)),
        debian(
            "registry",
            "/usr/bin/docker-registry",
            Needs::Nothing,
            vec!["serve".to_owned(), site.text("etc/registry.yaml")],
        ),
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
        own(
            "log-agent",
            API,
            vec![
                "log-agent".to_owned(),
                format!("--checkout={}", site.checkout.display()),
            ],
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
    ]);
    daemons
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
