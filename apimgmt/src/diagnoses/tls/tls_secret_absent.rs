//! An ingress takes its certificate from a secret that does not exist or holds none.

use crate::{
    diagnoses::{
        Diagnosis, Directness, Finding, Topic,
        scene::{Scene, absence, certificates::Stored, list},
    },
    snapshot::{Source, Unreadable},
};

pub(in crate::diagnoses) const DIAGNOSIS: Diagnosis = Diagnosis {
    id: "tls-secret-absent",
    topic: Topic::Tls,
    symptom: "A host is served with a certificate of the ingress controller's own, or not at all",
    cause: "The ingress names a Secret that does not exist, or that holds no certificate",
    reads: &[
        Source::Ingresses,
        Source::Secrets,
        Source::ConfigMaps,
        Source::Certificates,
    ],
    look,
};

fn look(scene: &Scene<'_>) -> Result<Vec<Finding>, Unreadable> {
    let _ = scene.snapshot.certificates();
    let stored = scene.stored_certificates()?;
    let bare = stored.iter().filter(|stored| stored.chain().is_empty());
    Ok(bare.map(|stored| finding(scene, stored)).collect())
}

fn finding(scene: &Scene<'_>, stored: &Stored<'_>) -> Finding {
    let (object, users) = (stored.object(), list(&stored.ingresses()));
    let near = absence::nearest(scene, &object).map_or(String::new(), |near| format!("; secret/{near} comes nearest"));
    let cause = match stored.secret {
        None => format!(
            "{users} takes the certificate of {} from {object}, which does not exist{near}",
            stored.hosts()
        ),
        Some(_) => format!(
            "{users} takes the certificate of {} from {object}, which holds none in tls.crt",
            stored.hosts()
        ),
    };
    let seen = match stored.secret {
        None => absence::evidence(scene, &object),
        Some(_) => Some(scene.field(Source::Secrets, &object, "tls.crt", "no certificate")),
    };
    let finding = Finding::new(DIAGNOSIS.id, &object, cause)
        .shown(Directness::Compared)
        .explaining(stored.ingresses())
        .because(seen)
        .because(
            stored
                .users
                .iter()
                .take(3)
                .map(|(ingress, _)| scene.field(Source::Ingresses, ingress.object(), "spec.tls", stored.name)),
        )
        .not("the certificate has expired", "there is none");
    match scene.keeper(stored.name) {
        Some(keeper) => finding
            .following([format!("certificate/{}", keeper.metadata.name)])
            .mend(format!(
                "kubectl describe certificate/{} -n {}",
                keeper.metadata.name,
                scene.namespace()
            )),
        None if stored.secret.is_none() => finding.mend(format!(
            "kubectl create secret tls {} --cert=CHAIN.pem --key=KEY.pem -n {}",
            stored.name,
            scene.namespace()
        )),
        None => finding.mend(scene.replace_certificate(stored.name)),
    }
}
