//! A chart's objects, rendered by Helm itself.

use std::time::Duration;

use serde_json::Value;

use super::{Helm, change::OF_UPGRADE, values::Chosen};
use crate::{Error, values::rules::Facts};

/// How long Helm waits when it is not told.
const TIMEOUT: Duration = Duration::from_mins(5);

/// Every object in rendered text.
///
/// # Errors
/// When it is not YAML.
pub fn objects(rendered: &str) -> Result<Vec<Value>, Error> {
    // As Helm and the API server read YAML: `0444` is a number.
    let options = serde_saphyr::options! { legacy_octal_numbers: true };
    let documents: Vec<Option<Value>> = serde_saphyr::from_multiple_with_options(rendered, options)
        .map_err(|error| Error::usage("the rendered chart is not YAML").because(error.without_snippet().to_string()))?;
    let objects = documents.into_iter().flatten();
    Ok(objects.filter(|object| object["kind"].is_string()).collect())
}

/// What `helm template` makes, for a cluster of a version when one is known.
///
/// # Errors
/// When the chart can't be rendered.
pub async fn by_template(
    helm: &Helm,
    (release, chart): (&str, &str),
    chosen: Chosen<'_>,
    version: Option<&str>,
) -> Result<Vec<Value>, Error> {
    let mut arguments = vec![release.to_owned(), chart.to_owned()];
    // Helm assumes the Kubernetes that it was built for, which charts may refuse.
    let is_told = chosen.flags.iter().any(|flag| flag.starts_with("--kube-version="));
    arguments.extend(
        version
            .filter(|_| !is_told)
            .map(|version| format!("--kube-version={version}")),
    );
    let known = |flag: &&String| !OF_UPGRADE.contains(&flag.split('=').next().unwrap_or_default());
    arguments.extend(chosen.flags.iter().filter(known).cloned());
    let rendered = helm.output("template", arguments).await.map_err(|error| {
        let is_version = std::error::Error::source(&error).is_some_and(|why| why.to_string().contains("kubeVersion"));
        if is_version && version.is_none() {
            error.hint("name the cluster's version: `--kube-version 1.35.0`")
        } else {
            error
        }
    })?;
    objects(&rendered)
}

/// What the rules judge of rendered objects.
pub fn facts(objects: impl IntoIterator<Item = Value>, flags: &[String]) -> Facts {
    let told = flags.iter().rev().find_map(|flag| flag.strip_prefix("--timeout="));
    // Go writes `5m0s`.
    let told = told
        .and_then(|text| text.parse::<jiff::SignedDuration>().ok())
        .and_then(|told| told.try_into().ok());
    Facts::of(objects, told.unwrap_or(TIMEOUT))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_without_a_kind_are_no_objects_and_octal_modes_are_numbers() {
        let objects = objects("# nothing\n---\n---\nkind: Secret\nmode: 0444\n---\nnote: x\n").unwrap();
        assert_eq!(objects.len(), 1);
        assert_eq!(objects[0]["mode"], 0o444);
    }

    #[test]
    fn a_timeout_is_read_as_go_writes_it() {
        let of = |flags: &[&str]| {
            let flags: Vec<_> = flags.iter().map(|flag| (*flag).to_owned()).collect();
            facts([], &flags).timeout.as_secs()
        };
        assert_eq!(of(&[]), 300);
        assert_eq!(of(&["--timeout=1m", "--timeout=2m30s"]), 150);
    }
}
