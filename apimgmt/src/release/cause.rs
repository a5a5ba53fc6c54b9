//! Why a change failed, in the diagnoses' own words where one recognises it.

use serde::Serialize;

use super::{
    attempt::{Attempt, Stop},
    judge::Reader,
    phases::{Gate, Standing},
};
use crate::{
    diagnoses::{Finding, Weight},
    report::progress::Progress,
};

/// The named cause.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Cause {
    /// `kind/name`.
    pub object: String,
    /// One sentence.
    pub text: String,
    /// What mends it.
    pub remedy: Vec<String>,
    /// What else was seen, Helm's own words among it.
    pub symptoms: Vec<String>,
}

/// Names the cause of a Helm that failed or was stopped, while the broken state still stands.
pub(super) async fn of_attempt(attempt: &Attempt, reader: &Reader, progress: &Progress) -> Cause {
    let finding = worst(reader, progress).await;
    // Helm 4 logs what it then says again as an error.
    let helms = attempt
        .ended
        .errors
        .lines()
        .filter(|line| !line.trim().is_empty() && !line.starts_with("level="))
        .map(str::to_owned);
    match (finding, &attempt.stop) {
        (Some(finding), Some(Stop::Hopeless(hopeless))) => {
            let seen = format!("{}: {}", hopeless.object, hopeless.text);
            Cause {
                symptoms: vec![seen],
                ..Cause::from(finding)
            }
        }
        (None, Some(Stop::Hopeless(hopeless))) => Cause {
            object: hopeless.object.clone(),
            text: hopeless.text.clone(),
            remedy: vec![format!(
                "kubectl describe {} -n {}",
                hopeless.object.replace('/', " "),
                reader.namespace()
            )],
            symptoms: Vec::new(),
        },
        (Some(finding), _) => Cause {
            symptoms: helms.collect(),
            ..Cause::from(finding)
        },
        (None, _) => Cause {
            object: "helm".into(),
            text: helms.collect::<Vec<_>>().join("; "),
            remedy: vec![format!("kubectl apimgmt troubleshoot -n {}", reader.namespace())],
            symptoms: Vec::new(),
        },
    }
}

/// Names the cause of a gate that is shut.
pub(super) async fn of_gates(gates: &[Gate], reader: &Reader, progress: &Progress) -> Option<Cause> {
    let gate = gates.iter().find(|gate| gate.standing == Standing::Failed)?;
    let shut: Vec<_> = gate
        .items
        .iter()
        .filter(|item| gate.shut_by.contains(&item.id))
        .collect();
    let symptoms = shut
        .iter()
        .map(|item| format!("{}: {}", item.id, item.detail))
        .collect();
    match worst(reader, progress).await {
        Some(finding) => Some(Cause {
            symptoms,
            ..Cause::from(finding)
        }),
        None => Some(Cause {
            object: shut.first()?.id.into(),
            text: shut.first()?.detail.clone(),
            remedy: shut.iter().map(|item| item.fix.to_owned()).collect(),
            symptoms,
        }),
    }
}

async fn worst(reader: &Reader, progress: &Progress) -> Option<Finding> {
    match reader.diagnose().await {
        Ok(diagnosed) => diagnosed
            .findings
            .into_iter()
            .find(|finding| finding.weight == Weight::Critical),
        Err(error) => {
            progress.say(&format!("could not look for the cause: {error}"));
            None
        }
    }
}

impl From<Finding> for Cause {
    fn from(finding: Finding) -> Self {
        Self {
            object: finding.object,
            text: finding.cause,
            remedy: finding.remedy,
            symptoms: Vec::new(),
        }
    }
}
