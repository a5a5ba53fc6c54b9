//! Every case beside an item or a diagnosis: a recording whose file name says what must come out.
//!
//! - `src/checklist/SECTION/SLUG/VERDICT-….yaml`: the item's row must be VERDICT.
//! - `src/values/rules/ID/broken-….yaml`: the rendered objects in it break the rule; `pass-…`: they keep it.
//! - `src/diagnoses/TOPIC/ID/seen-….yaml`: ID is the first finding; `silent-…`: ID finds nothing; `unknown-…`: ID
//!   could not look.
//!
//! Comments on top may ask for more: `# detail: TEXT` must be part of the row's detail (every row but a pass says
//! why), `# first: KIND/NAME` must be the object of the first finding, `# object:` and `# text:` what is broken where,
//! with Helm's `# timeout:` where it matters.

mod walk;

use apimgmt::{
    checklist::{self, Item},
    diagnoses::{self, Diagnosis, Scene},
    release::manifest::objects,
    values::{
        Span,
        rules::{self, Facts, Rule},
    },
};
use walk::{Case, cases_of};

#[test]
fn items_judge_their_cases() {
    let mut wrong = Vec::new();
    let mut count = 0;
    for item in checklist::ALL {
        for case in cases_of("src/checklist", item.id) {
            count += 1;
            if let Err(why) = judged(item, &case) {
                wrong.push(format!("{}: {why}", case.path));
            }
        }
    }
    assert!(count > 100, "only {count} cases were found");
    assert!(
        wrong.is_empty(),
        "{} of {count} cases:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

/// What the comments on top of a case ask for under a key.
fn asked<'a>(case: &'a str, key: &str) -> Vec<&'a str> {
    let comments = case.lines().take_while(|line| line.starts_with('#'));
    let asked = comments.filter_map(|line| {
        let comment = line.trim_start_matches('#').trim_start();
        comment.strip_prefix(key)?.strip_prefix(':')
    });
    asked.map(str::trim).collect()
}

fn judged(item: &'static Item, case: &Case) -> Result<(), String> {
    let snapshot = case.snapshot()?;
    let sections = checklist::judge(&[item], &snapshot);
    let row = &sections[0].rows[0];
    if row.word() != case.expected() {
        return Err(format!("is {}: {}", row.word(), row.detail()));
    }
    let details = asked(&case.text, "detail");
    if details.is_empty() && row.word() != "pass" {
        return Err(format!("does not ask for a detail; it is: {}", row.detail()));
    }
    match details.iter().find(|text| !row.detail().contains(*text)) {
        Some(text) => Err(format!("`{text}` is not in: {}", row.detail())),
        None => Ok(()),
    }
}

#[test]
fn diagnoses_recognise_their_cases() {
    let mut wrong = Vec::new();
    for diagnosis in diagnoses::ALL {
        for case in cases_of("src/diagnoses", &format!("{}/{}", topic(diagnosis), diagnosis.id)) {
            if let Err(why) = recognised(diagnosis, &case) {
                wrong.push(format!("{}: {why}", case.path));
            }
        }
    }
    assert!(wrong.is_empty(), "{} cases:\n{}", wrong.len(), wrong.join("\n"));
}

fn topic(diagnosis: &Diagnosis) -> String {
    format!("{:?}", diagnosis.topic).to_lowercase()
}

fn recognised(diagnosis: &'static Diagnosis, case: &Case) -> Result<(), String> {
    let snapshot = case.snapshot()?;
    let diagnosed = diagnoses::diagnose(diagnoses::ALL, &snapshot);
    let found: Vec<_> = diagnosed
        .findings
        .iter()
        .map(|finding| format!("{} on {}: {}", finding.id, finding.object, finding.cause))
        .collect();
    let found = found.join("; ");
    let first = diagnosed.findings.first();
    let own = diagnosed.findings.iter().find(|finding| finding.id == diagnosis.id);
    match (case.expected(), (diagnosis.look)(&Scene::new(&snapshot))) {
        ("seen", Ok(_)) if first.is_none_or(|finding| finding.id != diagnosis.id) => {
            return Err(format!("is not the first finding: {found}"));
        }
        ("silent", Ok(_)) if own.is_some() => return Err(format!("is not silent: {found}")),
        ("seen" | "silent", Err(blind)) => return Err(format!("could not look: {blind}")),
        ("unknown", Ok(_)) => return Err("could look all the same".into()),
        ("seen" | "silent", Ok(_)) | ("unknown", Err(_)) => {}
        (other, _) => return Err(format!("`{other}` is neither seen, silent nor unknown")),
    }
    let objects = asked(&case.text, "first");
    match objects
        .iter()
        .find(|object| first.is_none_or(|finding| finding.object != **object))
    {
        Some(object) => Err(format!("{object} is not the first object: {found}")),
        None => Ok(()),
    }
}

#[test]
fn rules_judge_their_cases() {
    let mut wrong = Vec::new();
    for rule in rules::ALL {
        let cases = cases_of("src/values/rules", rule.id);
        if rule.title.chars().count() > 60 || checklist::ALL.iter().any(|item| item.id == rule.id) {
            wrong.push(format!("{} has a long title, or the id of an item", rule.id));
        }
        for verdict in ["pass", "broken"] {
            if !cases.iter().any(|case| case.expected() == verdict) {
                wrong.push(format!("{} has no case `{verdict}-…`", rule.id));
            }
        }
        for case in cases {
            if let Err(why) = kept(rule, &case) {
                wrong.push(format!("{}: {why}", case.path));
            }
        }
    }
    assert!(wrong.is_empty(), "{} cases:\n{}", wrong.len(), wrong.join("\n"));
}

fn kept(rule: &'static Rule, case: &Case) -> Result<(), String> {
    let timeout = asked(&case.text, "timeout").first().map_or("5m", |timeout| *timeout);
    let timeout: Span = timeout.parse()?;
    let objects = objects(&case.text)?;
    let facts = Facts::of(objects, timeout.0);
    if !facts.unreadable.is_empty() {
        return Err(format!("is not read: {}", facts.unreadable.join(", ")));
    }
    let broken = (rule.judge)(&facts);
    let told: Vec<_> = broken
        .iter()
        .map(|one| format!("{}: {}", one.object, one.text))
        .collect();
    match case.expected() {
        "pass" if told.is_empty() => Ok(()),
        "broken" if told.is_empty() => Err("is not broken".into()),
        "broken" => {
            let (objects, texts) = (asked(&case.text, "object"), asked(&case.text, "text"));
            let is_told = |one: &rules::Broken| {
                objects.iter().any(|object| one.object == **object) && texts.iter().any(|text| one.text.contains(*text))
            };
            if broken.iter().any(is_told) {
                Ok(())
            } else {
                Err(told.join("; "))
            }
        }
        _ => Err(format!("is broken: {}", told.join("; "))),
    }
}
