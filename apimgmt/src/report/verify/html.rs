//! One page that needs nothing else: summary, filters, evidence folded, former runs; for screens, light or dark, and paper.

use std::{collections::BTreeMap, fmt::Write};

use base64::{Engine, prelude::BASE64_STANDARD};
use jiff::Timestamp;
use sha2::{Digest, Sha256};

use super::{ItemReport, Report};
use crate::checklist::Summary;

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// Former runs that are shown; of more, the newest.
const RUNS: usize = 30;

/// What a page shows of a former run.
#[derive(Debug, Clone)]
pub struct Run {
    taken_at: Timestamp,
    status: Option<&'static str>,
    summary: Summary,
    verdicts: BTreeMap<&'static str, &'static str>,
}

impl Run {
    /// The run of a report.
    pub fn of(report: &Report) -> Self {
        Self {
            taken_at: report.taken_at,
            status: report.status,
            summary: report.summary,
            verdicts: report.rows().map(|row| (row.id, row.verdict)).collect(),
        }
    }

    /// When it was.
    pub(super) fn taken_at(&self) -> Timestamp {
        self.taken_at
    }
}

/// The whole page.
pub(super) fn page(report: &Report) -> String {
    // Nothing but these two may run or style: text of the cluster could not even if it got through.
    let allowed = |text: &str| format!("'sha256-{}'", BASE64_STANDARD.encode(Sha256::digest(text.as_bytes())));
    let mut text = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src {}; script-src {}; base-uri 'none'; form-action 'none'\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{} · Production Deployment Checklist</title>\n<style>{STYLE}</style>\n</head>\n<body>\n",
        allowed(STYLE),
        allowed(SCRIPT),
        escaped(&report.namespace),
    );
    head(&mut text, report);
    if let Some(changes) = &report.changes {
        let _ = writeln!(text, "<section class=\"changes\">{}</section>", changes.html(escaped));
    }
    for section in &report.sections {
        let _ = writeln!(text, "<section class=\"items\">\n<h2>{}</h2>", escaped(section.title));
        for item in &section.items {
            row(&mut text, item);
        }
        text.push_str("</section>\n");
    }
    history(&mut text, report);
    let cost = &report.cost;
    let _ = write!(
        text,
        "<p class=\"soft\">{} requests, {} bytes, {} ms; apimgmt {}</p>\n<script>{SCRIPT}</script>\n</body>\n</html>\n",
        cost.api_requests,
        cost.bytes,
        cost.wall_ms,
        env!("CARGO_PKG_VERSION")
    );
    text
}

fn head(text: &mut String, report: &Report) {
    let release = report.release_words(escaped);
    let _ = writeln!(
        text,
        "<header>\n<h1>Production Deployment Checklist</h1>\n<p>Namespace {} · {release} · cluster {} {}</p>\n<p class=\"soft\">{}</p>",
        escaped(&report.namespace),
        escaped(&report.cluster.context),
        escaped(&report.cluster.version),
        report.taken_at.strftime("%Y-%m-%d %H:%M:%S UTC"),
    );
    if let Some(status) = report.status {
        let _ = writeln!(text, "<p class=\"status {}\">{}</p>", tone(status), escaped(status));
    }
    // Hidden until the script runs: without it there is nothing to filter with.
    text.push_str("</header>\n<nav aria-label=\"Filter\" hidden>\n");
    for (verdict, count) in counts(&report.summary) {
        if count > 0 {
            let _ = writeln!(
                text,
                "<button type=\"button\" class=\"{verdict}\" data-verdict=\"{verdict}\" aria-pressed=\"false\">{} {count} {verdict}</button>",
                symbol(verdict)
            );
        }
    }
    text.push_str(
        "<input type=\"search\" placeholder=\"Search\" aria-label=\"Search\">\n<button type=\"button\" id=\"unfold\">Fold or unfold the evidence</button>\n</nav>\n",
    );
    let counted: Vec<String> = counts(&report.summary)
        .into_iter()
        .filter(|(_, count)| *count > 0)
        .map(|(verdict, count)| format!("<span class=\"{verdict}\">{count} {verdict}</span>"))
        .collect();
    let _ = writeln!(text, "<p>{}</p>", counted.join(" · "));
}

fn counts(summary: &Summary) -> [(&'static str, usize); 7] {
    [
        ("pass", summary.pass),
        ("fail", summary.fail),
        ("warning", summary.warning),
        ("unknown", summary.unknown),
        ("manual", summary.manual),
        ("waived", summary.waived),
        ("skipped", summary.skipped),
    ]
}

/// The tone of a status is that of the verdict that leads to it.
fn tone(status: &str) -> &'static str {
    match status {
        "READY FOR PRODUCTION" => "pass",
        "NOT READY" => "fail",
        _ => "unknown",
    }
}

fn symbol(verdict: &str) -> char {
    match verdict {
        "pass" => '✔',
        "fail" => '✘',
        "warning" => '!',
        "unknown" => '?',
        "manual" => '☐',
        "waived" => '~',
        _ => '-',
    }
}

fn row(text: &mut String, item: &ItemReport) {
    let verdict = item.verdict;
    let _ = write!(
        text,
        "<article id=\"{0}\" data-verdict=\"{verdict}\">\n<div class=\"verdict {verdict}\">{1} {verdict}</div>\n<div><h3>{2}</h3><code>{0}</code>\n<p class=\"detail\">{3}</p>\n",
        escaped(item.id),
        symbol(verdict),
        escaped(item.title),
        escaped(&item.detail),
    );
    if matches!(verdict, "fail" | "warning") {
        let _ = writeln!(text, "<p class=\"fix\">{} {}</p>", escaped(item.why), escaped(item.fix));
    }
    let day = |time: Option<Timestamp>| {
        time.map(|time| time.strftime("%Y-%m-%d").to_string())
            .unwrap_or_default()
    };
    if let Some(waiver) = &item.waiver {
        let _ = writeln!(
            text,
            "<p class=\"fix\">waived by {} until {}: {}</p>",
            escaped(&waiver.owner),
            day(waiver.until),
            escaped(&waiver.reason)
        );
    }
    if let Some(attestation) = &item.attestation {
        let _ = writeln!(
            text,
            "<p class=\"fix\">attested by {} until {}: {}</p>",
            escaped(&attestation.by),
            day(attestation.until),
            escaped(&attestation.evidence)
        );
    }
    if !item.evidence.is_empty() {
        let _ = writeln!(
            text,
            "<details><summary>Evidence ({})</summary>\n<div class=\"scroll\"><table><thead><tr><th>object</th><th>field</th><th>value</th></tr></thead><tbody>",
            item.evidence.len()
        );
        for piece in &item.evidence {
            let _ = writeln!(
                text,
                "<tr><td>{}</td><td>{}</td><td>{}</td></tr>",
                escaped(&piece.object),
                escaped(&piece.field),
                escaped(&piece.value)
            );
        }
        text.push_str("</tbody></table></div></details>\n");
    }
    text.push_str("</div>\n</article>\n");
}

/// A column for each run, this one last.
fn history(text: &mut String, report: &Report) {
    if report.history.is_empty() {
        return;
    }
    let this = Run::of(report);
    let former = &report.history[report.history.len().saturating_sub(RUNS)..];
    let runs: Vec<&Run> = former.iter().chain([&this]).collect();
    text.push_str(
        "<section>\n<h2>History</h2>\n<div class=\"scroll\"><table class=\"history\"><thead>\n<tr><th>run</th>",
    );
    for run in &runs {
        let _ = write!(text, "<th>{}</th>", run.taken_at.strftime("%m-%d<br>%H:%M"));
    }
    text.push_str("</tr>\n</thead><tbody>\n");
    if runs.iter().any(|run| run.status.is_some()) {
        text.push_str("<tr><th>status</th>");
        for run in &runs {
            let status = run.status.unwrap_or_default();
            let _ = write!(text, "<td class=\"{}\">{}</td>", tone(status), escaped(status));
        }
        text.push_str("</tr>\n");
    }
    for (at, (verdict, _)) in counts(&report.summary).into_iter().enumerate() {
        if runs.iter().all(|run| counts(&run.summary)[at].1 == 0) {
            continue;
        }
        let _ = write!(text, "<tr><th class=\"{verdict}\">{verdict}</th>");
        for run in &runs {
            let _ = write!(text, "<td>{}</td>", counts(&run.summary)[at].1);
        }
        text.push_str("</tr>\n");
    }
    for row in report.rows() {
        let _ = write!(text, "<tr><th>{}</th>", escaped(row.id));
        for run in &runs {
            let _ = match run.verdicts.get(row.id) {
                Some(verdict) => write!(
                    text,
                    "<td class=\"{verdict}\" title=\"{verdict}\">{}</td>",
                    symbol(verdict)
                ),
                None => write!(text, "<td></td>"),
            };
        }
        text.push_str("</tr>\n");
    }
    text.push_str("</tbody></table></div>\n</section>\n");
}

/// Text and attribute values.
fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            letter => safe.push(letter),
        }
    }
    safe
}
