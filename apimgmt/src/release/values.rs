//! The values of a change, merged by Helm itself: what the chart's schema says of them, and where each comes from.

use std::path::Path;

use serde_json::Value;

use super::{Helm, chart::Chart, hooks::Hooks};
use crate::{
    Error,
    values::{Lines, Mistake, Origins, Profile, ValuesFile, mistakes},
};

/// Flags of Helm that choose values.
const CHOOSING: [&str; 6] = ["values", "set", "set-file", "set-json", "set-literal", "set-string"];

/// Helm's flags of a command line, with the profiles that some of them name.
#[derive(Clone, Copy)]
pub struct Chosen<'a> {
    /// The flags, in the order in which Helm gets them.
    pub flags: &'a [String],
    /// The profiles.
    pub profiles: &'a [Profile],
}

/// Helm's flags with profiles beneath every values file.
pub fn beneath(profiles: &[Profile], flags: &[String]) -> Vec<String> {
    let own = profiles.iter().map(|profile| format!("--values={}", profile.path()));
    own.chain(flags.iter().cloned()).collect()
}

impl Chosen<'_> {
    /// The values files, in the order in which they win over each other.
    fn files(&self) -> Vec<ValuesFile> {
        let names = self.flags.iter().filter_map(|flag| flag.strip_prefix("--values="));
        names
            .flat_map(|names| names.split(','))
            .map(
                |name| match self.profiles.iter().find(|profile| profile.path() == name) {
                    Some(profile) => ValuesFile {
                        name: profile.name.clone(),
                        lines: profile.lines(),
                    },
                    None => ValuesFile {
                        name: name.to_owned(),
                        lines: std::fs::read_to_string(name).ok().and_then(|text| Lines::read(&text)),
                    },
                },
            )
            .collect()
    }

    /// What Helm says of a file that is a profile, with the profile's name.
    fn in_words(&self, text: &str) -> String {
        let profiles = self.profiles.iter();
        profiles.fold(text.to_owned(), |text, profile| {
            text.replace(&profile.path(), &profile.name)
        })
    }
}

/// What the schema of a chart says of the values; nothing when there is none, or only Helm can tell.
///
/// # Errors
/// When a file can't be read, or Helm can't merge the values.
pub async fn check(helm: &Helm, chart: &str, chosen: Chosen<'_>) -> Result<Option<Vec<Mistake>>, Error> {
    let reuses = [
        "--reuse-values",
        "--reset-then-reuse-values",
        "--skip-schema-validation",
    ];
    if chosen
        .flags
        .iter()
        .any(|flag| reuses.contains(&flag.as_str()) || flag == "--values=-")
    {
        // Only Helm knows the former values; it validates them itself.
        return Ok(None);
    }
    let opened = Chart::open(helm, chart, chosen.flags).await?;
    let Some(schema) = opened.file("values.schema.json") else {
        return Ok(None);
    };
    let schema = serde_json::from_str(schema)
        .map_err(|error| Error::usage(format!("`values.schema.json` of chart `{chart}` is not JSON")).because(error))?;
    let merged = merged(helm, &opened, chosen, |_| true).await?;
    let by_flag = chosen.flags.iter().any(|flag| flag.starts_with("--set"));
    mistakes(&schema, &merged, &chosen.files(), by_flag).map(Some)
}

/// The merged values, each with where it comes from, and no secret.
///
/// # Errors
/// When a file can't be read, or Helm can't merge the values.
pub async fn origins(helm: &Helm, chart: &str, chosen: Chosen<'_>) -> Result<String, Error> {
    let opened = Chart::open(helm, chart, chosen.flags).await?;
    let (merged, without_flags) = futures::try_join!(
        merged(helm, &opened, chosen, |_| true),
        merged(helm, &opened, chosen, |flag| flag.starts_with("--values"))
    )?;
    let chart = ValuesFile {
        name: "values.yaml".into(),
        lines: opened.file("values.yaml").and_then(Lines::read),
    };
    let origins = Origins {
        files: chosen.files(),
        chart,
        without_flags,
    };
    Ok(origins.annotate(&merged))
}

/// The hooks that the user's own values and `--hooks` ask for; what a chart's defaults ask for is not done on a user's machine.
///
/// # Errors
/// When the values can't be merged, or a hook is not one.
pub async fn hooks(helm: &Helm, chosen: Chosen<'_>, files: &[&str]) -> Result<Hooks, Error> {
    let mut hooks = Hooks::default();
    let flags = chosen.flags;
    if flags.iter().any(|flag| is_choosing(flag)) && !flags.iter().any(|flag| flag == "--values=-") {
        let mut own = merged(helm, &Chart::of_nothing(), chosen, |_| true).await?;
        hooks = Hooks::of(own["hooks"].take(), "the values")?;
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
async fn merged(helm: &Helm, chart: &Chart, chosen: Chosen<'_>, wanted: fn(&str) -> bool) -> Result<Value, Error> {
    let could_not = || Error::could_not("could not make a folder for the values");
    let folder = tempfile::tempdir().map_err(|error| could_not().because(error))?;
    chart
        .write_showing_values(folder.path())
        .map_err(|error| could_not().because(error))?;
    let choosing = chosen.flags.iter().filter(|flag| is_choosing(flag) && wanted(flag));
    let path = folder.path().display().to_string();
    let arguments = ["values".to_owned(), path].into_iter().chain(choosing.cloned());
    let text = helm.output("template", arguments).await.map_err(|error| {
        let reason = std::error::Error::source(&error)
            .map(ToString::to_string)
            .unwrap_or_default();
        Error::usage("the values can't be read").because(chosen.in_words(&reason))
    })?;
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("values: "))
        .unwrap_or("null");
    serde_json::from_str(line).map_err(|error| Error::could_not("Helm's merged values can't be read").because(error))
}
