//! The checklist as people read it in a terminal or paste it into a ticket.

use std::fmt::Write;

use comfy_table::{Table, presets};

use super::{
    Style,
    text::{Tone, escape, folded, paint},
    verify::{ItemReport, Report},
};

/// Columns of symbol and verdict.
const VERDICT_COLUMNS: usize = 10;

/// Columns that verdict and id take, with their gaps; the detail has the rest.
const BESIDES_DETAIL: u16 = 48;

/// Every section with every row.
pub(super) fn table(report: &Report, style: Style) -> String {
    render(report, style, false, |_| true)
}

/// Only the rows that are not green.
pub(super) fn short(report: &Report, style: Style) -> String {
    render(report, style, false, |item| !matches!(item.verdict, "pass" | "skipped"))
}

/// Every row with its evidence.
pub(super) fn wide(report: &Report, style: Style) -> String {
    render(report, style, true, |_| true)
}

fn render(report: &Report, style: Style, evidence: bool, shown: impl Fn(&ItemReport) -> bool) -> String {
    let mut text = heading(report, style);
    if let Some(changes) = &report.changes {
        text.push_str(&changes.told(style));
    }
    for section in &report.sections {
        let rows: Vec<_> = section.items.iter().filter(|item| shown(item)).collect();
        if !rows.is_empty() {
            let _ = write!(
                text,
                "\n{}\n{}",
                paint(style, Tone::Strong, section.title),
                aligned(&rows, style, evidence)
            );
        }
    }
    text.push_str(&footing(report, style));
    text
}

fn heading(report: &Report, style: Style) -> String {
    let release = report.release_words(escape);
    let cluster = [&report.cluster.context, &report.cluster.version]
        .map(|part| escape(part))
        .join(" ");
    format!(
        "{}\nnamespace {} · {release} · cluster {} · {}\n",
        paint(style, Tone::Strong, "Production Deployment Checklist"),
        escape(&report.namespace),
        cluster.trim(),
        report.taken_at().strftime("%Y-%m-%d %H:%M:%S UTC"),
    )
}

fn aligned(rows: &[&ItemReport], style: Style, evidence: bool) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    let mut tones = Vec::new();
    for item in rows {
        let (symbol, tone) = look(item.verdict);
        let told = told(item, style, evidence);
        // One tone for the first line of the row, none for those below it.
        tones.push(Some(tone));
        tones.extend(std::iter::repeat_n(None, told.lines().count().saturating_sub(1)));
        table.add_row([
            format!("{symbol} {:<7}", item.verdict),
            format!("{:<31}", item.id),
            told,
        ]);
    }
    // Painted when laid out: the width of colour codes is not the width of what is seen.
    let mut text = String::new();
    for (line, tone) in table.lines().zip(tones) {
        let line = line.trim_end();
        let verdict_ends = line
            .char_indices()
            .nth(VERDICT_COLUMNS)
            .map_or(line.len(), |(index, _)| index);
        let (verdict, rest) = line.split_at(verdict_ends);
        let verdict = tone.map_or_else(|| verdict.to_owned(), |tone| paint(style, tone, verdict));
        let _ = writeln!(text, "{verdict}{rest}");
    }
    text
}

/// The detail, and below it what to do when something is wrong, and who set it aside.
fn told(item: &ItemReport, style: Style, evidence: bool) -> String {
    let width = usize::from(style.width.saturating_sub(BESIDES_DETAIL).max(30));
    let mut lines = folded(&escape(&item.detail), width);
    if matches!(item.verdict, "fail" | "warning") {
        lines.extend(folded(&format!("fix: {}", item.fix), width));
    }
    if let Some(waiver) = &item.waiver {
        let until = waiver
            .until
            .map(|until| until.strftime("%Y-%m-%d").to_string())
            .unwrap_or_default();
        let waived = format!(
            "waived by {} until {until}: {}",
            escape(&waiver.owner),
            escape(&waiver.reason)
        );
        lines.extend(folded(&waived, width));
    }
    if let Some(attestation) = &item.attestation {
        let until = attestation.until.map(|until| until.strftime("%Y-%m-%d").to_string());
        let attested = format!(
            "attested by {} until {}: {}",
            escape(&attestation.by),
            until.unwrap_or_default(),
            escape(&attestation.evidence)
        );
        lines.extend(folded(&attested, width));
    }
    for piece in item.evidence.iter().filter(|_| evidence) {
        let seen = format!(
            "· {} {}: {}",
            escape(&piece.object),
            escape(&piece.field),
            escape(&piece.value)
        );
        lines.extend(folded(&seen, width));
    }
    lines.join("\n")
}

/// The symbol and the tone of a verdict. The word stands beside the symbol, so nothing rests on colour or font.
fn look(verdict: &str) -> (char, Tone) {
    match verdict {
        "pass" => ('✔', Tone::Good),
        "fail" => ('✘', Tone::Bad),
        "warning" => ('!', Tone::Warn),
        "unknown" => ('?', Tone::Unclear),
        "manual" => ('☐', Tone::Unclear),
        "waived" => ('~', Tone::Warn),
        _ => ('-', Tone::Faint),
    }
}

fn footing(report: &Report, style: Style) -> String {
    let summary = report.summary;
    let counts: Vec<String> = [
        (summary.pass, "pass"),
        (summary.fail, "fail"),
        (summary.warning, "warning"),
        (summary.unknown, "unknown"),
        (summary.manual, "manual"),
        (summary.waived, "waived"),
        (summary.skipped, "skipped"),
    ]
    .iter()
    .filter(|(count, _)| *count > 0)
    .map(|(count, word)| paint(style, look(word).1, &format!("{count} {word}")))
    .collect();
    let mut text = format!("\n{}\n", counts.join(" · "));
    if let Some(status) = report.status {
        let tone = match status {
            "READY FOR PRODUCTION" => Tone::Good,
            "NOT READY" => Tone::Bad,
            _ => Tone::Unclear,
        };
        let _ = writeln!(text, "Deployment Status: {}", paint(style, tone, status));
    }
    text
}
