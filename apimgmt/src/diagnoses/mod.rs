//! Diagnoses: each recognises the signature of one fault and names its root cause, or stays silent.

mod fold;
mod narrow;

pub mod memory;
pub mod network;
pub mod pod;

pub use fold::{Diagnosed, diagnose};

use serde::Serialize;

use crate::{
    checklist::Evidence,
    snapshot::{Snapshot, Source, Unreadable},
};

/// One fault that can be recognised.
pub struct Diagnosis {
    /// Stable id in kebab-case; it names the bad state.
    pub id: &'static str,
    /// The topic of `troubleshoot` that asks for it.
    pub topic: Topic,
    /// What a user sees.
    pub symptom: &'static str,
    /// The cause in general words, one sentence.
    pub cause: &'static str,
    /// What it reads; nothing else is fetched for it.
    pub reads: &'static [Source],
    /// Recognises it, from what was read alone.
    pub look: fn(&Snapshot) -> Result<Vec<Finding>, Unreadable>,
}

/// The topics of `troubleshoot`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Topic {
    /// Pods that do not start or do not become ready.
    Pod,
    /// PostgreSQL and Redis.
    Database,
    /// Memory.
    Memory,
    /// Certificates and ingress.
    Tls,
    /// Services, endpoints and policies.
    Network,
    /// Helm's release.
    Release,
}

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Weight {
    /// Something does not work.
    Critical,
    /// Something will not work for long, or did not a while ago.
    Warning,
    /// Advice.
    Info,
}

/// How directly the evidence shows the cause: the order of findings of the same weight.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Directness {
    /// A component said so itself, in a state, a condition or an event.
    Said,
    /// It follows from comparing what was asked for with what is.
    Compared,
    /// It is the best explanation of what was seen.
    Inferred,
}

/// A recognised fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The diagnosis that found it.
    pub id: &'static str,
    /// The cause, one sentence about this very object.
    pub cause: String,
    /// The object that is at fault, `kind/name`.
    pub object: String,
    /// How bad it is.
    pub weight: Weight,
    /// How directly it shows.
    pub directness: Directness,
    /// Objects whose trouble this explains: they and everything that owns or depends on them fold into it.
    pub explains: Vec<String>,
    /// What shows it.
    pub evidence: Vec<Evidence>,
    /// What else it could have been, and why it is not.
    pub ruled_out: Vec<RuledOut>,
    /// Commands or sentences that mend it.
    pub remedy: Vec<String>,
    /// Symptoms folded into it; filled by the fold.
    pub symptoms: Vec<Symptom>,
}

/// A hypothesis that an observation excludes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RuledOut {
    /// What it could have been.
    pub hypothesis: String,
    /// The observation.
    pub because: String,
}

/// Trouble of another object that the cause explains.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Symptom {
    /// The object, `kind/name`.
    pub object: String,
    /// What is seen there.
    pub text: String,
}

/// Every diagnosis.
pub const ALL: &[&Diagnosis] = &[];
