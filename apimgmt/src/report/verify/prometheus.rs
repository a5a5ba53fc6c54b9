//! Prometheus' text exposition, version 0.0.4: for the node exporter's textfile collector or a push gateway.

use std::fmt::Write;

use super::Report;

/// The whole file.
pub(super) fn page(report: &Report) -> String {
    let mut text = String::new();
    let namespace = escaped(&report.namespace);
    let mut family = |name: &str, help: &str, samples: Vec<(String, String)>| {
        if samples.is_empty() {
            return;
        }
        let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} gauge");
        for (labels, value) in samples {
            let _ = writeln!(text, "{name}{{namespace=\"{namespace}\"{labels}}} {value}");
        }
    };
    let rows = report.sections.iter().flat_map(|section| {
        section.items.iter().map(|item| {
            let severity = if item.severity == crate::checklist::Severity::Blocking {
                "blocking"
            } else {
                "advisory"
            };
            let (id, section, verdict) = (escaped(item.id), escaped(section.id), item.verdict);
            let labels = format!(",item=\"{id}\",section=\"{section}\",severity=\"{severity}\",verdict=\"{verdict}\"");
            (labels, "1".to_owned())
        })
    });
    family(
        "apimgmt_item_verdict",
        "The verdict that an item of the production checklist has.",
        rows.collect(),
    );
    let summary = report.summary;
    let counts = [
        ("pass", summary.pass),
        ("fail", summary.fail),
        ("warning", summary.warning),
        ("unknown", summary.unknown),
        ("manual", summary.manual),
        ("waived", summary.waived),
        ("skipped", summary.skipped),
    ];
    family(
        "apimgmt_items",
        "Items of the production checklist by verdict.",
        counts
            .iter()
            .map(|(verdict, count)| (format!(",verdict=\"{verdict}\""), count.to_string()))
            .collect(),
    );
    family(
        "apimgmt_status",
        "The status of the whole checklist.",
        report
            .status
            .iter()
            .map(|status| (format!(",status=\"{}\"", escaped(status)), "1".to_owned()))
            .collect(),
    );
    let one = |value: String| vec![(String::new(), value)];
    family(
        "apimgmt_verify_timestamp_seconds",
        "When the checklist was judged.",
        one(report.taken_at.as_second().to_string()),
    );
    family(
        "apimgmt_verify_duration_seconds",
        "How long reading the cluster took.",
        one(format!(
            "{}.{:03}",
            report.cost.wall_ms / 1000,
            report.cost.wall_ms % 1000
        )),
    );
    family(
        "apimgmt_verify_api_requests",
        "Requests to the API server.",
        one(report.cost.api_requests.to_string()),
    );
    family(
        "apimgmt_verify_read_bytes",
        "Bytes read from the API server.",
        one(report.cost.bytes.to_string()),
    );
    family(
        "apimgmt_verify_peak_memory_bytes",
        "Most memory that reading took at once.",
        one(report.cost.peak_rss_bytes.to_string()),
    );
    text
}

/// A label's value: the exposition format escapes these three, and line breaks are gone already.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}
