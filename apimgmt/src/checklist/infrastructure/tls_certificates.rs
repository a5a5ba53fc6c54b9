//! The certificates of the Ingresses are valid, complete, served as they are stored, and renewed in time.

use std::collections::BTreeSet;

use jiff::Timestamp;

use crate::{
    checklist::{
        Item, Phase, Severity, Stage, Verdict,
        clauses::{Clauses, counted},
    },
    snapshot::{
        Snapshot, Source, Unreadable,
        sensitive::{Certificate, Sensitive, named},
        services::{Ingress, host_matches},
        sessions::Host,
    },
};

use super::renewal;

/// The item.
pub const ITEM: Item = Item {
    id: "infrastructure/tls-certificates",
    title: "Certificates are valid, complete and renewed",
    stage: Stage::Pre,
    phase: Phase::Ingress,
    severity: Severity::Blocking,
    why: "An expired or wrong certificate shuts out every client at once.",
    fix: "Renew the certificate that is named: `kubectl apimgmt troubleshoot tls`.",
    reads: &[
        Source::Ingresses,
        Source::Secrets,
        Source::Certificates,
        Source::Hosts,
        Source::Expectations,
    ],
    judge,
};

fn judge(snapshot: &Snapshot) -> Result<Verdict, Unreadable> {
    let mut row = Clauses::on(snapshot);
    let ingresses = snapshot.ingresses()?;
    let declared = row
        .read(snapshot.expectations())
        .map(|expected| expected.hosts.as_slice());
    let served = hosts_of(ingresses);
    for (ingress, host) in &served {
        let object = format!("ingress/{}", ingress.metadata.name);
        match ingress.secret_for(host) {
            Some("") => row.unseen(format!("{object} leaves the certificate of {host} to its controller")),
            Some(_) => {}
            None => row.breach(format!(
                "{object} serves {host} without a certificate: no `tls` entry names it"
            )),
        }
    }
    for host in declared.into_iter().flatten() {
        if !served.iter().any(|(_, name)| host_matches(name, &host.host)) {
            row.unseen(format!(
                "no Ingress serves {}, so its stored certificate is not known",
                host.host
            ));
        }
    }
    if served.is_empty() {
        row.unseen("no Ingress serves a host");
    }
    let mut names = BTreeSet::new();
    if let Some(secrets) = row.read(snapshot.secrets()) {
        for (ingress, host) in &served {
            let Some(name) = ingress.secret_for(host).filter(|name| !name.is_empty()) else {
                continue;
            };
            let first = names.insert(name);
            match named(secrets, name) {
                Some(secret) => stored(&mut row, snapshot, secret, host, first),
                None => row.breach(format!(
                    "secret/{name} does not exist, and ingress/{} takes its certificate from it",
                    ingress.metadata.name
                )),
            }
        }
    }
    Ok(row.verdict(format!(
        "{} of {} valid, served as stored, renewed",
        counted(names.len(), "certificate"),
        counted(served.len(), "host")
    )))
}

fn hosts_of(ingresses: &[Ingress]) -> Vec<(&Ingress, &str)> {
    let served = |ingress| Ingress::hosts(ingress).into_iter().map(move |host| (ingress, host));
    ingresses.iter().flat_map(served).collect()
}

/// Judges a stored certificate for one host; what concerns the certificate alone, only the `first` time.
fn stored(row: &mut Clauses<'_>, snapshot: &Snapshot, secret: &Sensitive, host: &str, first: bool) {
    let object = format!("secret/{}", secret.metadata.name);
    let chain = secret
        .facts
        .get("tls.crt")
        .map(|facts| facts.certificates.as_slice())
        .unwrap_or_default();
    let Some(leaf) = chain.first() else {
        row.breach(format!("{object} holds no certificate in tls.crt"));
        return;
    };
    let sample = host.replacen('*', "wildcard", 1);
    if !leaf.covers(&sample) {
        row.breach(format!("the certificate of {object} is not for {host}"));
    }
    let answer = row
        .read(snapshot.hosts())
        .map(|hosts| hosts.iter().find(|answer| answer.host == host));
    let answer = match answer {
        Some(Some(answer)) => Some(answer),
        Some(None) => {
            row.unseen(format!("{host} was not asked for its certificate"));
            None
        }
        None => None,
    };
    if first {
        row.stable(Source::Secrets, &object, "tls.crt names", leaf.names.join(", "));
        row.stable(Source::Secrets, &object, "tls.crt sha256", &leaf.sha256);
        in_date(row, snapshot.taken_at, &object, chain);
        key_matches(row, &object, secret, leaf);
        in_order(row, &object, chain);
        renewal::judge(row, snapshot, secret, leaf);
    }
    complete(row, &object, secret, chain, answer);
    if let Some(answer) = answer {
        served_as_stored(row, &object, chain, answer);
    }
}

fn in_date(row: &mut Clauses<'_>, now: Timestamp, object: &str, chain: &[Certificate]) {
    for (position, certificate) in chain.iter().enumerate() {
        let which = if position == 0 {
            format!("the certificate of {object}")
        } else {
            format!("certificate {} of the chain in {object}", position + 1)
        };
        let (Some(from), Some(until)) = (certificate.not_before, certificate.not_after) else {
            row.unseen(format!("the validity of {which} cannot be read"));
            continue;
        };
        if position == 0 {
            row.stable(
                Source::Secrets,
                object,
                "tls.crt validity",
                format!("{from} to {until}"),
            );
        }
        if now < from {
            row.breach(format!("{which} is not valid before {from}"));
        } else if now >= until {
            row.breach(format!("{which} expired at {until}"));
        }
    }
}

fn key_matches(row: &mut Clauses<'_>, object: &str, secret: &Sensitive, leaf: &Certificate) {
    let key = secret.facts.get("tls.key");
    if key.is_none_or(|key| key.length == 0) {
        row.breach(format!("{object} holds no private key in tls.key"));
        return;
    }
    let digest = key.map(|key| key.key_sha256.as_str()).unwrap_or_default();
    row.stable(Source::Secrets, object, "public key sha256", &leaf.key_sha256);
    if digest.is_empty() || leaf.key_sha256.is_empty() {
        row.unseen(format!(
            "whether tls.key of {object} belongs to its certificate cannot be told"
        ));
    } else if digest != leaf.key_sha256 {
        row.breach(format!("tls.key of {object} does not belong to its certificate"));
    }
}

/// Each certificate must be signed by the next one.
fn in_order(row: &mut Clauses<'_>, object: &str, chain: &[Certificate]) {
    for (position, pair) in chain.windows(2).enumerate() {
        if pair[0].issuer != pair[1].subject {
            row.breach(format!(
                "the chain in {object} is out of order: certificate {} is not signed by the next one",
                position + 1
            ));
        } else if !pair[1].authority {
            row.breach(format!(
                "certificate {} of the chain in {object} may not sign others",
                position + 2
            ));
        }
    }
}

/// A chain is complete when it ends at a root: its own, the one in `ca.crt`, or one that the handshake trusted.
fn complete(row: &mut Clauses<'_>, object: &str, secret: &Sensitive, chain: &[Certificate], answer: Option<&Host>) {
    let Some(last) = chain.last() else {
        return;
    };
    let authorities = secret
        .facts
        .get("ca.crt")
        .map(|facts| facts.certificates.as_slice())
        .unwrap_or_default();
    let root = authorities
        .iter()
        .find(|root| root.subject == last.issuer && root.authority);
    let trusted = answer.filter(|answer| answer.error.is_none() && !answer.served.is_empty());
    if let Some(answer) = trusted {
        match &answer.untrusted {
            None => row.stable(Source::Hosts, format!("host/{}", answer.host), "chain", "trusted"),
            Some(why) => row.breach(format!(
                "the chain of {object} is not trusted as {} serves it: {why}",
                answer.host
            )),
        }
    } else if let Some(root) = root {
        row.stable(Source::Secrets, object, "chain ends at", &root.subject);
    } else {
        row.unseen(format!(
            "whether the chain in {object} is complete cannot be told: it ends at {}",
            last.issuer
        ));
    }
}

fn served_as_stored(row: &mut Clauses<'_>, object: &str, chain: &[Certificate], answer: &Host) {
    let host = format!("host/{}", answer.host);
    if let Some(error) = &answer.error {
        row.unseen(format!("{} serves no certificate: {error}", answer.host));
        return;
    }
    // A root need not be sent.
    let digests = |chain: &[Certificate]| -> Vec<String> {
        let sent = chain
            .iter()
            .filter(|certificate| certificate.issuer != certificate.subject || chain.len() == 1);
        sent.map(|certificate| certificate.sha256.clone()).collect()
    };
    let (stored, served) = (digests(chain), digests(&answer.served));
    let first = served.first().map(String::as_str).unwrap_or_default();
    row.stable(Source::Hosts, &host, "served sha256", first);
    if first.is_empty() || stored.first().is_none_or(String::is_empty) {
        row.unseen(format!("the served certificate of {} cannot be compared", answer.host));
    } else if stored.first() != served.first() {
        row.breach(format!(
            "{} serves another certificate than {object} holds",
            answer.host
        ));
    } else if stored != served {
        row.breach(format!("{} serves another chain than {object} holds", answer.host));
    }
}
