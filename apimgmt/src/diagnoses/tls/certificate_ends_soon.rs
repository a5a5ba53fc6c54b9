//! A certificate is in the last third of its time, and nothing is about to renew it.

use crate::{
    diagnoses::{
        Diagnosis, Directness, Finding, Topic, Weight,
        scene::{
            Scene,
            certificates::{Stored, days},
        },
    },
    snapshot::{Source, Unreadable},
};

pub(in crate::diagnoses) const DIAGNOSIS: Diagnosis = Diagnosis {
    id: "certificate-ends-soon",
    topic: Topic::Tls,
    symptom: "Nothing yet: the host will be refused when the certificate ends",
    cause: "The renewal of the certificate is overdue, or nobody renews it",
    reads: &[
        Source::Ingresses,
        Source::Secrets,
        Source::Certificates,
        Source::Expectations,
    ],
    look,
};

fn look(scene: &Scene<'_>) -> Result<Vec<Finding>, Unreadable> {
    let _ = (scene.snapshot.certificates(), scene.snapshot.expectations());
    let stored = scene.stored_certificates()?;
    Ok(stored.iter().filter_map(|stored| finding(scene, stored)).collect())
}

/// cert-manager renews when two thirds of the time have passed, and so do the other usual agents.
fn finding(scene: &Scene<'_>, stored: &Stored<'_>) -> Option<Finding> {
    let leaf = stored.chain().first()?;
    let (from, until) = (leaf.not_before?, leaf.not_after?);
    let (lifetime, left) = (until.duration_since(from), until.duration_since(scene.now()));
    if !left.is_positive() || left >= lifetime / 3 {
        return None;
    }
    let object = stored.object();
    let keeper = scene.keeper(stored.name);
    let due = keeper.and_then(|keeper| keeper.status.renewal_time);
    if due.is_some_and(|due| due > scene.now() && due < until) {
        return None;
    }
    let declared = scene
        .snapshot
        .expectations()
        .ok()
        .map(|expected| expected.tls.renewal.mechanism.trim());
    let renewal = match (keeper, declared) {
        (Some(keeper), _) => match due {
            Some(due) => format!("certificate/{} was to renew it at {due}", keeper.metadata.name),
            None => format!("certificate/{} plans no renewal", keeper.metadata.name),
        },
        (None, Some(mechanism)) if !mechanism.is_empty() => format!("{mechanism} has not renewed it"),
        (None, _) => "no Certificate of cert-manager keeps it".into(),
    };
    let finding = Finding::new(
        DIAGNOSIS.id,
        &object,
        format!(
            "the certificate in {object} ends in {}, with less than a third of its {} left, and {renewal}",
            days(left),
            days(lifetime)
        ),
    )
    .weighing(Weight::Warning)
    .shown(Directness::Compared)
    .because([scene.field(
        Source::Secrets,
        &object,
        "tls.crt validity",
        format!("{from} to {until}"),
    )])
    .because(due.map(|due| {
        let keeper = keeper.map_or(String::new(), |keeper| format!("certificate/{}", keeper.metadata.name));
        scene.field(Source::Certificates, keeper, "status.renewalTime", due)
    }))
    .not("it has expired", format!("it is valid until {until}"));
    Some(
        match keeper {
            Some(keeper) => finding.following([format!("certificate/{}", keeper.metadata.name)]),
            None => finding,
        }
        .mend(scene.renew_certificate(stored.name)),
    )
}
