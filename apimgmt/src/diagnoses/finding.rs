//! Findings: a recognised fault, what shows it, what it explains and what mends it.

use serde::Serialize;

use crate::checklist::Evidence;

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
    /// Objects whose trouble would explain this: a finding that explains one of them takes this one in.
    pub follows: Vec<String>,
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

impl Finding {
    /// A fault of `object` that stops something from working, as a component said itself.
    pub fn new(id: &'static str, object: impl Into<String>, cause: impl Into<String>) -> Self {
        Self {
            id,
            cause: cause.into(),
            object: object.into(),
            weight: Weight::Critical,
            directness: Directness::Said,
            explains: Vec::new(),
            follows: Vec::new(),
            evidence: Vec::new(),
            ruled_out: Vec::new(),
            remedy: Vec::new(),
            symptoms: Vec::new(),
        }
    }

    /// Another weight.
    #[must_use]
    pub fn weighing(mut self, weight: Weight) -> Self {
        self.weight = weight;
        self
    }

    /// Less direct than said.
    #[must_use]
    pub fn shown(mut self, directness: Directness) -> Self {
        self.directness = directness;
        self
    }

    /// Adds objects whose trouble this explains.
    #[must_use]
    pub fn explaining(mut self, objects: impl IntoIterator<Item = String>) -> Self {
        self.explains.extend(objects);
        self
    }

    /// Adds objects whose trouble would explain this.
    #[must_use]
    pub fn following(mut self, objects: impl IntoIterator<Item = String>) -> Self {
        self.follows.extend(objects);
        self
    }

    /// Adds what shows it.
    #[must_use]
    pub fn because(mut self, evidence: impl IntoIterator<Item = Evidence>) -> Self {
        self.evidence.extend(evidence);
        self
    }

    /// Adds what it is not, and why.
    #[must_use]
    pub fn not(mut self, hypothesis: &str, because: impl Into<String>) -> Self {
        self.ruled_out.push(RuledOut {
            hypothesis: hypothesis.into(),
            because: because.into(),
        });
        self
    }

    /// Adds a command or a sentence that mends it.
    #[must_use]
    pub fn mend(mut self, remedy: impl Into<String>) -> Self {
        self.remedy.push(remedy.into());
        self
    }
}
