//! What a container mounts is there.

use super::{Broken, Facts, Rule, Weight};

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: "volumes-declared",
    title: "What a container mounts is a volume of its pod",
    severity: Weight::Refuse,
    why: "The API server refuses it, after other objects were changed.",
    fix: "Declare the volume, or take the mount away.",
    judge,
};

fn judge(facts: &Facts) -> Vec<Broken> {
    let mut broken = Vec::new();
    for workload in &facts.workloads {
        let volumes = workload.template.spec.volumes.iter().map(|volume| volume.name.as_str());
        let claims = workload
            .spec
            .volume_claim_templates
            .iter()
            .map(|claim| claim.metadata.name.as_str());
        let declared: Vec<_> = volumes.chain(claims).collect();
        for container in workload.containers() {
            let mounts = container.volume_mounts.iter().map(|mount| mount.name.as_str());
            for name in mounts.filter(|name| !declared.contains(name)) {
                let text = format!(
                    "container {} mounts `{name}`, which is no volume of its pods",
                    container.name
                );
                broken.push(Broken::new(workload.object(), text));
            }
        }
    }
    broken.dedup();
    broken
}
