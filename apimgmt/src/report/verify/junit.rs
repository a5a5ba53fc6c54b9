//! `JUnit` XML: what build servers show beside the tests of a build.
//!
//! The format has no word for what is unknown or only warns: a row that cannot be told is an error, one that only warns is
//! shown as skipped, with its words, so that a build is red exactly when the exit code is.

use std::fmt::Write;

use super::{ItemReport, Report};

/// The whole file.
pub(super) fn page(report: &Report) -> String {
    let mut text = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let _ = writeln!(
        text,
        "<testsuites name=\"apimgmt verify {}\" {}>",
        escaped(&report.namespace),
        Counts::of(report.rows())
    );
    for section in &report.sections {
        let _ = writeln!(
            text,
            "  <testsuite name=\"{}\" {} timestamp=\"{}\">",
            escaped(section.title),
            Counts::of(section.items.iter()),
            report.taken_at.strftime("%Y-%m-%dT%H:%M:%S"),
        );
        for item in &section.items {
            case(&mut text, item);
        }
        text.push_str("  </testsuite>\n");
    }
    text.push_str("</testsuites>\n");
    text
}

/// What a row is in this format.
enum Outcome {
    Passed,
    Skipped,
    Failed,
    Error,
}

fn outcome(item: &ItemReport) -> Outcome {
    match item.verdict {
        "pass" => Outcome::Passed,
        "manual" if item.attestation.is_some() => Outcome::Passed,
        "fail" => Outcome::Failed,
        "unknown" | "manual" => Outcome::Error,
        _ => Outcome::Skipped,
    }
}

fn case(text: &mut String, item: &ItemReport) {
    let _ = writeln!(
        text,
        "    <testcase classname=\"{}\" name=\"{}\" time=\"{:.6}\">",
        escaped(item.id.split('/').next().unwrap_or(item.id)),
        escaped(item.id),
        item.duration_ms / 1000.0
    );
    let detail = escaped(&item.detail);
    let (verdict, fix) = (item.verdict, escaped(item.fix));
    let _ = match outcome(item) {
        Outcome::Passed => Ok(()),
        Outcome::Failed => writeln!(
            text,
            "      <failure type=\"{verdict}\" message=\"{detail}\">fix: {fix}</failure>"
        ),
        Outcome::Error => writeln!(
            text,
            "      <error type=\"{verdict}\" message=\"{detail}\">fix: {fix}</error>"
        ),
        Outcome::Skipped => writeln!(text, "      <skipped message=\"{verdict}: {}{detail}\"/>", waived(item)),
    };
    let mut seen = String::new();
    if let Outcome::Passed = outcome(item) {
        let _ = writeln!(seen, "{detail}");
    }
    if let Some(attestation) = &item.attestation {
        let (by, evidence) = (escaped(&attestation.by), escaped(&attestation.evidence));
        let _ = writeln!(seen, "attested by {by}: {evidence}");
    }
    for piece in &item.evidence {
        let (object, field, value) = (escaped(&piece.object), escaped(&piece.field), escaped(&piece.value));
        let _ = writeln!(seen, "{}", format!("{object} {field}: {value}").trim_end());
    }
    if !seen.is_empty() {
        let _ = write!(text, "      <system-out>{}</system-out>\n", seen.trim_end());
    }
    text.push_str("    </testcase>\n");
}

fn waived(item: &ItemReport) -> String {
    item.waiver.as_ref().map_or_else(String::new, |waiver| {
        format!("by {}: {}; ", escaped(&waiver.owner), escaped(&waiver.reason))
    })
}

/// The attributes of a suite.
#[derive(Default)]
struct Counts {
    tests: usize,
    failures: usize,
    errors: usize,
    skipped: usize,
    milliseconds: f64,
}

impl Counts {
    fn of<'a>(items: impl Iterator<Item = &'a ItemReport>) -> Self {
        items.fold(Self::default(), |mut counts, item| {
            counts.tests += 1;
            counts.milliseconds += item.duration_ms;
            match outcome(item) {
                Outcome::Passed => {}
                Outcome::Failed => counts.failures += 1,
                Outcome::Error => counts.errors += 1,
                Outcome::Skipped => counts.skipped += 1,
            }
            counts
        })
    }
}

impl std::fmt::Display for Counts {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            formatter,
            "tests=\"{}\" failures=\"{}\" errors=\"{}\" skipped=\"{}\" time=\"{:.6}\"",
            self.tests,
            self.failures,
            self.errors,
            self.skipped,
            self.milliseconds / 1000.0
        )
    }
}

/// Text and attribute values; what XML 1.0 cannot hold at all (its section 2.2) is replaced.
fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&apos;"),
            '\u{fffe}' | '\u{ffff}' => safe.push('\u{fffd}'),
            letter if letter.is_control() => safe.push('\u{fffd}'),
            letter => safe.push(letter),
        }
    }
    safe
}
