//! A host serves another certificate than the one its ingress has.

use crate::{
    diagnoses::{
        Diagnosis, Directness, Finding, Topic,
        scene::{Scene, certificates::Stored, clean},
    },
    snapshot::{Source, Unreadable, sessions::Host},
};

pub(in crate::diagnoses) const DIAGNOSIS: Diagnosis = Diagnosis {
    id: "certificate-not-served",
    topic: Topic::Tls,
    symptom: "Clients meet another certificate than the one in the Secret",
    cause: "The ingress controller has not taken the certificate, or something before it ends TLS",
    reads: &[Source::Ingresses, Source::Secrets, Source::Hosts, Source::Expectations],
    look,
};

/// Names of certificates that ingress controllers make for themselves when they have none.
const MADE_UP: [&str; 2] = ["Kubernetes Ingress Controller Fake Certificate", "TRAEFIK DEFAULT CERT"];

fn look(scene: &Scene<'_>) -> Result<Vec<Finding>, Unreadable> {
    let hosts = scene.snapshot.hosts()?;
    let _ = scene.snapshot.expectations();
    let stored = scene.stored_certificates()?;
    let findings = hosts.iter().filter_map(|answer| {
        let stored = stored
            .iter()
            .find(|stored| stored.users.iter().any(|(_, host)| *host == answer.host))?;
        finding(scene, stored, answer)
    });
    Ok(findings.collect())
}

fn finding(scene: &Scene<'_>, stored: &Stored<'_>, answer: &Host) -> Option<Finding> {
    let (leaf, served) = (stored.chain().first()?, answer.served.first()?);
    if leaf.sha256.is_empty() || served.sha256.is_empty() || leaf.sha256 == served.sha256 {
        return None;
    }
    let (host, object) = (clean(&answer.host), stored.object());
    let is_made_up = MADE_UP.iter().any(|name| served.subject.contains(name));
    let what = if is_made_up {
        "the certificate that its ingress controller made for itself".to_owned()
    } else {
        format!("a certificate of `{}`", clean(&served.subject))
    };
    let (ingress, _) = stored.users.iter().find(|(_, name)| *name == answer.host)?;
    let cause = if is_made_up {
        "the controller did not take it"
    } else {
        "the controller has not taken it, or something before the cluster ends TLS"
    };
    Some(
        Finding::new(
            DIAGNOSIS.id,
            ingress.object(),
            format!("{host} serves {what} and not the one in {object}: {cause}"),
        )
        .shown(Directness::Inferred)
        // Whatever is wrong with the secret is why it was not taken.
        .following([object.clone()])
        .because([
            scene.field(Source::Hosts, format!("host/{host}"), "served sha256", &served.sha256),
            scene.field(Source::Secrets, &object, "tls.crt sha256", &leaf.sha256),
        ])
        .mend(format!(
            "kubectl describe {} -n {}",
            ingress.object(),
            scene.namespace()
        ))
        .mend("Look into the log of the ingress controller for the name of the Secret"),
    )
}
