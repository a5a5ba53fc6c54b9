//! Every secret and key that a pod refers to exists and holds a real value; DSNs lead to services that are here.

use crate::{
    checklist::{
        Item, Phase, Severity, Stage, Verdict,
        clauses::{Clauses, counted},
    },
    snapshot::{
        Snapshot, Source, Unreadable,
        sensitive::{Sensitive, ValueFacts, named},
    },
};

use super::{
    destination,
    references::{Reference, Referenced},
};

/// The item.
pub const ITEM: Item = Item {
    id: "security/secrets",
    title: "Every secret exists and holds a real value",
    stage: Stage::Pre,
    phase: Phase::Infrastructure,
    severity: Severity::Blocking,
    why: "A missing key stops a pod, and a sample password invites everybody.",
    fix: "Set the key that is named: `kubectl create secret generic NAME --from-literal=KEY=… --dry-run=client -o yaml | kubectl apply -f -`.",
    reads: &[
        Source::Secrets,
        Source::Pods,
        Source::Deployments,
        Source::StatefulSets,
        Source::Jobs,
        Source::CronJobs,
        Source::Services,
        Source::Expectations,
    ],
    judge,
};

fn judge(snapshot: &Snapshot) -> Result<Verdict, Unreadable> {
    let mut row = Clauses::on(snapshot);
    let secrets = snapshot.secrets()?;
    let referenced = Referenced::of(&mut row, snapshot);
    let mut keys = 0;
    for (name, reference) in referenced.iter() {
        let object = format!("secret/{name}");
        let Some(secret) = named(secrets, name) else {
            if reference.required {
                row.breach(format!("{object} does not exist, and {} refers to it", reference.by));
            }
            continue;
        };
        let judged = keys_of(&mut row, &object, secret, reference);
        row.stable(Source::Secrets, &object, "keys", judged.join(", "));
        keys += judged.len();
        for key in judged {
            let facts = &secret.facts[key];
            real_value(&mut row, &object, key, facts);
            if let Some(address) = &facts.address {
                destination::judge(&mut row, snapshot, &format!("{key} of {object}"), address);
            }
        }
    }
    if referenced.is_empty() {
        row.unseen("no pod or workload refers to a secret");
    }
    Ok(row.verdict(format!(
        "{} of {} exist and hold real values",
        counted(keys, "key"),
        counted(referenced.len(), "secret")
    )))
}

/// The keys of a secret that are there and referred to; one that is missing is a breach.
fn keys_of<'a>(row: &mut Clauses<'_>, object: &str, secret: &'a Sensitive, reference: &Reference) -> Vec<&'a str> {
    for (key, (required, by)) in &reference.keys {
        if *required && !secret.facts.contains_key(*key) {
            row.breach(format!("{object} has no key {key}, and {by} refers to it"));
        }
    }
    if secret.facts.is_empty() {
        row.breach(format!("{object} has no key"));
    }
    let keys = secret.facts.keys().map(String::as_str);
    keys.filter(|key| reference.whole || reference.keys.contains_key(key))
        .collect()
}

fn real_value(row: &mut Clauses<'_>, object: &str, key: &str, facts: &ValueFacts) {
    let wrongs = [
        (facts.length == 0, "is empty"),
        (facts.placeholder, "holds a placeholder or sample value"),
        (
            facts.stray_whitespace,
            "begins or ends with white space or a line break",
        ),
        (facts.encoded_twice, "is base64 of base64: encoded once too often"),
        (facts.malformed_address, "is a URL that does not parse"),
    ];
    for (_, wrong) in wrongs.iter().filter(|(is_wrong, _)| *is_wrong) {
        row.breach(format!("{key} of {object} {wrong}"));
    }
}
