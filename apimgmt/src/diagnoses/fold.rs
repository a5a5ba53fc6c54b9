//! One pure pass that looks with every diagnosis and folds symptoms into their causes along ownership and dependency.

mod reach;

use std::collections::BTreeSet;

use super::{Diagnosis, Directness, Finding, Scene, Weight};
use crate::snapshot::{Snapshot, Source, Unreadable, Why};
use reach::Reach;

/// What the fold reads besides what the diagnoses declare: who owns whom, and who depends on whom.
pub(super) const READS: &[Source] = &[
    Source::Pods,
    Source::ReplicaSets,
    Source::Jobs,
    Source::Deployments,
    Source::StatefulSets,
    Source::Services,
    Source::EndpointSlices,
    Source::Ingresses,
    Source::Secrets,
    Source::ConfigMaps,
    Source::Logs,
];

/// What was recognised, and what could not be looked at.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Diagnosed {
    /// Findings, the root cause first.
    pub findings: Vec<Finding>,
    /// Sources that could not be read: never taken for absence.
    pub unreadable: Vec<Unreadable>,
}

/// Looks with each diagnosis, folds what follows from something else into it, and puts the root cause first.
pub fn diagnose(diagnoses: &[&'static Diagnosis], snapshot: &Snapshot) -> Diagnosed {
    let mut scene = Scene::new(snapshot);
    let mut unreadable: Vec<Unreadable> = Vec::new();
    let mut findings = Vec::new();
    for diagnosis in diagnoses {
        if diagnosis.id == super::pod::UNEXPLAINED.id {
            scene.explain(
                findings
                    .iter()
                    .flat_map(|finding| Reach::of(&scene, finding).into_objects())
                    .collect(),
            );
        }
        match (diagnosis.look)(&scene) {
            Ok(found) => findings.extend(found),
            Err(why) => note(&mut unreadable, why),
        }
    }
    for source in super::reads(diagnoses) {
        let readings = &snapshot.readings;
        if let Some(why) = readings.unreadable(source) {
            note(&mut unreadable, why.clone());
        } else if !readings.was_read(source) {
            note(
                &mut unreadable,
                Unreadable::new(source, &snapshot.namespace, Why::NotCollected),
            );
        }
    }
    unreadable.sort_by_key(|why| why.source);
    Diagnosed {
        findings: fold(&scene, findings),
        unreadable,
    }
}

fn note(unreadable: &mut Vec<Unreadable>, why: Unreadable) {
    if !unreadable.iter().any(|known| known.source == why.source) {
        unreadable.push(why);
    }
}

/// The causes that remain when every finding that follows from another one has gone into it.
fn fold(scene: &Scene<'_>, mut findings: Vec<Finding>) -> Vec<Finding> {
    findings.sort_by(|left, right| rank(left).cmp(&rank(right)));
    let reaches: Vec<Reach> = findings.iter().map(|finding| Reach::of(scene, finding)).collect();
    let mut cause: Vec<Option<usize>> = vec![None; findings.len()];
    // The least direct first: of two findings that follow from each other, the more direct one remains.
    for index in (0..findings.len()).rev() {
        let follows = |other: &usize| {
            findings[index]
                .follows
                .iter()
                .any(|object| reaches[*other].holds(object))
        };
        cause[index] = (0..findings.len())
            .filter(|other| root(&cause, *other) != index)
            .find(follows);
    }
    for index in 0..findings.len() {
        // A cause weighs as much as the worst that follows from it.
        let root = root(&cause, index);
        findings[root].weight = findings[root].weight.min(findings[index].weight);
    }
    let is_root = |index: &usize| cause[*index].is_none();
    let direct =
        (0..findings.len()).filter(|index| is_root(index) && findings[*index].directness < Directness::Inferred);
    let own: BTreeSet<String> = direct.flat_map(|index| findings[index].explains.clone()).collect();
    for index in (0..findings.len()).filter(is_root) {
        let symptoms = reaches[index].symptoms(scene, &findings[index], &own);
        findings[index].symptoms = symptoms;
    }
    let mut roots: Vec<Finding> = findings
        .into_iter()
        .zip(cause)
        .filter(|(_, cause)| cause.is_none())
        .map(|(finding, _)| finding)
        .collect();
    roots.sort_by(|left, right| rank(left).cmp(&rank(right)));
    roots
}

/// What a finding comes from in the end.
fn root(cause: &[Option<usize>], mut index: usize) -> usize {
    while let Some(other) = cause[index] {
        index = other;
    }
    index
}

/// The order of findings: weight, directness, most evidence, then names, so that it is always the same.
fn rank(finding: &Finding) -> (Weight, Directness, std::cmp::Reverse<usize>, &'static str, &str) {
    (
        finding.weight,
        finding.directness,
        std::cmp::Reverse(finding.evidence.len()),
        finding.id,
        &finding.object,
    )
}
