//! The Pod Security Standard `restricted`, control by control, as of Kubernetes 1.35.
//!
//! Source: <https://kubernetes.io/docs/concepts/security/pod-security-standards/>; where its text leaves something open,
//! what the admission plugin does (`k8s.io/pod-security-admission/policy`) decides.

mod baseline;
mod restricted;

use serde_json::Value;

use crate::snapshot::{Metadata, PodSpec, pods::Container};

/// A field that breaks a control.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Violation {
    /// Path of the field, with the container's name in brackets.
    pub(super) field: String,
    /// What is wrong with it.
    pub(super) wrong: String,
}

/// A pod's specification with what its controls look at.
struct Subject<'a> {
    metadata: &'a Metadata,
    spec: &'a PodSpec,
    violations: Vec<Violation>,
}

/// Every field of a pod that breaks `restricted`, in the order of the controls.
pub(super) fn violations(metadata: &Metadata, spec: &PodSpec) -> Vec<Violation> {
    let mut subject = Subject {
        metadata,
        spec,
        violations: Vec::new(),
    };
    baseline::controls(&mut subject);
    restricted::controls(&mut subject);
    subject.violations
}

impl<'a> Subject<'a> {
    fn violates(&mut self, field: impl Into<String>, wrong: impl Into<String>) {
        self.violations.push(Violation {
            field: field.into(),
            wrong: wrong.into(),
        });
    }

    /// Every container with its path: also those that run before, and those that were added for debugging.
    fn containers(&self) -> impl Iterator<Item = (String, &'a Container)> + use<'a> {
        let lists = [
            ("initContainers", &self.spec.init_containers),
            ("containers", &self.spec.containers),
            ("ephemeralContainers", &self.spec.ephemeral_containers),
        ];
        lists.into_iter().flat_map(|(list, containers)| {
            containers
                .iter()
                .map(move |container| (format!("spec.{list}[{}]", container.name), container))
        })
    }

    /// Every security context with its path: the pod's own first.
    fn contexts(&self) -> impl Iterator<Item = (String, &'a Value)> + use<'a> {
        let own = ("spec.securityContext".to_owned(), &self.spec.security_context);
        let of_containers = self
            .containers()
            .map(|(path, container)| (format!("{path}.securityContext"), &container.security_context));
        std::iter::once(own).chain(of_containers)
    }

    /// Controls that mean nothing to Windows leave such pods alone.
    fn is_windows(&self) -> bool {
        self.spec.os.name == "windows"
    }

    /// Pods whose root is nobody on the node may run as root inside, since 1.35 of the standard (KEP-127).
    fn has_own_users(&self) -> bool {
        self.spec.host_users == Some(false)
    }
}

/// The texts of a list.
fn texts(list: &Value) -> impl Iterator<Item = &str> {
    list.as_array().into_iter().flatten().filter_map(Value::as_str)
}
