//! A plan: what will be done, why, and how it is undone. It is computed purely, shown, and only then run.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Steps in their order.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Plan {
    /// What it is for: `return release/shop from revision 5 to 4`.
    pub title: String,
    /// Where.
    pub namespace: String,
    /// What is changed: `release/shop`, `deployment/api-management`.
    pub object: String,
    /// Revision that it leads from.
    pub from: u32,
    /// Revision that it leads to.
    pub to: u32,
    /// The steps.
    pub steps: Vec<Step>,
    /// What a person should know before saying yes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

/// One step.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// Name in the journal, kebab-case.
    pub id: String,
    /// What is done: a command where there is one.
    pub what: String,
    /// Why.
    pub why: String,
    /// How it is undone; empty when there is nothing to undo.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub undo: String,
}

impl Step {
    /// A step.
    pub fn new(id: &str, what: impl Into<String>, why: impl Into<String>, undo: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            what: what.into(),
            why: why.into(),
            undo: undo.into(),
        }
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(formatter, "Plan: {} in namespace {}", self.title, self.namespace)?;
        for (number, step) in self.steps.iter().enumerate() {
            writeln!(formatter, "  {}. {}", number + 1, step.what)?;
            writeln!(formatter, "     why:  {}", step.why)?;
            if !step.undo.is_empty() {
                writeln!(formatter, "     undo: {}", step.undo)?;
            }
        }
        for warning in &self.warnings {
            writeln!(formatter, "  ! {warning}")?;
        }
        Ok(())
    }
}
