//! The values of a change, merged by Helm itself, and what the chart's schema says of them.

use std::path::Path;

use serde_json::Value;

use super::{Helm, hooks::Hooks};
use crate::{
    Error,
    values::{Lines, Mistake, ValuesFile, mistakes},
};

/// Flags of Helm that choose values.
const CHOOSING: [&str; 6] = ["values", "set", "set-file", "set-json", "set-literal", "set-string"];

/// What the schema of a chart in a folder says of the values; nothing for charts that only Helm can open.
///
/// # Errors
/// When a file can't be read, or Helm can't merge the values.
pub async fn check(helm: &Helm, chart: &str, flags: &[String]) -> Result<Vec<Mistake>, Error> {
    let folder = Path::new(chart);
    let reuses = [
        "--reuse-values",
        "--reset-then-reuse-values",
        "--skip-schema-validation",
    ];
    let Ok(schema) = std::fs::read_to_string(folder.join("values.schema.json")) else {
        return Ok(Vec::new());
    };
    if flags
        .iter()
        .any(|flag| reuses.contains(&flag.as_str()) || flag == "--values=-")
    {
        // Only Helm knows the former values; it validates them itself.
        return Ok(Vec::new());
    }
    let schema = serde_json::from_str(&schema).map_err(|error| {
        Error::usage(format!("`{}` is not JSON", folder.join("values.schema.json").display())).because(error)
    })?;
    let merged = merged(helm, Some(folder), flags).await?;
    let files: Vec<_> = flags
        .iter()
        .filter_map(|flag| flag.strip_prefix("--values="))
        .flat_map(|names| names.split(','))
        .map(|name| ValuesFile {
            name: name.to_owned(),
            lines: std::fs::read_to_string(name).ok().and_then(|text| Lines::read(&text)),
        })
        .collect();
    mistakes(
        &schema,
        &merged,
        &files,
        flags.iter().any(|flag| flag.starts_with("--set")),
    )
}

/// The hooks that the user's own values and `--hooks` ask for; what a chart's defaults ask for is not done on a user's machine.
///
/// # Errors
/// When the values can't be merged, or a hook is not one.
pub async fn hooks(helm: &Helm, flags: &[String], files: &[&str]) -> Result<Hooks, Error> {
    let mut hooks = Hooks::default();
    if flags.iter().any(|flag| is_choosing(flag)) && !flags.iter().any(|flag| flag == "--values=-") {
        hooks = Hooks::of(merged(helm, None, flags).await?["hooks"].take(), "the values")?;
    }
    for file in files {
        hooks = hooks.and(Hooks::of_file(Path::new(file))?);
    }
    Ok(hooks)
}

fn is_choosing(flag: &str) -> bool {
    let name = flag.trim_start_matches('-').split('=').next().unwrap_or_default();
    CHOOSING.contains(&name)
}

/// The mistakes as one error.
pub fn refusal(found: &[Mistake]) -> Option<Error> {
    let lines: Vec<_> = found.iter().map(ToString::to_string).collect();
    (!found.is_empty()).then(|| {
        Error::usage(format!(
            "{} of the values {} wrong, and nothing was changed",
            found.len(),
            if found.len() == 1 { "is" } else { "are" }
        ))
        .because(lines.join("\n"))
        .hint("`helm show values CHART` lists every value with its default")
    })
}

/// Helm layers files and flags by rules of its own, so Helm is asked: a chart of one template that shows its values.
async fn merged(helm: &Helm, chart: Option<&Path>, flags: &[String]) -> Result<Value, Error> {
    let could_not = || Error::could_not("could not make a folder for the values");
    let folder = tempfile::tempdir().map_err(|error| could_not().because(error))?;
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text);
    let defaults = chart
        .and_then(|chart| std::fs::read_to_string(chart.join("values.yaml")).ok())
        .unwrap_or_default();
    std::fs::create_dir(folder.path().join("templates"))
        .and_then(|()| write("Chart.yaml", "apiVersion: v2\nname: values\nversion: 0.0.0\n"))
        .and_then(|()| write("values.yaml", &defaults))
        .and_then(|()| write("templates/values.yaml", "values: {{ .Values | toJson }}\n"))
        .map_err(|error| could_not().because(error))?;
    let chosen = flags.iter().filter(|flag| is_choosing(flag));
    let path = folder.path().display().to_string();
    let arguments = ["values".to_owned(), path].into_iter().chain(chosen.cloned());
    let text = helm.output("template", arguments).await.map_err(|error| {
        let reason = std::error::Error::source(&error)
            .map(ToString::to_string)
            .unwrap_or_default();
        Error::usage("the values can't be read").because(reason)
    })?;
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("values: "))
        .unwrap_or("null");
    serde_json::from_str(line).map_err(|error| Error::could_not("Helm's merged values can't be read").because(error))
}
