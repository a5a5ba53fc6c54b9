//! The newest scan of each running image digest has no critical finding.

use std::collections::BTreeMap;

use super::{
    image::used,
    images::counted_criticals,
    scans::{Scan, newest, of_reports},
};
use crate::{
    checklist::{
        Item, Phase, Severity, Stage, Verdict,
        clauses::{Clauses, counted},
    },
    snapshot::{Snapshot, Source, Specified, Unreadable},
};

/// The item.
pub const ITEM: Item = Item {
    id: "security/vulnerabilities",
    title: "No running image has a critical vulnerability",
    stage: Stage::Post,
    phase: Phase::Application,
    severity: Severity::Blocking,
    why: "Known holes are the first ones tried.",
    fix: "Rebuild the image that is named on a patched base.",
    reads: &[Source::Pods, Source::VulnerabilityReports],
    judge,
};

#[expect(clippy::unnecessary_wraps, reason = "it has the shape of every judge")]
fn judge(snapshot: &Snapshot) -> Result<Verdict, Unreadable> {
    let mut row = Clauses::on(snapshot);
    let pods = row.read(snapshot.pods());
    let reports = row.read(snapshot.vulnerability_reports());
    let scans: Vec<Scan<'_>> = of_reports(reports.map(Vec::as_slice).unwrap_or_default()).collect();
    let running: Vec<_> = pods
        .into_iter()
        .flatten()
        .filter(|pod| !pod.has_ended())
        .map(|pod| Specified {
            object: pod.object(),
            metadata: &pod.metadata,
            spec: &pod.spec,
            pod: Some(pod),
        })
        .collect();
    let mut digests: BTreeMap<&str, &str> = BTreeMap::new();
    for (image, taken) in used(&running) {
        if taken.pulled && taken.digests.is_empty() {
            row.unseen(format!("the digest that runs of {image} is not known"));
        }
        digests.extend(taken.digests.iter().map(|digest| (*digest, image)));
    }
    if digests.is_empty() {
        row.unseen("no image is running");
    }
    for (digest, image) in &digests {
        match newest(&scans, digest) {
            None if reports.is_none() => {}
            None => row.unseen(format!("{image} has not been scanned")),
            Some(scan) => judged(&mut row, image, scan),
        }
    }
    let held = format!(
        "{} running, none with a critical vulnerability",
        counted(digests.len(), "image")
    );
    Ok(row.verdict(held))
}

fn judged(row: &mut Clauses<'_>, image: &str, scan: &Scan<'_>) {
    let at = scan.at.map(|at| at.to_string()).unwrap_or_default();
    row.moving(
        scan.source,
        &scan.object,
        "scanned by",
        format!("{} {at}", scan.scanner),
    );
    match scan.criticals {
        None => row.unseen(format!("{} does not say how many criticals it found", scan.object)),
        Some(count) => {
            row.stable(scan.source, &scan.object, "summary.criticalCount", count);
            if count > 0 {
                row.breach(format!("{image} has {}", counted_criticals(count)));
            }
        }
    }
}
