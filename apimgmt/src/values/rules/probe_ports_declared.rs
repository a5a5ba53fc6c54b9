//! A probe asks on a port that is there.

use super::{Broken, Facts, Rule, Weight};
use crate::snapshot::{Port, pods::Probe};

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: "probe-ports-declared",
    title: "A port that a probe names is declared by its container",
    severity: Weight::Refuse,
    why: "The probe fails for ever: the pod never becomes ready, or is restarted again and again.",
    fix: "Give the container's port that name, or set the probe's port to a number.",
    judge,
};

fn judge(facts: &Facts) -> Vec<Broken> {
    let mut broken = Vec::new();
    for workload in &facts.workloads {
        for container in workload.containers() {
            let probes = [
                ("startupProbe", &container.startup_probe),
                ("readinessProbe", &container.readiness_probe),
                ("livenessProbe", &container.liveness_probe),
            ];
            for (kind, probe) in probes {
                let Some(Port::Name(name)) = probe.as_ref().and_then(port) else {
                    continue;
                };
                if !container.ports.iter().any(|port| port.name == *name) {
                    let text = format!(
                        "{kind} of container {} asks on port `{name}`, which it does not declare",
                        container.name
                    );
                    broken.push(Broken::new(workload.object(), text));
                }
            }
        }
    }
    broken
}

fn port(probe: &Probe) -> Option<&Port> {
    let by_request = probe.http_get.as_ref().map(|request| &request.port);
    by_request.or(probe.tcp_socket.as_ref().map(|socket| &socket.port))
}
