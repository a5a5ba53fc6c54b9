//! The newest scan of each image digest, whoever scanned.

use jiff::Timestamp;

use crate::snapshot::{Source, scans::VulnerabilityReport};

/// What one scan of one image says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Scan<'a> {
    /// The source that it was read from.
    pub(super) source: Source,
    /// The object that holds it.
    pub(super) object: String,
    /// Digest of the image, `sha256:…`; empty when the scan does not say.
    pub(super) digest: &'a str,
    /// Repository with its registry where that is told.
    pub(super) repository: String,
    /// When it was scanned.
    pub(super) at: Option<Timestamp>,
    /// Critical findings; `None` when the scan does not say.
    pub(super) criticals: Option<u64>,
    /// By what.
    pub(super) scanner: String,
}

/// The scans in reports of trivy-operator.
pub(super) fn of_reports(reports: &[VulnerabilityReport]) -> impl Iterator<Item = Scan<'_>> {
    reports.iter().map(|report| {
        let VulnerabilityReport { metadata, report } = report;
        Scan {
            source: Source::VulnerabilityReports,
            object: format!("vulnerabilityreport/{}", metadata.name),
            digest: &report.artifact.digest,
            repository: if report.registry.server.is_empty() {
                report.artifact.repository.clone()
            } else {
                format!("{}/{}", report.registry.server, report.artifact.repository)
            },
            at: report.update_timestamp,
            criticals: report.summary.as_ref().and_then(|counts| counts.critical_count),
            scanner: format!("{} {}", report.scanner.name, report.scanner.version),
        }
    })
}

/// The newest scan of a digest; one without a time counts as the oldest.
pub(super) fn newest<'a, 'b>(scans: &'b [Scan<'a>], digest: &str) -> Option<&'b Scan<'a>> {
    scans
        .iter()
        .filter(|scan| scan.digest == digest)
        .max_by_key(|scan| scan.at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_scan_counts_and_one_without_a_time_is_the_oldest() {
        let scan = |at: Option<i64>, criticals| Scan {
            source: Source::VulnerabilityReports,
            object: "vulnerabilityreport/x".into(),
            digest: "sha256:a",
            repository: "app".into(),
            at: at.map(|second| Timestamp::from_second(second).unwrap()),
            criticals: Some(criticals),
            scanner: "Trivy 1".into(),
        };
        let scans = [scan(Some(2), 7), scan(None, 9), scan(Some(5), 0)];
        assert_eq!(newest(&scans, "sha256:a").unwrap().criticals, Some(0));
        assert_eq!(newest(&scans, "sha256:b"), None);
    }
}
