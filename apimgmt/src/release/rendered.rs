//! A chart's objects, rendered by Helm itself.

use std::time::Duration;

use serde_json::Value;

use super::{Helm, change::OF_UPGRADE, manifest, values::Chosen};
use crate::{Error, values::rules::Facts};

/// How long Helm waits when it is not told.
const TIMEOUT: Duration = Duration::from_mins(5);

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
    manifest::objects(&rendered).map_err(|why| Error::usage("the rendered chart is not YAML").because(why))
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
    fn a_timeout_is_read_as_go_writes_it() {
        let of = |flags: &[&str]| {
            let flags: Vec<_> = flags.iter().map(|flag| (*flag).to_owned()).collect();
            facts([], &flags).timeout.as_secs()
        };
        assert_eq!(of(&[]), 300);
        assert_eq!(of(&["--timeout=1m", "--timeout=2m30s"]), 150);
    }
}
