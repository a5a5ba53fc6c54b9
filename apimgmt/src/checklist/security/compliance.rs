//! Every pod and every template meets the Pod Security Standard `restricted`; a violation is named by its field.

use std::collections::BTreeMap;

use super::pod_security::violations;
use crate::{
    checklist::{
        Item, Phase, Severity, Stage, Verdict,
        clauses::{Clauses, counted},
    },
    snapshot::{Snapshot, Source, Specified, Unreadable},
};

/// The item.
pub const ITEM: Item = Item {
    id: "security/compliance",
    title: "Every pod meets the restricted standard",
    stage: Stage::Pre,
    phase: Phase::Application,
    severity: Severity::Blocking,
    why: "A privileged pod is a way to the node.",
    fix: "Set the field that is named in the pod's securityContext.",
    reads: Snapshot::POD_SPECS,
    judge,
};

#[expect(clippy::unnecessary_wraps, reason = "it has the shape of every judge")]
fn judge(snapshot: &Snapshot) -> Result<Verdict, Unreadable> {
    let mut row = Clauses::on(snapshot);
    if let Some(specified) = row.read(snapshot.pod_specs()) {
        controls(&mut row, snapshot, &specified);
    }
    Ok(row.verdict("no field of a pod or template violates `restricted`"))
}

fn controls(row: &mut Clauses<'_>, snapshot: &Snapshot, specified: &[Specified<'_>]) {
    if specified.is_empty() {
        row.unseen("there is no pod and no template to look at");
        return;
    }
    // A template and its pods break a control in the same words, and are named together.
    let mut broken: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for one in specified {
        for violation in violations(one.metadata, one.spec) {
            let words = format!("{} {}", violation.field, violation.wrong);
            let objects = broken.entry(words).or_default();
            if !objects.contains(&one.object.as_str()) {
                objects.push(&one.object);
            }
        }
    }
    let pods = specified.iter().filter(|one| one.pod.is_some()).count();
    let seen = format!(
        "{} and {}, {}",
        counted(specified.len() - pods, "template"),
        counted(pods, "pod"),
        counted(broken.len(), "violation"),
    );
    row.stable(
        Source::Pods,
        format!("namespace/{}", snapshot.namespace),
        "Pod Security `restricted`",
        seen,
    );
    for (words, objects) in broken {
        let others = match objects.len() - 1 {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        row.stable(Source::Pods, objects[0], "violation", &words);
        row.breach(format!("{}{others}: {words}", objects[0]));
    }
}
