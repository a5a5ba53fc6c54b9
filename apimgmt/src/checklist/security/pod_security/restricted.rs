//! What `restricted` asks beyond `baseline`.

use serde_json::Value;

use super::{Subject, texts};
use crate::snapshot::pods::Volume;

pub(super) fn controls(subject: &mut Subject<'_>) {
    volume_types(subject);
    privilege_escalation(subject);
    non_root(subject);
    non_root_user(subject);
    seccomp(subject);
    capabilities(subject);
}

fn volume_types(subject: &mut Subject<'_>) {
    for volume in &subject.spec.volumes {
        if volume.host_path.is_some() {
            subject.violates(format!("spec.volumes[{}].hostPath", volume.name), "is there");
        } else if !is_allowed(volume) {
            subject.violates(
                format!("spec.volumes[{}]", volume.name),
                "is of a type that `restricted` does not allow",
            );
        }
    }
}

fn is_allowed(volume: &Volume) -> bool {
    volume.config_map.is_some()
        || volume.csi.is_some()
        || volume.downward_api.is_some()
        || volume.empty_dir.is_some()
        || volume.ephemeral.is_some()
        || volume.image.is_some()
        || volume.persistent_volume_claim.is_some()
        || volume.projected.is_some()
        || volume.secret.is_some()
}

fn privilege_escalation(subject: &mut Subject<'_>) {
    if subject.is_windows() {
        return;
    }
    for (path, container) in subject.containers() {
        if container.security_context["allowPrivilegeEscalation"] != false {
            subject.violates(
                format!("{path}.securityContext.allowPrivilegeEscalation"),
                "is not false",
            );
        }
    }
}

fn non_root(subject: &mut Subject<'_>) {
    if subject.has_own_users() {
        return;
    }
    let of_pod = subject.spec.security_context["runAsNonRoot"].as_bool();
    if of_pod == Some(false) {
        subject.violates("spec.securityContext.runAsNonRoot", "is false");
    }
    for (path, container) in subject.containers() {
        match container.security_context["runAsNonRoot"].as_bool() {
            Some(true) => {}
            Some(false) => subject.violates(format!("{path}.securityContext.runAsNonRoot"), "is false"),
            None if of_pod.is_some() => {}
            None => subject.violates(format!("{path}.securityContext.runAsNonRoot"), "is not true"),
        }
    }
}

fn non_root_user(subject: &mut Subject<'_>) {
    if subject.has_own_users() {
        return;
    }
    for (path, context) in subject.contexts() {
        if context["runAsUser"].as_i64() == Some(0) {
            subject.violates(format!("{path}.runAsUser"), "is 0");
        }
    }
}

fn seccomp(subject: &mut Subject<'_>) {
    if subject.is_windows() {
        return;
    }
    let confines = |kind: &str| ["RuntimeDefault", "Localhost"].contains(&kind);
    let of_pod = kind(&subject.spec.security_context);
    if let Some(other) = of_pod.filter(|kind| !confines(kind)) {
        subject.violates("spec.securityContext.seccompProfile.type", format!("is {other}"));
    }
    for (path, container) in subject.containers() {
        let field = format!("{path}.securityContext.seccompProfile.type");
        match kind(&container.security_context) {
            Some(own) if confines(own) => {}
            Some(other) => subject.violates(field, format!("is {other}")),
            None if of_pod.is_some() => {}
            None => subject.violates(field, "is not set"),
        }
    }
}

fn kind(context: &Value) -> Option<&str> {
    context["seccompProfile"]["type"].as_str()
}

fn capabilities(subject: &mut Subject<'_>) {
    if subject.is_windows() {
        return;
    }
    for (path, container) in subject.containers() {
        let capabilities = &container.security_context["capabilities"];
        if !texts(&capabilities["drop"]).any(|dropped| dropped == "ALL") {
            subject.violates(format!("{path}.securityContext.capabilities.drop"), "lacks ALL");
        }
        for added in texts(&capabilities["add"]).filter(|added| *added != "NET_BIND_SERVICE") {
            subject.violates(
                format!("{path}.securityContext.capabilities.add"),
                format!("has {added}"),
            );
        }
    }
}
