//! A certificate that an ingress serves by is out of its time.

use crate::{
    diagnoses::{
        Diagnosis, Directness, Finding, Topic,
        scene::{
            Scene,
            certificates::{Stored, days},
            list,
        },
    },
    snapshot::{Source, Unreadable, sensitive::Certificate},
};

pub(in crate::diagnoses) const DIAGNOSIS: Diagnosis = Diagnosis {
    id: "certificate-expired",
    topic: Topic::Tls,
    symptom: "Every client refuses the host",
    cause: "The certificate of the host, or one that signed it, is not valid at this time",
    reads: &[Source::Ingresses, Source::Secrets, Source::Certificates],
    look,
};

fn look(scene: &Scene<'_>) -> Result<Vec<Finding>, Unreadable> {
    let _ = scene.snapshot.certificates();
    let stored = scene.stored_certificates()?;
    Ok(stored.iter().filter_map(|stored| finding(scene, stored)).collect())
}

fn finding(scene: &Scene<'_>, stored: &Stored<'_>) -> Option<Finding> {
    let (position, certificate, how) = stored
        .chain()
        .iter()
        .enumerate()
        .find_map(|(position, certificate)| Some((position, certificate, amiss(scene, certificate)?)))?;
    let object = stored.object();
    let which = match position {
        0 => format!("the certificate in {object}"),
        _ => format!(
            "certificate {} of the chain in {object} ({})",
            position + 1,
            certificate.subject
        ),
    };
    let mut finding = Finding::new(
        DIAGNOSIS.id,
        &object,
        format!(
            "{which} {how}; {} serves {} by it",
            list(&stored.ingresses()),
            stored.hosts()
        ),
    )
    .shown(Directness::Compared)
    .explaining(stored.ingresses())
    .because([scene.field(Source::Secrets, &object, "tls.crt validity", validity(certificate))]);
    if let Some(keeper) = scene.keeper(stored.name) {
        let keeper = format!("certificate/{}", keeper.metadata.name);
        finding = finding.following([keeper.clone()]).because([scene.field(
            Source::Certificates,
            keeper,
            "spec.secretName",
            stored.name,
        )]);
    } else if scene.snapshot.certificates().is_ok() {
        finding = finding.not(
            "a renewal is on its way",
            "no Certificate of cert-manager keeps this Secret",
        );
    }
    Some(finding.mend(scene.renew_certificate(stored.name)))
}

/// How a certificate is out of its time, when it is.
fn amiss(scene: &Scene<'_>, certificate: &Certificate) -> Option<String> {
    let (from, until) = (certificate.not_before?, certificate.not_after?);
    if scene.now() >= until {
        Some(format!(
            "expired {} ago, at {until}",
            days(scene.now().duration_since(until))
        ))
    } else if scene.now() < from {
        Some(format!("is not valid before {from}"))
    } else {
        None
    }
}

fn validity(certificate: &Certificate) -> String {
    let written = |at: Option<jiff::Timestamp>| at.map_or_else(|| "?".into(), |at| at.to_string());
    format!(
        "{} to {}",
        written(certificate.not_before),
        written(certificate.not_after)
    )
}
