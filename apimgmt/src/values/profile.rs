//! Profiles: Handlebars templates of values, rendered before Helm sees them.

mod functions;
mod marks;

use std::{
    fmt, fs, io,
    io::Write,
    os::fd::{AsRawFd, OwnedFd},
    path::Path,
};

use handlebars::{Handlebars, RenderError, RenderErrorReason, no_escape};
use rustix::fs::{MemfdFlags, memfd_create};
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use super::{Lines, lines::yaml_problem};
use crate::{Error, suggestion::nearest};
use functions::Place;
use marks::{mark, unmark};

/// Names of variables that an error lists at most.
const LISTED: usize = 20;

/// A rendered profile. It may hold secrets: nothing prints its text, and it is wiped when it is dropped.
pub struct Profile {
    /// As it was named.
    pub name: String,
    /// The files of its variables, as they were named.
    pub variables: Vec<String>,
    text: Zeroizing<String>,
    /// For each line of the text, the line of the template that it comes from.
    origins: Vec<u64>,
    /// Holds the text without a name in any folder, so nothing is left behind, however the process ends.
    file: OwnedFd,
}

/// The variables of profiles.
#[derive(Debug, Default)]
pub struct Variables {
    files: Vec<String>,
    values: Value,
}

impl Profile {
    /// Reads and renders a profile; `environment` answers its `env` helper.
    ///
    /// # Errors
    /// When it can't be read, names what is not defined, or does not become YAML.
    pub fn read(name: &str, variables: &Variables, environment: fn(&str) -> Option<String>) -> Result<Self, Error> {
        let template = read(name, "profile")?;
        let folder = Path::new(name).parent().unwrap_or_else(|| Path::new("")).to_owned();
        let place = Place { folder, environment };
        let (text, origins) = rendered(name, &template, &variables.values, &place)?;
        let text = Zeroizing::new(text);
        let at = |line: u64| origin(&origins, line);
        if let Some(object) = text.lines().position(|line| line.contains("[object]"))
            && !template.contains("[object]")
        {
            let line = at(object as u64 + 1);
            return Err(Error::usage(format!("{name}:{line}: a map can't be written as it is"))
                .hint("`{{toYaml NAME}}` writes maps and lists"));
        }
        if let Some((line, problem)) = yaml_problem(&text) {
            let hint = "what is text may need `{{quote NAME}}`, maps and lists need `{{toYaml NAME}}`";
            return Err(Error::usage(format!(
                "{name}:{}: the rendered profile is not YAML: {problem}",
                at(line)
            ))
            .hint(hint));
        }
        let file = nameless(&text)
            .map_err(|error| Error::could_not(format!("could not hand profile `{name}` to Helm")).because(error))?;
        Ok(Self {
            name: name.into(),
            variables: variables.files.clone(),
            text,
            origins,
            file,
        })
    }

    /// The path under which a Helm that we start, or that takes our place, reads it.
    pub fn path(&self) -> String {
        format!("/proc/self/fd/{}", self.file.as_raw_fd())
    }

    /// Where its values stand in the template.
    pub fn lines(&self) -> Option<Lines> {
        Lines::read(&self.text).map(|lines| lines.coming_from(self.origins.clone()))
    }
}

impl fmt::Debug for Profile {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} <{} bytes>", self.name, self.text.len())
    }
}

impl Variables {
    /// The variables of all files together; a later file wins over an earlier one.
    ///
    /// # Errors
    /// When a file can't be read or is no map in YAML.
    pub fn read<'a>(files: impl IntoIterator<Item = &'a str>) -> Result<Self, Error> {
        let mut all = Self {
            files: Vec::new(),
            values: Value::Object(Map::new()),
        };
        for name in files {
            let text = Zeroizing::new(read(name, "variables")?);
            if let Some((line, problem)) = yaml_problem(&text) {
                return Err(Error::usage(format!(
                    "{name}:{line}: the variables are not YAML: {problem}"
                )));
            }
            match serde_saphyr::from_str(&text) {
                Ok(Value::Null) => {}
                Ok(more @ Value::Object(_)) => lay_over(&mut all.values, more),
                _ => {
                    return Err(Error::usage(format!(
                        "{name}: variables are a map in YAML: `name: value`"
                    )));
                }
            }
            all.files.push(name.to_owned());
        }
        Ok(all)
    }
}

fn lay_over(below: &mut Value, above: Value) {
    match (below, above) {
        (Value::Object(below), Value::Object(above)) => {
            for (key, value) in above {
                lay_over(below.entry(key).or_insert(Value::Null), value);
            }
        }
        (below, above) => *below = above,
    }
}

fn read(name: &str, what: &str) -> Result<String, Error> {
    fs::read_to_string(name).map_err(|error| Error::usage(format!("could not read {what} `{name}`")).because(error))
}

/// The text, and for each of its lines the line of the template.
fn rendered(name: &str, template: &str, variables: &Value, place: &Place) -> Result<(String, Vec<u64>), Error> {
    let mut engine = Handlebars::new();
    engine.set_strict_mode(true);
    engine.register_escape_fn(no_escape);
    functions::register(&mut engine, place);
    let fails = |error: &RenderError| failure(name, error, variables);
    // Errors are those of the template as it was written; the marks only tell where each line comes from.
    let text = engine
        .render_template(template, variables)
        .map_err(|error| fails(&error))?;
    let marked = engine
        .render_template(&mark(template), variables)
        .map_err(|error| fails(&error))?;
    let (unmarked, origins) = unmark(&marked);
    Ok(if unmarked == text {
        (text, origins)
    } else {
        (text, Vec::new())
    })
}

/// The line of the template that a line of the text comes from.
pub(super) fn origin(origins: &[u64], line: u64) -> u64 {
    let index = usize::try_from(line).unwrap_or_default().saturating_sub(1);
    origins.get(index).copied().unwrap_or(line)
}

fn failure(name: &str, error: &RenderError, variables: &Value) -> Error {
    let (place, text) = match error.reason() {
        RenderErrorReason::TemplateError(error) => (error.pos(), error.reason().to_string()),
        RenderErrorReason::MissingVariable(missing) => (None, undefined(missing.as_deref())),
        RenderErrorReason::HelperNotFound(helper) => (None, format!("there is no helper `{helper}`")),
        other => (None, other.to_string()),
    };
    let place = place.or(error.line_no.zip(error.column_no));
    let place = place.map_or_else(|| name.to_owned(), |(line, column)| format!("{name}:{line}:{column}"));
    let told = Error::usage(format!("{place}: {text}"));
    match error.reason() {
        RenderErrorReason::MissingVariable(Some(missing)) => {
            let known = names(variables);
            told.hint(match nearest(missing, known.iter().map(String::as_str)) {
                Some(near) => format!("did you mean `{near}`?"),
                None if known.is_empty() => "name its variables: `--env FILE`".into(),
                None => format!("`--env` defines {}", listed(&known)),
            })
        }
        RenderErrorReason::HelperNotFound(helper) => {
            let known = functions::NAMES
                .into_iter()
                .chain(["if", "unless", "each", "with", "lookup"]);
            match nearest(helper, known) {
                Some(near) => told.hint(format!("did you mean `{near}`?")),
                None => told.hint(format!("helpers are {}", functions::NAMES.join(", "))),
            }
        }
        _ => told,
    }
}

fn undefined(name: Option<&str>) -> String {
    match name {
        Some(name) => format!("variable `{name}` is not defined"),
        None => "a variable is not defined".into(),
    }
}

fn listed(known: &[String]) -> String {
    let first: Vec<_> = known.iter().take(LISTED).map(|name| format!("`{name}`")).collect();
    let more = known.len().saturating_sub(LISTED);
    let rest = if more > 0 {
        format!(" and {more} more")
    } else {
        String::new()
    };
    format!("{}{rest}", first.join(", "))
}

/// Every name that a template may write: `database`, `database.host`.
fn names(variables: &Value) -> Vec<String> {
    let mut found = Vec::new();
    let mut open: Vec<(String, &Value)> = vec![(String::new(), variables)];
    while let Some((above, value)) = open.pop() {
        for (key, value) in value.as_object().into_iter().flatten().rev() {
            let name = if above.is_empty() {
                key.clone()
            } else {
                format!("{above}.{key}")
            };
            found.push(name.clone());
            open.push((name, value));
        }
    }
    found.sort();
    found
}

/// A file in memory, which the processes that we start inherit.
fn nameless(text: &str) -> io::Result<OwnedFd> {
    let mut file = fs::File::from(memfd_create("apimgmt-profile", MemfdFlags::empty())?);
    file.write_all(text.as_bytes())?;
    Ok(file.into())
}

#[cfg(test)]
mod tests;
