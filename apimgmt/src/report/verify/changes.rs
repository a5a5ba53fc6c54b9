//! What changed between two runs: verdicts, details and stable evidence, and the objects that did it.

use std::{collections::BTreeMap, fmt::Write};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{ItemReport, Report, SCHEMA};
use crate::{
    Error,
    checklist::Evidence,
    report::{
        Style,
        text::{Tone, counted, escape, folded, harmless, paint},
    },
    snapshot::{
        Snapshot, Source,
        collect::closure,
        objects::{Difference, Objects},
    },
};

/// Objects of one row that are named; JSON has them all.
const NAMED: usize = 6;

/// What is compared with: a recording that is judged anew, or the JSON of a former run, which names no objects.
pub struct Former {
    taken_at: Timestamp,
    rows: BTreeMap<String, FormerRow>,
    objects: Option<Objects>,
}

#[derive(Deserialize)]
struct FormerRow {
    id: String,
    verdict: String,
    detail: String,
    evidence: Vec<Evidence>,
}

impl Former {
    /// A former snapshot, judged as this one is.
    pub fn of(report: &Report, snapshot: &Snapshot) -> Self {
        let rows = report.rows().map(|row| FormerRow {
            id: row.id.into(),
            verdict: row.verdict.into(),
            detail: row.detail.clone(),
            evidence: row.evidence.clone(),
        });
        Self {
            taken_at: report.taken_at,
            rows: rows.map(|row| (row.id.clone(), row)).collect(),
            objects: Some(snapshot.objects()),
        }
    }

    /// What `verify -o json` wrote; `None` when it is something else, such as a recording.
    ///
    /// # Errors
    /// When it is a report of another shape.
    pub fn from_json(text: &str) -> Result<Option<Self>, Error> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Whole {
            taken_at: Timestamp,
            sections: Vec<Part>,
        }
        #[derive(Deserialize)]
        struct Part {
            items: Vec<FormerRow>,
        }
        let Ok(value) = serde_json::from_str::<Value>(text) else {
            return Ok(None);
        };
        if value["schema"] != SCHEMA {
            return Ok(None);
        }
        let whole: Whole = serde_json::from_value(value)
            .map_err(|error| Error::usage("the former report does not fit").because(error))?;
        let rows = whole.sections.into_iter().flat_map(|part| part.items);
        Ok(Some(Self {
            taken_at: whole.taken_at,
            rows: rows.map(|row| (row.id.clone(), row)).collect(),
            objects: None,
        }))
    }
}

/// What changed.
#[derive(Debug, Serialize)]
pub(in crate::report) struct Changes {
    since: Timestamp,
    rows: Vec<RowChange>,
    /// Objects that changed other than in their status, by what they declare.
    objects: Vec<ObjectChange>,
    #[serde(skip)]
    known: Vec<String>,
}

#[derive(Debug, Serialize)]
struct RowChange {
    id: &'static str,
    verdict: Pair,
    detail: Pair,
    evidence: Vec<EvidenceChange>,
    /// Names of the changed objects that the item reads.
    objects: Vec<String>,
}

#[derive(Debug, Serialize)]
struct Pair {
    before: Option<String>,
    now: Option<String>,
}

#[derive(Debug, Serialize)]
struct EvidenceChange {
    object: String,
    field: String,
    #[serde(flatten)]
    value: Pair,
}

#[derive(Debug, Serialize)]
struct ObjectChange {
    object: String,
    change: &'static str,
    fields: Vec<EvidenceChange>,
}

impl Changes {
    /// Compares; `snapshot` is what the report was judged on.
    pub(super) fn between(former: &Former, report: &Report, snapshot: &Snapshot) -> Self {
        let differences = former
            .objects
            .as_ref()
            .map(|before| before.differences(&snapshot.objects()))
            .unwrap_or_default();
        let rows = report
            .rows()
            .filter_map(|row| RowChange::of(former.rows.get(row.id), row, &differences));
        Self {
            since: former.taken_at,
            rows: rows.collect(),
            objects: differences.iter().map(ObjectChange::of).collect(),
            known: former.rows.keys().cloned().collect(),
        }
    }

    /// SARIF's word for a row: section 3.27.24.
    pub(super) fn baseline(&self, id: &str) -> &'static str {
        if !self.known.iter().any(|known| known == id) {
            "new"
        } else if self.rows.iter().any(|row| row.id == id) {
            "updated"
        } else {
            "unchanged"
        }
    }

    fn title(&self) -> String {
        let since = self.since.strftime("%Y-%m-%d %H:%M:%S UTC");
        match self.rows.len() {
            0 => format!("Since {since} no row changed"),
            rows => format!("Since {since}: {} changed", counted(rows, "row")),
        }
    }

    /// For a terminal.
    pub(in crate::report) fn told(&self, style: Style) -> String {
        let width = usize::from(style.width.saturating_sub(6).max(40));
        let mut text = format!("\n{}\n", paint(style, Tone::Strong, &self.title()));
        let mut line = |indent: &str, words: &str| {
            for part in folded(&escape(words), width) {
                let _ = writeln!(text, "{indent}{part}");
            }
        };
        for row in &self.rows {
            line("  ", &format!("{}  {}", row.id, row.verdict));
            if row.detail.before != row.detail.now {
                for (when, words) in [("before", &row.detail.before), ("now", &row.detail.now)] {
                    line("      ", &format!("{when}: {}", words.as_deref().unwrap_or("-")));
                }
            }
            for change in &row.evidence {
                line("      ", &change.to_string());
            }
            if !row.objects.is_empty() {
                line("      ", &format!("changed meanwhile: {}", row.named()));
            }
        }
        for object in &self.objects {
            line("  ", &format!("{} {}", object.object, object.change));
            for field in &object.fields {
                line("      ", &format!("{}: {}", field.field, field.value));
            }
        }
        text
    }

    /// For the page, every part escaped by `escaped`.
    pub(super) fn html(&self, escaped: impl Fn(&str) -> String) -> String {
        let mut text = format!("<h2>{}</h2>\n<ul>\n", escaped(&self.title()));
        for row in &self.rows {
            let _ = write!(
                text,
                "<li><strong>{}</strong> {}",
                escaped(row.id),
                escaped(&row.verdict.to_string())
            );
            if row.detail.before != row.detail.now {
                let _ = write!(text, "<br>{}", escaped(&row.detail.to_string()));
            }
            for change in &row.evidence {
                let _ = write!(text, "<br>{}", escaped(&change.to_string()));
            }
            if !row.objects.is_empty() {
                let _ = write!(text, "<br>changed meanwhile: {}", escaped(&row.named()));
            }
            text.push_str("</li>\n");
        }
        for object in &self.objects {
            let _ = write!(text, "<li>{} {}", escaped(&object.object), object.change);
            for field in &object.fields {
                let _ = write!(text, "<br>{}", escaped(&format!("{}: {}", field.field, field.value)));
            }
            text.push_str("</li>\n");
        }
        text.push_str("</ul>\n");
        text
    }

    /// For Markdown, every part escaped by `escaped`.
    pub(super) fn markdown(&self, escaped: impl Fn(&str) -> String) -> String {
        let mut text = format!("\n## {}\n\n", escaped(&self.title()));
        for row in &self.rows {
            let _ = writeln!(text, "- **{}** {}", escaped(row.id), escaped(&row.verdict.to_string()));
            if row.detail.before != row.detail.now {
                let _ = writeln!(text, "  - {}", escaped(&row.detail.to_string()));
            }
            for change in &row.evidence {
                let _ = writeln!(text, "  - {}", escaped(&change.to_string()));
            }
            if !row.objects.is_empty() {
                let _ = writeln!(text, "  - changed meanwhile: {}", escaped(&row.named()));
            }
        }
        for object in &self.objects {
            let _ = writeln!(text, "- {} {}", escaped(&object.object), object.change);
            for field in &object.fields {
                let _ = writeln!(text, "  - {}", escaped(&format!("{}: {}", field.field, field.value)));
            }
        }
        text
    }
}

impl RowChange {
    fn of(before: Option<&FormerRow>, now: &ItemReport, differences: &[Difference]) -> Option<Self> {
        let evidence = before
            .map(|before| evidence(&before.evidence, &now.evidence))
            .unwrap_or_default();
        let same = before.is_some_and(|before| before.verdict == now.verdict && before.detail == now.detail);
        if same && evidence.is_empty() {
            return None;
        }
        let reads = closure(&now.reads.iter().copied().collect());
        let objects = differences
            .iter()
            .filter(|difference| reads.contains(&difference.source));
        Some(Self {
            id: now.id,
            verdict: Pair {
                before: before.map(|before| harmless(&before.verdict)),
                now: Some(now.verdict.into()),
            },
            detail: Pair {
                before: before.map(|before| harmless(&before.detail)),
                now: Some(now.detail.clone()),
            },
            evidence,
            objects: objects.map(|difference| harmless(&difference.object)).collect(),
        })
    }

    /// The changed objects, the first few by name.
    fn named(&self) -> String {
        let mut names = self.objects.iter().take(NAMED).cloned().collect::<Vec<_>>().join(", ");
        if let Some(more) = self.objects.len().checked_sub(NAMED).filter(|more| *more > 0) {
            let _ = write!(names, " and {more} more");
        }
        names
    }
}

/// Stable evidence alone: what moves by itself says nothing.
fn evidence(before: &[Evidence], now: &[Evidence]) -> Vec<EvidenceChange> {
    type Key<'a> = (Source, &'a str, &'a str);
    fn stable(pieces: &[Evidence]) -> BTreeMap<Key<'_>, &str> {
        let stable = pieces.iter().filter(|piece| piece.stable);
        stable
            .map(|piece| {
                (
                    (piece.source, piece.object.as_str(), piece.field.as_str()),
                    piece.value.as_str(),
                )
            })
            .collect()
    }
    let (before, now) = (stable(before), stable(now));
    let mut keys: Vec<_> = before.keys().chain(now.keys()).copied().collect();
    keys.sort_unstable();
    keys.dedup();
    let changed = keys.into_iter().filter(|key| before.get(key) != now.get(key));
    changed
        .map(|key| EvidenceChange {
            object: harmless(key.1),
            field: harmless(key.2),
            value: Pair {
                before: before.get(&key).map(|value| harmless(value)),
                now: now.get(&key).map(|value| harmless(value)),
            },
        })
        .collect()
}

impl ObjectChange {
    fn of(difference: &Difference) -> Self {
        let object = harmless(&difference.object);
        let fields = difference.fields.iter().map(|field| EvidenceChange {
            object: object.clone(),
            field: harmless(&field.path),
            value: Pair {
                before: field.before.as_deref().map(harmless),
                now: field.now.as_deref().map(harmless),
            },
        });
        Self {
            change: difference.change.word(),
            fields: fields.collect(),
            object,
        }
    }
}

impl std::fmt::Display for Pair {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let word = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".into());
        if self.before == self.now {
            return formatter.write_str(&word(&self.now));
        }
        write!(formatter, "{} → {}", word(&self.before), word(&self.now))
    }
}

impl std::fmt::Display for EvidenceChange {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{} {}: {}", self.object, self.field, self.value)
    }
}
