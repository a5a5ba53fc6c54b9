//! The private key in a secret does not belong to the certificate beside it.

use crate::{
    diagnoses::{
        Diagnosis, Directness, Finding, Topic,
        scene::{Scene, certificates::Stored, list},
    },
    snapshot::{Source, Unreadable},
};

pub(in crate::diagnoses) const DIAGNOSIS: Diagnosis = Diagnosis {
    id: "certificate-key-mismatch",
    topic: Topic::Tls,
    symptom: "The ingress controller refuses the certificate and serves one of its own",
    cause: "Certificate and private key of the Secret are of two different pairs",
    reads: &[Source::Ingresses, Source::Secrets, Source::Certificates],
    look,
};

fn look(scene: &Scene<'_>) -> Result<Vec<Finding>, Unreadable> {
    let _ = scene.snapshot.certificates();
    let stored = scene.stored_certificates()?;
    Ok(stored.iter().filter_map(|stored| finding(scene, stored)).collect())
}

fn finding(scene: &Scene<'_>, stored: &Stored<'_>) -> Option<Finding> {
    let (leaf, object) = (stored.chain().first()?, stored.object());
    let key = stored.secret?.facts.get("tls.key");
    let cause = match key {
        Some(key) if key.length > 0 => {
            let comparable = !key.key_sha256.is_empty() && !leaf.key_sha256.is_empty();
            (comparable && key.key_sha256 != leaf.key_sha256)
                .then(|| format!("tls.key of {object} does not belong to the certificate in its tls.crt"))?
        }
        _ => format!("{object} holds a certificate and no private key"),
    };
    let of_key = key.map(|key| scene.field(Source::Secrets, &object, "public key of tls.key", &key.key_sha256));
    Some(
        Finding::new(
            DIAGNOSIS.id,
            &object,
            format!("{cause}; {} serves {} by it", list(&stored.ingresses()), stored.hosts()),
        )
        .shown(Directness::Compared)
        .explaining(stored.ingresses())
        .because([scene.field(Source::Secrets, &object, "public key of tls.crt", &leaf.key_sha256)])
        .because(of_key)
        .not(
            "the certificate is for another host",
            format!("it is for {}", leaf.names.join(", ")),
        )
        .mend(scene.renew_certificate(stored.name)),
    )
}
