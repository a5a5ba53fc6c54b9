//! No secret's value stands where others can read it: logs, environment, annotations, config maps, Helm's values and notes.

use crate::{
    checklist::{
        Item, Phase, Severity, Stage, Verdict,
        clauses::{Clauses, counted},
    },
    snapshot::{
        Snapshot, Source, Unreadable,
        sessions::{Exposure, Searched},
    },
};

/// The item.
pub const ITEM: Item = Item {
    id: "security/secret-exposure",
    title: "No secret's value stands where others can read it",
    stage: Stage::Post,
    phase: Phase::Monitoring,
    severity: Severity::Blocking,
    why: "A leaked value is used by whoever finds it first.",
    fix: "Rotate the secret that is named, then remove it from the place that is named.",
    reads: &[Source::Exposure, Source::Secrets, Source::Expectations],
    judge,
};

#[expect(clippy::unnecessary_wraps, reason = "it has the shape of every judge")]
fn judge(snapshot: &Snapshot) -> Result<Verdict, Unreadable> {
    let mut row = Clauses::on(snapshot);
    let secrets = row.read(snapshot.secrets());
    let exposure = row.read(snapshot.exposure());
    // They name the credentials that no pod has.
    row.read(snapshot.expectations());
    let (Some(secrets), Some(exposure)) = (secrets, exposure) else {
        return Ok(row.verdict(""));
    };
    for found in &exposure.found {
        row.stable(
            Source::Exposure,
            &found.place,
            "shows",
            format!("key {} of secret/{}, {}", found.key, found.secret, found.form),
        );
        row.breach(format!(
            "{} shows the key `{}` of secret/{} ({})",
            found.place, found.key, found.secret, found.form
        ));
    }
    for place in Searched::PLACES {
        covered(&mut row, exposure, place);
    }
    let keys = secrets.iter().map(|secret| secret.facts.len()).sum::<usize>();
    row.stable(
        Source::Secrets,
        "secrets",
        "values searched for",
        format!(
            "{} of {} in {}",
            exposure.values,
            counted(keys, "key"),
            counted(secrets.len(), "secret")
        ),
    );
    if exposure.values == 0 {
        row.unseen("no value of any secret could be searched for");
    }
    left_out(&mut row, exposure);
    Ok(row.verdict(format!(
        "{} nowhere to be seen",
        counted(exposure.values, "secret value")
    )))
}

fn covered(row: &mut Clauses<'_>, exposure: &Exposure, place: &str) {
    let Some(searched) = exposure.searched.iter().find(|searched| searched.place == place) else {
        row.unseen(format!("{place} were not searched"));
        return;
    };
    row.moving(
        Source::Exposure,
        place,
        "searched",
        format!(
            "{}, {} KiB",
            counted(searched.count, "text"),
            searched.bytes.div_ceil(1024)
        ),
    );
    for refused in &searched.refused {
        row.read(Err::<(), _>(refused.clone()));
    }
    for gap in &searched.gaps {
        row.unseen(gap.as_str());
    }
}

/// Values that innocent text would hold are no gap, but whoever reads the row must know of them.
fn left_out(row: &mut Clauses<'_>, exposure: &Exposure) {
    for left in &exposure.left_out {
        row.stable(
            Source::Exposure,
            format!("secret/{}", left.secret),
            "not searched for",
            format!("key {}: {}", left.key, left.why),
        );
    }
    if let Some(first) = exposure.left_out.first() {
        row.note(format!(
            "not searched for: {} ({} of secret/{}, …)",
            counted(exposure.left_out.len(), "value"),
            first.key,
            first.secret
        ));
    }
}
