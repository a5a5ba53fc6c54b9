//! One pure pass that looks with every diagnosis and folds symptoms into their causes along ownership and dependency.

use super::{Diagnosis, Finding};
use crate::snapshot::{Snapshot, Unreadable};

/// What was recognised, and what could not be looked at.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Diagnosed {
    /// Findings, the root cause first.
    pub findings: Vec<Finding>,
    /// Sources that could not be read: never taken for absence.
    pub unreadable: Vec<Unreadable>,
}

/// Looks with each diagnosis.
pub fn diagnose(diagnoses: &[&'static Diagnosis], snapshot: &Snapshot) -> Diagnosed {
    let mut outcome = Diagnosed::default();
    for diagnosis in diagnoses {
        match (diagnosis.look)(snapshot) {
            Ok(findings) => outcome.findings.extend(findings),
            Err(unreadable) if !outcome.unreadable.contains(&unreadable) => outcome.unreadable.push(unreadable),
            Err(_) => {}
        }
    }
    outcome
}
