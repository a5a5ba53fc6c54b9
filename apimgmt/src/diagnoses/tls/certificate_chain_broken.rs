//! The chain of a certificate lacks a link, or its links are out of order.

use crate::{
    diagnoses::{
        Diagnosis, Directness, Finding, Topic,
        scene::{Scene, certificates::Stored, clean, list},
    },
    snapshot::{Source, Unreadable, sensitive::Certificate, sessions::Host},
};

pub(in crate::diagnoses) const DIAGNOSIS: Diagnosis = Diagnosis {
    id: "certificate-chain-broken",
    topic: Topic::Tls,
    symptom: "Browsers accept the host, and other clients refuse it: they cannot find who signed the certificate",
    cause: "The Secret lacks an intermediate certificate, or has them in the wrong order",
    reads: &[
        Source::Ingresses,
        Source::Secrets,
        Source::Certificates,
        Source::Hosts,
        Source::Expectations,
    ],
    look,
};

fn look(scene: &Scene<'_>) -> Result<Vec<Finding>, Unreadable> {
    let _ = (
        scene.snapshot.certificates(),
        scene.snapshot.hosts(),
        scene.snapshot.expectations(),
    );
    let stored = scene.stored_certificates()?;
    Ok(stored.iter().filter_map(|stored| finding(scene, stored)).collect())
}

fn finding(scene: &Scene<'_>, stored: &Stored<'_>) -> Option<Finding> {
    let (chain, object) = (stored.chain(), stored.object());
    let (cause, evidence) = if let Some(why) = out_of_order(chain) {
        let links: Vec<_> = chain.iter().map(|link| link.subject.as_str()).collect();
        (
            why,
            scene.field(Source::Secrets, &object, "tls.crt subjects", links.join(" | ")),
        )
    } else {
        let last = chain.last().filter(|last| last.issuer != last.subject)?;
        let host = refused(scene, stored, chain)?;
        let why = host.untrusted.as_deref().unwrap_or_default();
        // Only a missing link is told here: its time and its names have diagnoses of their own.
        if !why.contains("issuer") || has_root(stored, last) {
            return None;
        }
        (
            format!("ends at `{}`, which clients do not know", clean(&last.issuer)),
            scene.field(Source::Hosts, format!("host/{}", host.host), "chain", why),
        )
    };
    Some(
        Finding::new(
            DIAGNOSIS.id,
            &object,
            format!(
                "the chain of certificates in {object} {cause}; {} serves {} by it",
                list(&stored.ingresses()),
                stored.hosts()
            ),
        )
        .shown(Directness::Compared)
        .explaining(stored.ingresses())
        .because([evidence])
        .not("the certificate has expired", "its time is not over")
        .mend(scene.renew_certificate(stored.name))
        .mend("Put the host's certificate first, then each one that signed the one before it"),
    )
}

/// Which link does not hold, when one does not.
fn out_of_order(chain: &[Certificate]) -> Option<String> {
    let (position, pair) = chain
        .windows(2)
        .enumerate()
        .find(|(_, pair)| pair[0].issuer != pair[1].subject)?;
    Some(format!(
        "is out of order: number {} was signed by `{}`, and next comes `{}`",
        position + 1,
        clean(&pair[0].issuer),
        clean(&pair[1].subject)
    ))
}

/// Whether the secret names the root itself: whoever uses it is given that.
fn has_root(stored: &Stored<'_>, last: &Certificate) -> bool {
    let authorities = stored.secret.and_then(|secret| secret.facts.get("ca.crt"));
    let authorities = authorities
        .map(|facts| facts.certificates.as_slice())
        .unwrap_or_default();
    authorities.iter().any(|root| root.subject == last.issuer)
}

/// A host that serves this very chain and is not trusted.
fn refused<'a>(scene: &Scene<'a>, stored: &Stored<'_>, chain: &[Certificate]) -> Option<&'a Host> {
    let hosts = scene.snapshot.hosts().ok()?;
    hosts.iter().find(|answer| {
        stored.users.iter().any(|(_, host)| *host == answer.host)
            && answer.untrusted.is_some()
            && answer.served.first().map(|served| &served.sha256) == chain.first().map(|leaf| &leaf.sha256)
    })
}
