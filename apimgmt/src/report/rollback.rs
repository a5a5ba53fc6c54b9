//! Plans, outcomes and the journal of rollbacks.

use std::fmt::Write;

use super::{Form, escape, json, yaml};
use crate::{
    operation::{Entry, Plan},
    rollback::Outcome,
};

/// A plan that is only shown.
pub fn plan(plan: &Plan, form: Form) -> String {
    match form {
        Form::Json => json(plan),
        Form::Yaml => yaml(plan),
        Form::Table | Form::Short => super::text::escape_lines(&plan.to_string()),
    }
}

/// How a rollback ended.
pub fn outcome(outcome: &Outcome, form: Form) -> String {
    match form {
        Form::Json => json(outcome),
        Form::Yaml => yaml(outcome),
        Form::Table | Form::Short => format!("{}\n", escape(&outcome.message)),
    }
}

/// What was done in a namespace, newest last.
pub fn history(entries: &[Entry], form: Form) -> String {
    match form {
        Form::Json => json(&entries),
        Form::Yaml => yaml(&entries),
        Form::Table | Form::Short if entries.is_empty() => "Nothing was rolled back here.\n".to_owned(),
        Form::Table | Form::Short => entries.iter().fold(String::new(), |mut text, entry| {
            let outcome = if entry.ended.is_some() {
                entry.outcome.as_str()
            } else {
                "left midway"
            };
            let began = entry.began.strftime("%Y-%m-%d %H:%M:%S UTC");
            let _ = writeln!(
                text,
                "{began}  {}  {}: {}",
                escape(&entry.by),
                escape(&entry.plan.title),
                escape(outcome)
            );
            text
        }),
    }
}
