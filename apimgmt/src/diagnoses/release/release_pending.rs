//! A release is marked as under way, and nobody has written to it for long.

use crate::{
    diagnoses::{
        Diagnosis, Directness, Finding, Topic, Weight,
        scene::{Scene, minutes, since},
    },
    snapshot::{Source, Unreadable},
};

pub(in crate::diagnoses) const DIAGNOSIS: Diagnosis = Diagnosis {
    id: "release-pending",
    topic: Topic::Release,
    symptom: "Helm refuses every upgrade: another operation is in progress",
    cause: "The operation was interrupted, and its record still says that it is under way",
    reads: &[Source::Releases],
    look,
};

/// Helm waits five minutes for one step when nobody says otherwise; thrice that is nobody's work any more.
const PATIENCE: jiff::SignedDuration = jiff::SignedDuration::from_mins(15);

fn look(scene: &Scene<'_>) -> Result<Vec<Finding>, Unreadable> {
    let revisions = scene.snapshot.releases()?;
    let newest = revisions.first().filter(|newest| newest.status.starts_with("pending-"));
    let stuck = newest.filter(|newest| since(newest.updated, scene.now()) > PATIENCE);
    let finding = stuck.map(|newest| {
        let object = format!("release/{}", newest.name);
        let serves = revisions.iter().find(|other| other.status == "deployed");
        let serves = serves.map_or("no revision is deployed".to_owned(), |other| {
            format!("revision {} is deployed", other.revision)
        });
        Finding::new(
            DIAGNOSIS.id,
            &object,
            format!(
                "revision {} of {object} has been `{}` for {}, and whoever was at work on it has gone; {serves}",
                newest.revision,
                newest.status,
                minutes(since(newest.updated, scene.now()))
            ),
        )
        .weighing(Weight::Warning)
        .shown(Directness::Compared)
        .because([scene.field(
            Source::Releases,
            &object,
            &format!("status of revision {}", newest.revision),
            &newest.status,
        )])
        .not(
            "somebody is at work on it",
            "its record has not been written for longer than Helm waits",
        )
        .mend(format!("helm apimgmt rescue {} -n {}", newest.name, scene.namespace()))
    });
    Ok(finding.into_iter().collect())
}
