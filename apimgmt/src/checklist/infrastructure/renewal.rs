//! Whether a certificate will be renewed before it ends.

use jiff::{SignedDuration, Timestamp};

use crate::{
    checklist::clauses::Clauses,
    snapshot::{
        Snapshot, Source,
        cert_manager::CertificateResource,
        condition,
        sensitive::{Certificate, Sensitive},
    },
};

/// Judges that something renews the certificate of a secret, and that it is not late.
pub(super) fn judge(row: &mut Clauses<'_>, snapshot: &Snapshot, secret: &Sensitive, leaf: &Certificate) {
    let object = format!("secret/{}", secret.metadata.name);
    let (certificates, expected) = (snapshot.certificates(), row.read(snapshot.expectations()));
    let keeper = certificates
        .as_ref()
        .ok()
        .and_then(|all| all.iter().find(|one| one.spec.secret_name == secret.metadata.name));
    let mechanism = expected
        .map(|expected| &expected.tls.renewal)
        .filter(|renewal| !renewal.mechanism.trim().is_empty());
    let due = match (keeper, mechanism) {
        (Some(keeper), _) => by_cert_manager(row, snapshot.taken_at, keeper),
        (None, Some(renewal)) => {
            let value = format!("{} ({})", renewal.mechanism, renewal.evidence);
            row.stable(Source::Expectations, &object, "tls.renewal", value);
            None
        }
        (None, None) => {
            match certificates {
                Err(unreadable) => _ = row.read(Err::<(), _>(unreadable)),
                Ok(_) if expected.is_some() => row.breach(format!(
                    "nothing renews {object}: no cert-manager Certificate keeps it and `checklist.tls.renewal` declares no mechanism"
                )),
                Ok(_) => {}
            }
            None
        }
    };
    late(row, snapshot.taken_at, &object, leaf, due);
}

/// When cert-manager will renew it, if that is still ahead.
fn by_cert_manager(row: &mut Clauses<'_>, now: Timestamp, keeper: &CertificateResource) -> Option<Timestamp> {
    let object = format!("certificate/{}", keeper.metadata.name);
    let ready = condition(&keeper.status.conditions, "Ready");
    let status = ready.map_or("none", |ready| ready.status.as_str());
    row.stable(Source::Certificates, &object, "status.conditions[Ready]", status);
    if status != "True" {
        let reason = ready.map_or("no such condition", |ready| ready.reason.as_str());
        row.breach(format!("{object} is not ready: {reason}"));
    }
    let Some(time) = keeper.status.renewal_time else {
        row.breach(format!("{object} has no renewal time"));
        return None;
    };
    row.stable(Source::Certificates, &object, "status.renewalTime", time);
    if time <= now {
        row.breach(format!("{object} was due for renewal at {time}"));
        return None;
    }
    Some(time)
}

/// With less than a third of its lifetime left, a renewal must be due before the end.
fn late(row: &mut Clauses<'_>, now: Timestamp, object: &str, leaf: &Certificate, due: Option<Timestamp>) {
    let (Some(from), Some(until)) = (leaf.not_before, leaf.not_after) else {
        return;
    };
    let (lifetime, left) = (until.duration_since(from), until.duration_since(now));
    if left.is_positive() && left < lifetime / 3 && due.is_none_or(|due| due >= until) {
        row.breach(format!(
            "{object} has {} of {} left and no renewal is due",
            in_words(left),
            in_words(lifetime)
        ));
    }
}

fn in_words(span: SignedDuration) -> String {
    let hours = span.as_hours();
    if hours >= 48 {
        format!("{} days", hours / 24)
    } else {
        format!("{hours} hours")
    }
}
