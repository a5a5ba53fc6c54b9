//! An image is the same tomorrow.

use super::{Broken, Facts, Rule, Weight};

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: "images-pinned",
    title: "An image has a tag other than `latest`, or a digest",
    severity: Weight::Warn,
    why: "Two pods may run two programs, and a rollback brings nothing back.",
    fix: "Name a version, better a digest.",
    judge,
};

fn judge(facts: &Facts) -> Vec<Broken> {
    let mut broken = Vec::new();
    for workload in &facts.workloads {
        for container in workload.containers() {
            let image = container.image.as_str();
            // A colon before a slash belongs to the registry's port.
            let last = image.rsplit('/').next().unwrap_or_default();
            let text = match last.split_once(':') {
                _ if image.is_empty() || image.contains('@') => continue,
                None => format!("image `{image}` of container {} has no tag", container.name),
                Some((_, "latest")) => format!("image `{image}` of container {} is whatever is newest", container.name),
                Some(_) => continue,
            };
            broken.push(Broken::new(workload.object(), text));
        }
    }
    broken.dedup();
    broken
}
