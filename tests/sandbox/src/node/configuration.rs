//! The configuration files of the node's programs.
use std::fs;

use anyhow::{Context, Result};
use serde_json::json;

use crate::{
    file, kubeconfig, pki,
    site::{DNS_ADDRESS, POD_RANGE, Site},
};

/// Where the ingress writes its process number; the controller signals it there.
pub(crate) const INGRESS_PROCESS: &str = "/run/ingress.pid";

/// Writes everything that the node's programs read.
pub(crate) fn write(site: &Site, api: u16) -> Result<()> {
    for folder in ["run", "log", "etc", "volumes", "registry", "bin", "volume-plugins"] {
        let path = site.in_state(folder);
        fs::create_dir_all(&path).with_context(|| format!("can't make {}", path.display()))?;
    }
    pki::ensure(&site.in_state("pki"))?;
    kubeconfig::write_inside(site, api)?;
    // Empty: no name outside the cluster can be resolved anyway.
    file::write(&site.in_state("etc/resolv.conf"), "")?;
    file::write(&site.in_state("etc/kubelet.yaml"), &kubelet(site)?)?;
    file::write(&site.in_state("etc/proxy.yaml"), &proxy(site)?)?;
    file::write(&site.in_state("etc/containerd.toml"), &containerd(site))?;
    file::write(&site.in_state("etc/cni/10-bridge.conflist"), &pod_network()?)?;
    crate::registry::configure(site)
}

fn kubelet(site: &Site) -> Result<String> {
    Ok(serde_yaml::to_string(&json!({
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        // Kubernetes 1.35 refuses cgroup version 1 otherwise.
        "failCgroupV1": false,
        "failSwapOn": false,
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": format!("/{}", site.cgroup()),
        "containerRuntimeEndpoint": "unix:///run/containerd/containerd.sock",
        "clusterDNS": [DNS_ADDRESS],
        "clusterDomain": "cluster.local",
        "resolvConf": site.text("etc/resolv.conf"),
        "volumePluginDir": site.text("volume-plugins"),
        "tlsCertFile": site.text("pki/kubelet.crt"),
        "tlsPrivateKeyFile": site.text("pki/kubelet.key"),
        "authentication": {
            "anonymous": {"enabled": false},
            "webhook": {"enabled": true},
            "x509": {"clientCAFile": site.text("pki/ca.crt")},
        },
        "authorization": {"mode": "Webhook"},
        // Amounts, not shares: a hundredth of a large disk is more than all of a sandbox takes.
        "evictionHard": {"memory.available": "100Mi", "nodefs.available": "300Mi", "imagefs.available": "300Mi"},
        // A full disk must not delete images that nobody can pull again.
        "imageGCHighThresholdPercent": 100,
        // Long logs are read as they are, before the node takes their beginning away.
        "containerLogMaxSize": "256Mi",
        "serializeImagePulls": false,
        "registryPullQPS": 0,
        // An image of the sandbox's registry takes a pull secret even when the node has it already; the node's own and
        // those of `load-image` never do.
        "imagePullCredentialsVerificationPolicy": "NeverVerifyAllowlistedImages",
        "preloadedImagesVerificationAllowlist":
            ["localhost/*", "docker.io/*", "ghcr.io/*", "quay.io/*", "registry.k8s.io/*"],
        "maxPods": 250,
    }))?)
}

fn proxy(site: &Site) -> Result<String> {
    Ok(serde_yaml::to_string(&json!({
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "mode": "nftables",
        "clusterCIDR": POD_RANGE,
        "hostnameOverride": "node1",
        "clientConnection": {"kubeconfig": site.text("etc/proxy.kubeconfig")},
        // Otherwise it writes settings of the kernel that a namespace may not.
        "conntrack": {"maxPerCore": 0, "min": 0},
    }))?)
}

fn pod_network() -> Result<String> {
    Ok(serde_json::to_string_pretty(&json!({
        "cniVersion": "1.0.0",
        "name": "pods",
        "plugins": [
            {
                "type": "bridge",
                "bridge": "cni0",
                "isGateway": true,
                "ipMasq": true,
                "hairpinMode": true,
                "ipam": {
                    "type": "host-local",
                    "ranges": [[{"subnet": POD_RANGE}]],
                    "routes": [{"dst": "0.0.0.0/0"}],
                },
            },
            {"type": "portmap", "capabilities": {"portMappings": true}},
        ],
    }))?)
}

fn containerd(site: &Site) -> String {
    format!(
        r#"version = 2
root = "{root}"
state = "/run/containerd"
[grpc]
  address = "/run/containerd/containerd.sock"
[plugins."io.containerd.internal.v1.opt"]
  path = "{additions}"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "localhost/pause:1"
  # Where the machine forbids lowering oom_score_adj, no pod would start.
  restrict_oom_score_adj = true
  enable_unprivileged_ports = true
  enable_unprivileged_icmp = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "{cni}"
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "overlayfs"
    default_runtime_name = "runc"
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
    SystemdCgroup = false
"#,
        root = site.text("containerd"),
        additions = site.text("containerd/opt"),
        cni = site.text("etc/cni"),
    )
}
