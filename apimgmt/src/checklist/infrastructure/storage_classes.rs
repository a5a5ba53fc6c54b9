//! The storage classes that the release uses exist, are as declared, and deliver volumes that are fast enough.
//!
//! A probe result of this item stands for one class; its values are `storageClass`, `boundAfter` (`3.2s`),
//! `writtenBytes` and `fsyncP99` (`4ms`).

use std::collections::BTreeSet;

use crate::{
    checklist::{Item, Phase, Severity, Stage, Verdict, clauses::Clauses, probe},
    snapshot::{
        Snapshot, Source, Unreadable,
        sessions::ProbeResult,
        storage::{PersistentVolumeClaim, StorageClass},
    },
    values::{ExpectedStorage, Span},
};

/// The item.
pub const ITEM: Item = Item {
    id: "infrastructure/storage-classes",
    title: "The storage classes exist and bind in time",
    stage: Stage::Pre,
    phase: Phase::Infrastructure,
    severity: Severity::Blocking,
    why: "A claim without a class or provisioner leaves the database pending for ever.",
    fix: "Run `kubectl get storageclass` and set `persistence.storageClass` to one that exists.",
    reads: &[
        Source::StorageClasses,
        Source::PersistentVolumeClaims,
        Source::StatefulSets,
        Source::Probes,
        Source::Expectations,
    ],
    judge,
};

/// A claim that waits longer than this waits for somebody who does not come.
const BINDING_TAKES: i64 = 120;

fn judge(snapshot: &Snapshot) -> Result<Verdict, Unreadable> {
    let mut row = Clauses::on(snapshot);
    let classes = snapshot.storage_classes()?;
    let claims = row.read(snapshot.persistent_volume_claims());
    let stateful_sets = row.read(snapshot.stateful_sets());
    let expected = row.read(snapshot.expectations());
    let no_claims = Vec::new();
    let claims = claims.unwrap_or(&no_claims);

    let mut used = BTreeSet::new();
    let templates = stateful_sets.into_iter().flatten().flat_map(|set| {
        let object = format!("statefulset/{}", set.metadata.name);
        set.spec
            .volume_claim_templates
            .iter()
            .map(move |claim| (object.clone(), claim))
    });
    let bound = claims
        .iter()
        .map(|claim| (format!("persistentvolumeclaim/{}", claim.metadata.name), claim));
    for (object, claim) in bound.chain(templates) {
        used.extend(class_of(&mut row, classes, &object, claim));
    }
    if let Some(expected) = expected {
        used.extend(expected.storage.classes.iter().map(|class| class.name.as_str()));
        for name in &used {
            class_as_declared(&mut row, classes, name, &expected.storage);
        }
    }
    for claim in claims {
        delivered(&mut row, snapshot, classes, claim);
    }
    if used.is_empty() {
        row.unseen("no claim uses a storage class, and none is declared");
    } else {
        measured(
            &mut row,
            snapshot,
            &used,
            expected.and_then(|expected| expected.storage.fsync_p99),
        );
    }
    let names: Vec<_> = used.into_iter().collect();
    Ok(row.verdict(format!("{} bound, written and fast enough", names.join(", "))))
}

/// The class of a claim: the named one, else the default; `None` for a claim that wants none.
fn class_of<'a>(
    row: &mut Clauses<'_>,
    classes: &'a [StorageClass],
    object: &str,
    claim: &'a PersistentVolumeClaim,
) -> Option<&'a str> {
    match claim.spec.storage_class_name.as_deref() {
        Some("") => None,
        Some(name) => Some(name),
        None => {
            // Of several defaults the newest is taken.
            let default = classes
                .iter()
                .filter(|class| {
                    let annotation = class
                        .metadata
                        .annotations
                        .get("storageclass.kubernetes.io/is-default-class");
                    annotation.is_some_and(|value| value == "true")
                })
                .max_by_key(|class| class.metadata.creation_timestamp);
            if default.is_none() {
                row.breach(format!("{object} names no storage class, and there is no default one"));
            }
            default.map(|class| class.metadata.name.as_str())
        }
    }
}

fn class_as_declared(row: &mut Clauses<'_>, classes: &[StorageClass], name: &str, expected: &ExpectedStorage) {
    let object = format!("storageclass/{name}");
    let Some(class) = classes.iter().find(|class| class.metadata.name == name) else {
        row.breach(format!("{object} does not exist"));
        return;
    };
    let reclaim = if class.reclaim_policy.is_empty() {
        "Delete"
    } else {
        &class.reclaim_policy
    };
    row.stable(
        Source::StorageClasses,
        &object,
        "provisioner, reclaimPolicy, allowVolumeExpansion",
        format!("{}, {reclaim}, {}", class.provisioner, class.allow_volume_expansion),
    );
    let Some(declared) = expected.classes.iter().find(|declared| declared.name == name) else {
        return;
    };
    match declared.allow_volume_expansion {
        Some(wanted) if wanted != class.allow_volume_expansion => {
            row.breach(format!(
                "{object} has allowVolumeExpansion {}, not {wanted}",
                class.allow_volume_expansion
            ));
        }
        _ => {}
    }
    match &declared.reclaim_policy {
        Some(wanted) if wanted != reclaim => {
            row.breach(format!("{object} has reclaimPolicy {reclaim}, not {wanted}"));
        }
        _ => {}
    }
}

/// Whether a claim got its volume, or somebody who should deliver it does not.
fn delivered(row: &mut Clauses<'_>, snapshot: &Snapshot, classes: &[StorageClass], claim: &PersistentVolumeClaim) {
    let object = format!("persistentvolumeclaim/{}", claim.metadata.name);
    let phase = claim.status.phase.as_str();
    row.stable(Source::PersistentVolumeClaims, &object, "status.phase", phase);
    let class = claim.spec.storage_class_name.as_deref().unwrap_or_default();
    let class = classes.iter().find(|candidate| candidate.metadata.name == class);
    // Until a pod that uses it has a node, such a claim waits rightly.
    let waits_for_pod = class.is_some_and(|class| class.volume_binding_mode == "WaitForFirstConsumer")
        && !claim
            .metadata
            .annotations
            .contains_key("volume.kubernetes.io/selected-node");
    let age = claim
        .metadata
        .creation_timestamp
        .map(|created| snapshot.taken_at.duration_since(created).as_secs());
    match phase {
        "Bound" => {}
        "Lost" => row.breach(format!("{object} lost its volume {}", claim.spec.volume_name)),
        _ if waits_for_pod => {}
        _ if age.is_some_and(|age| age <= BINDING_TAKES) => row.unseen(format!("{object} is still being bound")),
        _ => row.breach(format!(
            "{object} is unbound{}",
            class
                .map(|class| format!(": {} does not deliver", class.provisioner))
                .unwrap_or_default()
        )),
    }
}

/// That a provisioner lives and is fast shows only on a volume that it made.
fn measured(row: &mut Clauses<'_>, snapshot: &Snapshot, used: &BTreeSet<&str>, limit: Option<Span>) {
    let results = probe::fresh(row, snapshot, ITEM.id);
    if results.is_empty() {
        return;
    }
    let newest_first = |name: &str| {
        let mut results = results.iter();
        results.find(|result| result.values.get("storageClass").is_some_and(|class| class == name))
    };
    for name in used {
        let Some(result) = newest_first(name) else {
            row.unseen(format!(
                "needs `--active`: no fresh probe result for storageclass/{name}"
            ));
            continue;
        };
        probe::taken(row, result);
        if result.passed {
            fast_enough(row, name, result, limit);
        }
    }
    row.note(format!(
        "{} measured",
        if used.len() == 1 {
            "1 class".to_owned()
        } else {
            format!("{} classes", used.len())
        }
    ));
}

fn fast_enough(row: &mut Clauses<'_>, name: &str, result: &ProbeResult, limit: Option<Span>) {
    let value = |key: &str| result.values.get(key).map(String::as_str).unwrap_or_default();
    if value("boundAfter").is_empty() {
        row.unseen(format!(
            "the probe does not say when its volume of storageclass/{name} was bound"
        ));
    }
    if !value("writtenBytes").parse::<u64>().is_ok_and(|bytes| bytes > 0) {
        row.unseen(format!("the probe does not say that it wrote to storageclass/{name}"));
    }
    match (value("fsyncP99").parse::<Span>(), limit) {
        (Ok(measured), Some(limit)) if measured > limit => row.breach(format!(
            "storageclass/{name} takes {} for an fsync (99th percentile), more than {limit}",
            value("fsyncP99")
        )),
        (Ok(_), _) => {}
        (Err(_), _) => row.unseen(format!(
            "the probe does not say how long an fsync takes on storageclass/{name}"
        )),
    }
}
