//! Values against the chart's schema: every error with its path, its file and its line.

use std::fmt;

use jsonschema::error::ValidationErrorKind;
use serde::Serialize;
use serde_json::Value;

use super::lines::Lines;
use crate::{Error, suggestion::nearest};

/// A values file that was named, in the order in which they win over each other.
pub struct ValuesFile {
    /// As it was named.
    pub name: String,
    /// Its lines; nothing when it is not YAML or not here.
    pub lines: Option<Lines>,
}

/// One error.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Mistake {
    /// `postgresql.maxConnections`.
    pub path: String,
    /// `values.yaml:12`; `--set` when no file sets it.
    pub place: String,
    /// What is wrong, without the value.
    pub text: String,
    /// What may have been meant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

/// Every error of merged values against a schema.
///
/// # Errors
/// When the schema itself is none.
pub fn mistakes(schema: &Value, merged: &Value, files: &[ValuesFile], by_flag: bool) -> Result<Vec<Mistake>, Error> {
    let validator = jsonschema::options()
        .build(schema)
        .map_err(|error| Error::usage("the chart's `values.schema.json` is not a schema").because(error.to_string()))?;
    let mut found = Vec::new();
    for error in validator.iter_errors(merged) {
        let pointer = error.instance_path().as_str();
        let path: Vec<String> = pointer
            .split('/')
            .skip(1)
            .map(|step| step.replace("~1", "/").replace("~0", "~"))
            .collect();
        // The value itself may be a secret.
        let text = error.masked().to_string();
        if let ValidationErrorKind::AdditionalProperties { unexpected } = error.kind() {
            let known = siblings(schema, error.schema_path().as_str());
            for name in unexpected {
                let path: Vec<_> = path.iter().cloned().chain([name.clone()]).collect();
                let near = nearest(name, known.iter().map(String::as_str));
                let hint = near.map(|near| format!("did you mean `{near}`?"));
                found.push(mistake(&path, "there is no such value".into(), hint, files, by_flag));
            }
        } else {
            found.push(mistake(&path, text, None, files, by_flag));
        }
    }
    Ok(found)
}

fn mistake(path: &[String], text: String, hint: Option<String>, files: &[ValuesFile], by_flag: bool) -> Mistake {
    // The last file that sets it wins, so that is where it must be mended.
    let in_file = files
        .iter()
        .rev()
        .find_map(|file| Some(format!("{}:{}", file.name, file.lines.as_ref()?.of(path)?)));
    let place = in_file.unwrap_or_else(|| {
        if by_flag {
            "--set".into()
        } else {
            "the chart's own values".into()
        }
    });
    Mistake {
        path: path.join("."),
        place,
        text,
        hint,
    }
}

/// The names that stand beside `additionalProperties` in the schema.
fn siblings(schema: &Value, keyword: &str) -> Vec<String> {
    let parent = keyword.rsplit_once('/').map_or("", |(parent, _)| parent);
    let properties = schema
        .pointer(parent)
        .and_then(|parent| parent["properties"].as_object());
    properties
        .map(|properties| properties.keys().cloned().collect())
        .unwrap_or_default()
}

impl fmt::Display for Mistake {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: `{}`: {}", self.place, self.path, self.text)?;
        match &self.hint {
            Some(hint) => write!(formatter, "; {hint}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_mistake_has_its_path_its_line_and_a_hint_and_no_value() {
        let schema = json!({"type": "object", "additionalProperties": false, "properties": {
            "replicas": {"type": "integer", "maximum": 5},
            "database": {"type": "object", "additionalProperties": false, "properties": {"password": {"type": "string", "minLength": 12}}}}});
        let merged = json!({"replicas": 9, "repilcas": 1, "database": {"password": "s3cret"}});
        let file = |name: &str, text: &str| ValuesFile {
            name: name.into(),
            lines: Lines::read(text),
        };
        let files = [
            file("a.yaml", "replicas: 2\nrepilcas: 1\n"),
            file("b.yaml", "database:\n  password: s3cret\n"),
        ];
        let told: Vec<_> = mistakes(&schema, &merged, &files, true)
            .unwrap()
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(told.len(), 3);
        assert!(
            told.iter().any(|line| line.starts_with("a.yaml:1: `replicas`: ")),
            "{told:?}"
        );
        assert!(
            told.iter()
                .any(|line| line == "a.yaml:2: `repilcas`: there is no such value; did you mean `replicas`?"),
            "{told:?}"
        );
        assert!(
            told.iter()
                .any(|line| line.starts_with("b.yaml:2: `database.password`: ")),
            "{told:?}"
        );
        assert!(!told.iter().any(|line| line.contains("s3cret")));
    }

    #[test]
    fn a_value_that_no_file_sets_comes_from_the_command_line() {
        let schema = json!({"properties": {"replicas": {"type": "integer"}}});
        let found = mistakes(&schema, &json!({"replicas": "two"}), &[], true).unwrap();
        assert_eq!(found[0].place, "--set");
    }
}
