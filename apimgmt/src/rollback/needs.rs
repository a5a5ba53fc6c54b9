//! What the pods of a revision need to start: images, secrets and config maps.

use std::collections::BTreeSet;

use crate::snapshot::PodTemplate;

/// What some pods need.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Needs {
    /// Images.
    pub images: BTreeSet<String>,
    /// Secrets without which they don't start.
    pub secrets: BTreeSet<String>,
    /// Config maps without which they don't start.
    pub config_maps: BTreeSet<String>,
}

impl Needs {
    /// Adds what the pods of a template need.
    pub fn add(&mut self, template: &PodTemplate) {
        let spec = &template.spec;
        for container in spec.init_containers.iter().chain(&spec.containers) {
            self.images.insert(container.image.clone());
            for source in container.env.iter().filter_map(|variable| variable.value_from.as_ref()) {
                take(
                    &mut self.secrets,
                    source.secret_key_ref.as_ref().map(|it| (&it.name, it.optional)),
                );
                take(
                    &mut self.config_maps,
                    source.config_map_key_ref.as_ref().map(|it| (&it.name, it.optional)),
                );
            }
            for source in &container.env_from {
                take(
                    &mut self.secrets,
                    source.secret_ref.as_ref().map(|it| (&it.name, it.optional)),
                );
                take(
                    &mut self.config_maps,
                    source.config_map_ref.as_ref().map(|it| (&it.name, it.optional)),
                );
            }
        }
        for volume in &spec.volumes {
            take(
                &mut self.secrets,
                volume.secret.as_ref().map(|it| (&it.secret_name, it.optional)),
            );
            take(
                &mut self.config_maps,
                volume.config_map.as_ref().map(|it| (&it.name, it.optional)),
            );
            for source in volume.projected.iter().flat_map(|projected| &projected.sources) {
                take(
                    &mut self.secrets,
                    source.secret.as_ref().map(|it| (&it.name, it.optional)),
                );
                take(
                    &mut self.config_maps,
                    source.config_map.as_ref().map(|it| (&it.name, it.optional)),
                );
            }
        }
    }

    /// What is neither there nor made by the revision itself, as `secret/NAME`.
    pub fn missing(&self, is_there: impl Fn(&str, &str) -> bool) -> Vec<String> {
        let of = |kind: &'static str, names: &BTreeSet<String>| {
            names
                .iter()
                .filter(|name| !is_there(kind, name))
                .map(|name| format!("{kind}/{name}"))
                .collect::<Vec<_>>()
        };
        let mut missing = of("secret", &self.secrets);
        missing.extend(of("configmap", &self.config_maps));
        missing
    }
}

fn take(names: &mut BTreeSet<String>, reference: Option<(&String, bool)>) {
    if let Some((name, false)) = reference {
        names.insert(name.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_optional_or_made_by_the_revision_is_not_missing() {
        let template: PodTemplate = serde_yaml::from_str(
            "
            spec:
              containers:
                - name: app
                  image: shop:1
                  env:
                    - {name: A, valueFrom: {secretKeyRef: {name: needed, key: a}}}
                    - {name: B, valueFrom: {secretKeyRef: {name: maybe, key: b, optional: true}}}
                  envFrom: [{configMapRef: {name: made}}]
              volumes: [{name: v, projected: {sources: [{configMap: {name: gone}}]}}]
            ",
        )
        .unwrap();
        let mut needs = Needs::default();
        needs.add(&template);
        assert_eq!(
            needs.missing(|_, name| name == "made"),
            ["secret/needed", "configmap/gone"]
        );
        assert_eq!(needs.images, ["shop:1".to_owned()].into());
    }
}
