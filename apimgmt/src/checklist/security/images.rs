//! Images are pinned, from allowed registries, pulled, and scanned without critical findings.

use super::{
    image::{Reference, Use, used},
    scans::{Scan, newest, of_reports},
};
use crate::{
    checklist::{
        Item, Phase, Severity, Stage, Verdict,
        clauses::{Clauses, counted},
    },
    snapshot::{Snapshot, Source, Unreadable},
    values::ExpectedImages,
};

/// The item.
pub const ITEM: Item = Item {
    id: "security/images",
    title: "Images are pinned, allowed, pullable and scanned",
    stage: Stage::Pre,
    phase: Phase::Application,
    severity: Severity::Blocking,
    why: "A moving tag deploys what nobody has tested.",
    fix: "Pin the image by digest and scan it.",
    reads: &[
        Source::Pods,
        Source::Deployments,
        Source::StatefulSets,
        Source::DaemonSets,
        Source::Jobs,
        Source::CronJobs,
        Source::VulnerabilityReports,
        Source::Expectations,
    ],
    judge,
};

#[expect(clippy::unnecessary_wraps, reason = "it has the shape of every judge")]
fn judge(snapshot: &Snapshot) -> Result<Verdict, Unreadable> {
    let mut row = Clauses::on(snapshot);
    let specified = row.read(snapshot.pod_specs()).unwrap_or_default();
    let expected = row.read(snapshot.expectations()).map(|expected| &expected.images);
    let reports = row.read(snapshot.vulnerability_reports());
    let scans: Option<Vec<Scan<'_>>> = reports.map(|reports| of_reports(reports).collect());
    let images = used(&specified);
    if images.is_empty() {
        row.unseen("no pod and no template asks for an image");
    }
    for (image, taken) in &images {
        let reference = Reference::read(image);
        if let Some(expected) = expected {
            pinned(&mut row, image, &reference, taken, expected);
        }
        pulled(&mut row, image, taken);
        if let (Some(scans), Some(expected)) = (&scans, expected) {
            scanned(&mut row, snapshot, image, &reference, taken, scans, expected);
        }
    }
    let held = format!(
        "{} pinned, from allowed registries, pulled, and scanned without criticals",
        counted(images.len(), "image")
    );
    Ok(row.verdict(held))
}

fn pinned(row: &mut Clauses<'_>, image: &str, reference: &Reference<'_>, taken: &Use<'_>, expected: &ExpectedImages) {
    let how = match (reference.digest, reference.tag) {
        (Some(digest), _) => digest,
        (None, Some(tag)) => tag,
        (None, None) => "no tag",
    };
    row.stable(
        Source::Pods,
        &taken.by,
        "image",
        format!("{}/{} by {how}", reference.registry, reference.repository),
    );
    match (reference.digest, reference.tag) {
        (Some(_), _) => {}
        (None, None | Some("latest")) => row.breach(format!("{}: {image} is not pinned", taken.by)),
        (None, Some(_)) if reference.is_from(&expected.immutable_tags) => {}
        (None, Some(_)) => row.breach(format!(
            "{}: {image} is pinned by a tag, and `checklist.images.immutableTags` does not name its registry",
            taken.by
        )),
    }
    if expected.registries.is_empty() {
        row.unseen("no allowed registry is declared in `checklist.images.registries`");
    } else if !reference.is_from(&expected.registries) {
        row.breach(format!("{}: {image} is from a registry that is not allowed", taken.by));
    }
}

fn pulled(row: &mut Clauses<'_>, image: &str, taken: &Use<'_>) {
    match &taken.refused {
        Some((reason, pod)) => row.breach(format!("{pod} cannot pull {image}: {reason}")),
        None if taken.pulled => row.stable(Source::Pods, &taken.by, "imageID", taken.digests.join(", ")),
        None => row.unseen(format!("no container has pulled {image} yet")),
    }
}

fn scanned(
    row: &mut Clauses<'_>,
    snapshot: &Snapshot,
    image: &str,
    reference: &Reference<'_>,
    taken: &Use<'_>,
    scans: &[Scan<'_>],
    expected: &ExpectedImages,
) {
    let mut digests = taken.digests.clone();
    if digests.is_empty() {
        digests.extend(reference.digest);
    }
    if digests.is_empty() {
        row.unseen(format!("the digest of {image} is not known, so no scan can be of it"));
    }
    for digest in digests {
        let Some(scan) = newest(scans, digest) else {
            let repository = format!("{}/{}", reference.registry, reference.repository);
            let of_another = scans
                .iter()
                .any(|scan| scan.repository == repository && !scan.digest.is_empty());
            row.breach(if of_another {
                format!("the scans of {repository} are older than the image: none is of {digest}")
            } else {
                format!("{image} has not been scanned")
            });
            continue;
        };
        row.stable(scan.source, &scan.object, "artifact.digest", digest);
        fresh(row, snapshot, image, scan, expected);
        match scan.criticals {
            None => row.unseen(format!("{} does not say how many criticals it found", scan.object)),
            Some(0) => row.stable(scan.source, &scan.object, "summary.criticalCount", 0),
            Some(count) => {
                row.stable(scan.source, &scan.object, "summary.criticalCount", count);
                row.breach(format!("{image} has {}", counted_criticals(count)));
            }
        }
    }
}

fn fresh(row: &mut Clauses<'_>, snapshot: &Snapshot, image: &str, scan: &Scan<'_>, expected: &ExpectedImages) {
    let Some(at) = scan.at else {
        row.unseen(format!("{} does not say when it scanned", scan.object));
        return;
    };
    row.moving(scan.source, &scan.object, "updateTimestamp", at);
    let age = snapshot.taken_at.duration_since(at);
    if age.as_secs() < -60 {
        row.unseen(format!("{} is from the future", scan.object));
    } else if age.unsigned_abs() > expected.maximum_scan_age.0 {
        row.breach(format!(
            "the newest scan of {image} is older than {}: {at}",
            expected.maximum_scan_age
        ));
    }
}

pub(super) fn counted_criticals(count: u64) -> String {
    let noun = if count == 1 { "vulnerability" } else { "vulnerabilities" };
    format!("{count} critical {noun}")
}
