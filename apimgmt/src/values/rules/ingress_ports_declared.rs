//! An ingress leads to a port that its service has.

use super::{Broken, Facts, Rule, Weight};
use crate::snapshot::services::{Ingress, Service};

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: "ingress-ports-declared",
    title: "An ingress leads to a port that its service has",
    severity: Weight::Refuse,
    why: "Users are answered 503, though every pod is well.",
    fix: "Name a port of the service in the ingress' backend.",
    judge,
};

fn judge(facts: &Facts) -> Vec<Broken> {
    let services = facts.all::<Service>("Service");
    let mut broken = Vec::new();
    for ingress in facts.all::<Ingress>("Ingress") {
        let paths = ingress.spec.rules.iter().flat_map(|rule| &rule.http.paths);
        for backend in paths.map(|path| &path.backend.service) {
            let Some(service) = services.iter().find(|service| service.metadata.name == backend.name) else {
                continue;
            };
            let wanted = &backend.port;
            let has = service.spec.ports.iter().any(|port| match wanted.name.as_str() {
                "" => port.port == wanted.number,
                name => port.name == name,
            });
            if !has && service.spec.kind != "ExternalName" {
                let port = if wanted.name.is_empty() {
                    wanted.number.to_string()
                } else {
                    wanted.name.clone()
                };
                let text = format!("leads to port `{port}`, which service/{} does not have", backend.name);
                broken.push(Broken::new(format!("ingress/{}", ingress.metadata.name), text));
            }
        }
    }
    broken.dedup();
    broken
}
