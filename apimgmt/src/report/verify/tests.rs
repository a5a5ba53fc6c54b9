//! Every form of recorded releases word for word, and what hostile text can do in each: nothing.

use std::path::Path;

use super::{Form, Former, Report, Run};
use crate::{
    checklist::{ALL, judge},
    report::Style,
    snapshot::Snapshot,
};

const STYLE: Style = Style {
    color: false,
    width: 120,
};

const FORMS: [(&str, Form); 10] = [
    ("table", Form::Table),
    ("short", Form::Short),
    ("wide", Form::Wide),
    ("json", Form::Json),
    ("yaml", Form::Yaml),
    ("junit", Form::Junit),
    ("sarif", Form::Sarif),
    ("markdown", Form::Markdown),
    ("html", Form::Html),
    ("prometheus", Form::Prometheus),
];

fn recording(name: &str) -> Snapshot {
    let file = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../tests/recordings")
        .join(name);
    Snapshot::from_recording(&std::fs::read_to_string(file).unwrap()).unwrap()
}

fn report(snapshot: &Snapshot) -> Report {
    Report::new(snapshot, &judge(ALL, snapshot), true)
}

/// A few items, so that a snapshot stays readable.
fn part(snapshot: &Snapshot) -> Report {
    let names = [
        "cache/instance",
        "database/instance",
        "functional/health",
        "monitoring/metrics",
    ];
    let items = crate::checklist::select(&names.map(str::to_owned)).unwrap();
    Report::new(snapshot, &judge(&items, snapshot), false)
}

#[test]
fn forms_of_a_release_without_redis() {
    let (healthy, broken) = (recording("healthy.yaml"), recording("redis-stopped.yaml"));
    let former = part(&healthy);
    for (name, form) in FORMS {
        // Those of JSON and YAML stand in the transcripts of the binary.
        if !matches!(form, Form::Json | Form::Yaml) {
            let report = part(&broken)
                .since(&Former::of(&former, &healthy), &broken)
                .with_history([Run::of(&former)]);
            let text = report.render(form, STYLE);
            // The page's style and script are files of their own.
            let text = text
                .replace(include_str!("page.css"), "…")
                .replace(include_str!("page.js"), "…");
            insta::with_settings!({filters => vec![("sha256-[A-Za-z0-9+/=]+", "sha256-…")]}, {
                insta::assert_snapshot!(name, text);
            });
        }
    }
}

#[test]
fn the_json_of_a_former_run_says_what_changed_as_its_recording_does() {
    let (healthy, broken) = (recording("healthy.yaml"), recording("redis-stopped.yaml"));
    let json = part(&healthy).render(Form::Json, STYLE);
    let former = Former::from_json(&json).unwrap().unwrap();
    let value = |report: Report| {
        let value: serde_json::Value = serde_json::from_str(&report.render(Form::Json, STYLE)).unwrap();
        value["changes"]["rows"].clone()
    };
    let by_json = value(part(&broken).since(&former, &broken));
    let mut by_recording = value(part(&broken).since(&Former::of(&part(&healthy), &healthy), &broken));
    assert!(!by_json.as_array().unwrap().is_empty());
    for row in by_recording.as_array_mut().unwrap() {
        row["objects"] = serde_json::json!([]);
    }
    assert_eq!(by_json, by_recording);
    assert!(Former::from_json("takenAt: 2026-11-23T08:00:00Z").unwrap().is_none());
    assert!(Former::from_json("{\"schema\": \"apimgmt.verify/v1\"}").is_err());
    let same = part(&healthy).since(&Former::of(&part(&healthy), &healthy), &healthy);
    assert!(same.render(Form::Table, STYLE).contains("no row changed"));
}

#[test]
fn twenty_runs_give_the_same_bytes_in_every_form() {
    let first: Vec<String> = FORMS
        .iter()
        .map(|(_, form)| report(&recording("healthy.yaml")).render(*form, STYLE))
        .collect();
    for _ in 1..20 {
        let snapshot = recording("healthy.yaml");
        for ((name, form), first) in FORMS.iter().zip(&first) {
            assert!(report(&snapshot).render(*form, STYLE) == *first, "{name}");
        }
    }
}

/// Everything that a cluster could try: to move a cursor, hide, turn text around, and break out of each form.
const HOSTILE: &str = "\u{1b}[2J\u{9b}31m\u{202e}\u{200b}\r\n</td><script>alert(1)</script>\"'`&|*_[a](https://evil.test/)![b](x)@everyone #1 www.evil.test \\\" ]]> --> \u{fffe}{x=\"y\"} 1\n# TYPE evil gauge";

fn hostile() -> Report {
    let mut snapshot = recording("redis-stopped.yaml");
    snapshot.namespace = HOSTILE.into();
    snapshot.cluster.context = HOSTILE.into();
    snapshot.cluster.version = HOSTILE.into();
    let crate::snapshot::Reading::Read(revisions) = &mut snapshot.readings.releases else {
        panic!()
    };
    revisions[0].name = HOSTILE.into();
    revisions[0].status = HOSTILE.into();
    let mut report = report(&snapshot);
    for item in report.sections.iter_mut().flat_map(|section| &mut section.items) {
        item.detail = super::harmless(HOSTILE);
        for piece in &mut item.evidence {
            for text in [&mut piece.object, &mut piece.field, &mut piece.value] {
                *text = super::harmless(HOSTILE);
            }
        }
        item.waiver = Some(super::WaiverReport {
            reason: super::harmless(HOSTILE),
            owner: super::harmless(HOSTILE),
            until: None,
        });
    }
    report
}

#[test]
fn hostile_text_drives_no_terminal_in_any_form() {
    for (name, form) in FORMS {
        let text = hostile().render(form, STYLE);
        let bad = text.chars().find(|letter| {
            (letter.is_control() && *letter != '\n') || matches!(letter, '\u{202e}' | '\u{200b}' | '\u{9b}')
        });
        assert_eq!(bad, None, "{name}");
    }
}

#[test]
fn hostile_text_stays_text_in_each_form() {
    let of = |form| hostile().render(form, STYLE);
    let page = of(Form::Html).replace(include_str!("page.js"), "");
    assert!(
        !page.contains("<script>alert") && page.matches("<script>").count() == 1 && page.matches("</td>").count() > 10
    );
    assert!(!page.contains("</td><script"), "nothing breaks out of a cell");
    let junit = of(Form::Junit);
    assert!(!junit.contains("<script") && !junit.contains("]]>") && !junit.contains('\u{fffe}'));
    let markdown = of(Form::Markdown);
    for live in [
        "<script",
        "](https",
        "![b]",
        "@everyone",
        " #1 ",
        "https://",
        "www.evil",
    ] {
        assert!(!markdown.contains(live), "{live}");
    }
    assert!(markdown.lines().all(|line| !line.starts_with("# TYPE")));
    let prometheus = of(Form::Prometheus);
    assert!(
        !prometheus.contains("evil gauge\n")
            && prometheus
                .lines()
                .all(|line| line.starts_with("# ") || line.starts_with("apimgmt_"))
    );
    let sarif: serde_json::Value = serde_json::from_str(&of(Form::Sarif)).unwrap();
    assert_eq!(sarif["runs"][0]["results"].as_array().unwrap().len(), ALL.len());
}

/// What the schema of SARIF 2.1.0 demands of what is written here.
#[test]
fn sarif_keeps_the_rules_of_its_schema() {
    let text = report(&recording("redis-stopped.yaml")).render(Form::Sarif, STYLE);
    let sarif: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(sarif["version"], "2.1.0");
    let run = &sarif["runs"][0];
    let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
    let mut kinds = std::collections::BTreeSet::new();
    for result in run["results"].as_array().unwrap() {
        let rule = &rules[usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap()];
        assert_eq!(rule["id"], result["ruleId"]);
        assert!(!result["message"]["text"].as_str().unwrap().is_empty());
        let (kind, level) = (result["kind"].as_str().unwrap(), result["level"].as_str().unwrap());
        assert!(
            ["notApplicable", "pass", "fail", "review", "open", "informational"].contains(&kind),
            "{kind}"
        );
        assert_eq!(kind == "fail", level != "none", "{result}");
        kinds.insert(kind.to_owned());
    }
    assert!(
        kinds.contains("fail") && kinds.contains("pass") && kinds.contains("open"),
        "{kinds:?}"
    );
    let ids: std::collections::BTreeSet<_> = rules.iter().map(|rule| rule["id"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), rules.len(), "rules are unique");
}

#[test]
fn what_ends_with_three_can_be_chosen() {
    use crate::ExitCode::{CannotTell, Done, Wrong};
    let snapshot = recording("redis-stopped.yaml");
    let code = |verdicts: &[&str]| part(&snapshot).failing_on(verdicts).exit_code();
    assert_eq!(part(&snapshot).exit_code(), Wrong);
    assert_eq!(
        (code(&["fail"]), code(&["pass"]), code(&["unknown", "fail"])),
        (Wrong, Wrong, Wrong)
    );
    assert_eq!(code(&[]), Done);
    let healthy = recording("healthy.yaml");
    assert_eq!(report(&healthy).failing_on(&["fail"]).exit_code(), CannotTell);
}
