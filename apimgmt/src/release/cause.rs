//! Why a change failed, in the diagnoses' own words where one recognises it.

use serde::Serialize;

use super::{
    attempt::{Attempt, Stop},
    judge::Reader,
    phases::{Gate, Standing},
};
use crate::{
    Error,
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

impl Cause {
    /// What somebody asked for, and did not come about.
    pub(super) fn of_error(release: &str, error: &Error) -> Self {
        let reason = std::error::Error::source(error).map(|reason| format!(": {reason}"));
        Self {
            object: format!("release/{release}"),
            text: format!("{error}{}", reason.unwrap_or_default()),
            remedy: Vec::new(),
            symptoms: Vec::new(),
        }
    }
}

/// Names the cause of a Helm that failed or was stopped, while the broken state still stands.
pub(super) async fn of_attempt(attempt: &Attempt, reader: &Reader, progress: &Progress) -> Cause {
    let hopeless = match &attempt.stop {
        Some(Stop::Hopeless(hopeless)) => Some(hopeless.object.as_str()),
        _ => None,
    };
    let finding = worst(reader, hopeless, progress).await;
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
    match worst(reader, None, progress).await {
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

/// The worst finding; where an object is known to be in the way, only one that explains it: other trouble may be older.
async fn worst(reader: &Reader, object: Option<&str>, progress: &Progress) -> Option<Finding> {
    match reader.diagnose().await {
        Ok(diagnosed) => diagnosed.findings.into_iter().find(|finding| {
            finding.weight == Weight::Critical && object.is_none_or(|object| explains(finding, object))
        }),
        Err(error) => {
            progress.say(&format!("could not look for the cause: {error}"));
            None
        }
    }
}

/// Whether a finding is about an object, or about the workload that made it.
fn explains(finding: &Finding, object: &str) -> bool {
    let (_, name) = object.split_once('/').unwrap_or(("", object));
    let (_, workload) = finding.object.split_once('/').unwrap_or(("", &finding.object));
    finding.object == object
        || finding.symptoms.iter().any(|symptom| symptom.object == object)
        || finding.explains.iter().any(|explained| explained == object)
        || name.strip_prefix(workload).is_some_and(is_generated)
}

/// Whether `rest` is what controllers add to a workload's name: `-0`, `-x7k2p`, `-5b8bb97b99-8qc9p`. They use no vowels.
fn is_generated(rest: &str) -> bool {
    let part = |part: &str| !part.is_empty() && part.len() <= 10 && !part.contains(['a', 'e', 'i', 'o', 'u']);
    let mut parts = rest.split('-');
    parts.next() == Some("") && rest.len() > 1 && rest.matches('-').count() <= 2 && parts.all(part)
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

#[cfg(test)]
mod tests {
    use super::is_generated;

    #[test]
    fn a_pod_is_known_by_the_name_of_its_workload() {
        for rest in ["-0", "-8qbwq", "-5b8bb97b99-8qc9p"] {
            assert!(is_generated(rest), "{rest}");
        }
        for rest in ["", "-", "-migrate-2-8qbwq", "-exporter-6f8b7c9d5-x7k2p", "0"] {
            assert!(!is_generated(rest), "{rest}");
        }
    }
}
