//! What a server is told by its command line and its mounted configuration.

use std::collections::BTreeMap;

use super::facts::{Facts, Workload};
use crate::snapshot::{Literal, pods::Container};

/// Words of a container's command line.
pub(super) fn words(container: &Container) -> Vec<&str> {
    let words = container.command.iter().chain(&container.args);
    words.filter_map(Literal::text).collect()
}

/// `key value` and `key = value` in each line of the config maps that the pods mount.
pub(super) fn mounted(facts: &Facts, workload: &Workload) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let volumes = workload.template.spec.volumes.iter();
    let projected = volumes.clone().filter_map(|volume| volume.projected.as_ref());
    let projected = projected
        .flat_map(|projected| &projected.sources)
        .filter_map(|source| source.config_map.as_ref());
    let maps = volumes.filter_map(|volume| volume.config_map.as_ref()).chain(projected);
    for map in maps.filter_map(|map| facts.named("ConfigMap", &map.name)) {
        let files = map["data"].as_object().into_iter().flatten();
        let files = files.filter(|(name, _)| matches!(name.rsplit('.').next(), Some("conf" | "cfg")));
        for line in files.filter_map(|(_, text)| text.as_str()).flat_map(str::lines) {
            let line = line.split('#').next().unwrap_or_default().trim();
            let Some((key, value)) = line.split_once(|letter: char| letter == '=' || letter.is_whitespace()) else {
                continue;
            };
            let value = value.trim_start_matches(|letter: char| letter == '=' || letter.is_whitespace());
            // As the servers read it: the last line wins.
            found.insert(
                key.to_ascii_lowercase(),
                value.trim_matches(['\'', '"', ' ']).to_owned(),
            );
        }
    }
    found
}

/// What a variable of a container's environment is, as far as it is rendered.
pub(super) fn variable(facts: &Facts, container: &Container, name: &str) -> Option<String> {
    let of_map = |map: &str, key: &str| {
        let value = &facts.named("ConfigMap", map)?["data"][key];
        value.as_str().map(str::to_owned)
    };
    if let Some(variable) = container.env.iter().rev().find(|variable| variable.name == name) {
        let source = variable
            .value_from
            .as_ref()
            .and_then(|source| source.config_map_key_ref.as_ref());
        return match (&variable.value, source) {
            (Some(literal), _) => literal.text().map(str::to_owned),
            (None, Some(source)) => of_map(&source.name, &source.key),
            (None, None) => None,
        };
    }
    // A later source wins.
    container.env_from.iter().rev().find_map(|source| {
        let key = name.strip_prefix(source.prefix.as_str())?;
        of_map(&source.config_map_ref.as_ref()?.name, key)
    })
}

/// Whether an image is of one of these programs: `docker.io/library/redis:8.2`, `redis-stack-server`.
pub(super) fn runs(image: &str, programs: &[&str]) -> bool {
    let path = image.split('@').next().unwrap_or_default();
    let name = path.rsplit('/').next().unwrap_or_default();
    let name = name.split(':').next().unwrap_or_default();
    let is = |program: &&str| name == *program || name.starts_with(&format!("{program}-"));
    programs.iter().any(is) && !name.ends_with("exporter")
}
