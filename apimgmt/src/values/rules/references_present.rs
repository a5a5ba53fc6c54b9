//! What pods name is there before them.

use std::collections::BTreeMap;

use super::{Broken, Facts, Rule, Weight, facts::Workload};

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: "references-present",
    title: "Secrets and config maps that pods name are rendered",
    severity: Weight::Note,
    why: "Pods wait for ever for what nobody makes.",
    fix: "Make it before the install, unless it is there already.",
    judge,
};

fn judge(facts: &Facts) -> Vec<Broken> {
    let mut missing: BTreeMap<(&str, String), String> = BTreeMap::new();
    for workload in &facts.workloads {
        for (kind, name) in named(workload) {
            if !name.is_empty() && facts.named(kind, &name).is_none() {
                missing.entry((kind, name)).or_insert_with(|| workload.object());
            }
        }
    }
    missing
        .into_iter()
        .map(|((kind, name), by)| {
            let object = format!("{}/{name}", kind.to_lowercase());
            Broken::new(
                object,
                format!("{by} needs it, and it is not rendered: it must be there before"),
            )
        })
        .collect()
}

/// What the pods can't start without.
fn named(workload: &Workload) -> Vec<(&'static str, String)> {
    const MAP: &str = "ConfigMap";
    const SECRET: &str = "Secret";
    let mut found = Vec::new();
    let mut needs = |kind, name: &str, optional: bool| {
        if !optional {
            found.push((kind, name.to_owned()));
        }
    };
    for volume in &workload.template.spec.volumes {
        if let Some(map) = &volume.config_map {
            needs(MAP, &map.name, map.optional);
        }
        if let Some(secret) = &volume.secret {
            needs(SECRET, &secret.secret_name, secret.optional);
        }
        for source in volume.projected.iter().flat_map(|projected| &projected.sources) {
            if let Some(map) = &source.config_map {
                needs(MAP, &map.name, map.optional);
            }
            if let Some(secret) = &source.secret {
                needs(SECRET, &secret.name, secret.optional);
            }
        }
    }
    for container in workload.containers() {
        for source in &container.env_from {
            if let Some(map) = &source.config_map_ref {
                needs(MAP, &map.name, map.optional);
            }
            if let Some(secret) = &source.secret_ref {
                needs(SECRET, &secret.name, secret.optional);
            }
        }
        for source in container.env.iter().filter_map(|variable| variable.value_from.as_ref()) {
            if let Some(map) = &source.config_map_key_ref {
                needs(MAP, &map.name, map.optional);
            }
            if let Some(secret) = &source.secret_key_ref {
                needs(SECRET, &secret.name, secret.optional);
            }
        }
    }
    found
}
