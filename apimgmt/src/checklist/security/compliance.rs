//! Every pod and every template meets the Pod Security Standard `restricted`; a violation is named by its field.

use std::collections::BTreeMap;

use super::pod_security::violations;
use crate::{
    checklist::{
        Item, Phase, Severity, Stage, Verdict,
        clauses::{Clauses, counted},
    },
    snapshot::{
        Snapshot, Source, Specified, Unreadable,
        sessions::{Import, ImportKind},
    },
    values::ExpectedCompliance,
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
    reads: &[
        Source::Pods,
        Source::Deployments,
        Source::StatefulSets,
        Source::DaemonSets,
        Source::Jobs,
        Source::CronJobs,
        Source::Imports,
        Source::Expectations,
    ],
    judge,
};

#[expect(clippy::unnecessary_wraps, reason = "it has the shape of every judge")]
fn judge(snapshot: &Snapshot) -> Result<Verdict, Unreadable> {
    let mut row = Clauses::on(snapshot);
    if let Some(specified) = row.read(snapshot.pod_specs()) {
        controls(&mut row, snapshot, &specified);
    }
    if let Some(expected) = row.read(snapshot.expectations()) {
        benchmarks(&mut row, snapshot, &expected.compliance);
    }
    Ok(row.verdict("no field of a pod or template violates `restricted`"))
}

/// The newest imported result of each declared benchmark is there, is not too old and has no failed control.
fn benchmarks(row: &mut Clauses<'_>, snapshot: &Snapshot, expected: &ExpectedCompliance) {
    if expected.benchmarks.is_empty() {
        return;
    }
    let Some(imports) = row.read(snapshot.imports()) else {
        return;
    };
    for tool in &expected.benchmarks {
        let results = imports
            .iter()
            .filter(|import| import.kind == ImportKind::Benchmark && import.tool == *tool);
        let Some(result) = results.max_by_key(|import| import.scanned_at) else {
            row.unseen(format!("no result of {tool} has been imported"));
            continue;
        };
        let count = |name: &str| result.count(name);
        row.stable(
            Source::Imports,
            &result.object,
            &format!("{tool}: pass, fail"),
            format!("{}, {} of {}", count("pass"), count("fail"), result.subject),
        );
        if count("pass") + count("fail") == 0 {
            row.unseen(format!("the result of {tool} has no control that passed or failed"));
        }
        if count("fail") > 0 {
            row.breach(format!("{tool} found {}", counted(failed(result), "failed control")));
        }
        match result.scanned_at.map(|at| snapshot.taken_at.duration_since(at)) {
            None => row.unseen(format!("when {tool} ran is not known")),
            Some(age) if age.as_secs() < -60 => row.unseen(format!("the result of {tool} is from the future")),
            Some(age) if age.unsigned_abs() > expected.maximum_age.0 => row.breach(format!(
                "the newest result of {tool} is older than {}",
                expected.maximum_age
            )),
            Some(_) => {}
        }
    }
}

fn failed(result: &Import) -> usize {
    usize::try_from(result.count("fail")).unwrap_or(usize::MAX)
}

/// Objects that break a control in the same words; they come one after the other, each perhaps several times in a row.
struct Objects<'a> {
    first: &'a str,
    last: &'a str,
    more: usize,
}

fn controls(row: &mut Clauses<'_>, snapshot: &Snapshot, specified: &[Specified<'_>]) {
    if specified.is_empty() {
        row.unseen("there is no pod and no template to look at");
        return;
    }
    // A template and its pods break a control in the same words, and are named together.
    let mut broken: BTreeMap<String, Objects<'_>> = BTreeMap::new();
    for one in specified {
        for violation in violations(one.metadata, one.spec) {
            let words = format!("{} {}", violation.field, violation.wrong);
            let objects = broken.entry(words).or_insert(Objects {
                first: &one.object,
                last: &one.object,
                more: 0,
            });
            if objects.last != one.object {
                objects.last = &one.object;
                objects.more += 1;
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
        let others = match objects.more {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        row.stable(Source::Pods, objects.first, "violation", &words);
        row.breach(format!("{}{others}: {words}", objects.first));
    }
}
