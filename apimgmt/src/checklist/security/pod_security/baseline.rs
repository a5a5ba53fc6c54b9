//! The controls of `baseline`, which `restricted` contains.

use super::{Subject, texts};
use crate::snapshot::pods::Container;

/// Parameters of the kernel that a pod may set, since each holds for the pod alone.
const SAFE_SYSCTLS: [&str; 12] = [
    "kernel.shm_rmid_forced",
    "net.ipv4.ip_local_port_range",
    "net.ipv4.ip_local_reserved_ports",
    "net.ipv4.ip_unprivileged_port_start",
    "net.ipv4.ping_group_range",
    "net.ipv4.tcp_fin_timeout",
    "net.ipv4.tcp_keepalive_intvl",
    "net.ipv4.tcp_keepalive_probes",
    "net.ipv4.tcp_keepalive_time",
    "net.ipv4.tcp_rmem",
    "net.ipv4.tcp_syncookies",
    "net.ipv4.tcp_wmem",
];

/// Capabilities that a Windows pod may name; others may add only what `restricted` allows.
const CAPABILITIES: [&str; 13] = [
    "AUDIT_WRITE",
    "CHOWN",
    "DAC_OVERRIDE",
    "FOWNER",
    "FSETID",
    "KILL",
    "MKNOD",
    "NET_BIND_SERVICE",
    "SETFCAP",
    "SETGID",
    "SETPCAP",
    "SETUID",
    "SYS_CHROOT",
];

const SELINUX_TYPES: [&str; 5] = [
    "",
    "container_t",
    "container_init_t",
    "container_kvm_t",
    "container_engine_t",
];

const APPARMOR_ANNOTATION: &str = "container.apparmor.security.beta.kubernetes.io/";

pub(super) fn controls(subject: &mut Subject<'_>) {
    host_process(subject);
    host_namespaces(subject);
    privileged(subject);
    capabilities(subject);
    host_ports(subject);
    probe_hosts(subject);
    app_armor(subject);
    selinux(subject);
    proc_mount(subject);
    sysctls(subject);
}

fn host_process(subject: &mut Subject<'_>) {
    for (path, context) in subject.contexts() {
        if context["windowsOptions"]["hostProcess"] == true {
            subject.violates(format!("{path}.windowsOptions.hostProcess"), "is true");
        }
    }
}

fn host_namespaces(subject: &mut Subject<'_>) {
    let spec = subject.spec;
    for (field, shared) in [
        ("hostNetwork", spec.host_network),
        ("hostPID", spec.host_pid),
        ("hostIPC", spec.host_ipc),
    ] {
        if shared {
            subject.violates(format!("spec.{field}"), "is true");
        }
    }
}

fn privileged(subject: &mut Subject<'_>) {
    for (path, container) in subject.containers() {
        if container.security_context["privileged"] == true {
            subject.violates(format!("{path}.securityContext.privileged"), "is true");
        }
    }
}

/// Others than Windows pods are held to the shorter list of `restricted`.
fn capabilities(subject: &mut Subject<'_>) {
    if !subject.is_windows() {
        return;
    }
    for (path, container) in subject.containers() {
        for added in texts(&container.security_context["capabilities"]["add"]) {
            if !CAPABILITIES.contains(&added) {
                subject.violates(
                    format!("{path}.securityContext.capabilities.add"),
                    format!("has {added}"),
                );
            }
        }
    }
}

fn host_ports(subject: &mut Subject<'_>) {
    for (path, container) in subject.containers() {
        for port in container.ports.iter().filter(|port| port.host_port != 0) {
            subject.violates(format!("{path}.ports.hostPort"), format!("is {}", port.host_port));
        }
    }
}

/// Since 1.34: a kubelet that asks another host than the pod lends its own place in the network.
fn probe_hosts(subject: &mut Subject<'_>) {
    for (path, container) in subject.containers() {
        for (field, host) in hosts(container) {
            if !host.is_empty() {
                subject.violates(format!("{path}.{field}.host"), format!("is {host}"));
            }
        }
    }
}

/// The hosts of a container's probes and of the steps of its lifecycle.
fn hosts(container: &Container) -> Vec<(&'static str, &str)> {
    let probes = [
        ("livenessProbe", &container.liveness_probe),
        ("readinessProbe", &container.readiness_probe),
        ("startupProbe", &container.startup_probe),
    ];
    let lifecycle = container.lifecycle.as_ref();
    let steps = [
        (
            "lifecycle.postStart",
            lifecycle.and_then(|steps| steps.post_start.as_ref()),
        ),
        ("lifecycle.preStop", lifecycle.and_then(|steps| steps.pre_stop.as_ref())),
    ];
    let mut hosts = Vec::new();
    for (field, probe) in probes {
        let Some(probe) = probe else { continue };
        hosts.extend(probe.http_get.iter().map(|get| (field, get.host.as_str())));
        hosts.extend(probe.tcp_socket.iter().map(|socket| (field, socket.host.as_str())));
    }
    for (field, step) in steps {
        let Some(step) = step else { continue };
        hosts.extend(step.http_get.iter().map(|get| (field, get.host.as_str())));
        hosts.extend(step.tcp_socket.iter().map(|socket| (field, socket.host.as_str())));
    }
    hosts
}

fn app_armor(subject: &mut Subject<'_>) {
    for (path, context) in subject.contexts() {
        if let Some(kind) = context["appArmorProfile"]["type"].as_str()
            && !["RuntimeDefault", "Localhost"].contains(&kind)
        {
            subject.violates(format!("{path}.appArmorProfile.type"), format!("is {kind}"));
        }
    }
    for (key, value) in &subject.metadata.annotations {
        let allowed = value.is_empty() || value == "runtime/default" || value.starts_with("localhost/");
        if key.starts_with(APPARMOR_ANNOTATION) && !allowed {
            subject.violates(format!("metadata.annotations[{key}]"), format!("is {value}"));
        }
    }
}

fn selinux(subject: &mut Subject<'_>) {
    for (path, context) in subject.contexts() {
        let options = &context["seLinuxOptions"];
        let text = |key: &str| options[key].as_str().unwrap_or_default();
        if !SELINUX_TYPES.contains(&text("type")) {
            subject.violates(format!("{path}.seLinuxOptions.type"), format!("is {}", text("type")));
        }
        for key in ["user", "role"] {
            if !text(key).is_empty() {
                subject.violates(format!("{path}.seLinuxOptions.{key}"), format!("is {}", text(key)));
            }
        }
    }
}

fn proc_mount(subject: &mut Subject<'_>) {
    for (path, container) in subject.containers() {
        match container.security_context["procMount"].as_str() {
            None | Some("Default") => {}
            Some(other) => subject.violates(format!("{path}.securityContext.procMount"), format!("is {other}")),
        }
    }
}

fn sysctls(subject: &mut Subject<'_>) {
    let sysctls = subject.spec.security_context["sysctls"].as_array();
    for sysctl in sysctls.into_iter().flatten() {
        let name = sysctl["name"].as_str().unwrap_or_default();
        if !SAFE_SYSCTLS.contains(&name) {
            subject.violates("spec.securityContext.sysctls", format!("sets {name}"));
        }
    }
}
