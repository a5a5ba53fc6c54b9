//! Laws over the checklist: what must hold for every item, whoever adds it.
//!
//! Each law says how it was seen to fail.

mod walk;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use apimgmt::{
    checklist::{ALL, Item, SECTIONS, Severity, Stage, Verdict},
    snapshot::{Snapshot, Source, Unreadable, Why},
};
use walk::{Case, cases_of};

fn cases(item: &Item) -> Vec<Case> {
    cases_of("src/checklist", item.id)
}

fn passing(item: &Item) -> Vec<Case> {
    cases(item)
        .into_iter()
        .filter(|case| case.expected() == "pass")
        .collect()
}

fn crate_folder() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every file below a folder with an ending.
fn files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("the folder exists") {
        let path = entry.expect("the folder is readable").path();
        if path.is_dir() {
            found.extend(files(&path, ending));
        } else if path.to_string_lossy().ends_with(ending) {
            found.push(path);
        }
    }
    found
}

fn assert_none(wrong: &[String]) {
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Seen to fail with two entries of `ALL` swapped.
#[test]
fn the_items_are_the_documents_52_in_its_order() {
    const DOCUMENT: [(&str, &[&str]); 8] = [
        (
            "infrastructure",
            &[
                "cluster",
                "node-capacity",
                "network",
                "storage-classes",
                "load-balancer",
                "dns",
                "tls-certificates",
            ],
        ),
        (
            "security",
            &[
                "namespace-isolation",
                "rbac",
                "network-policies",
                "secrets",
                "images",
                "firewall",
                "compliance",
            ],
        ),
        (
            "database",
            &[
                "instance",
                "database",
                "user",
                "backup",
                "monitoring",
                "tuning",
                "pooling",
            ],
        ),
        (
            "cache",
            &[
                "instance",
                "high-availability",
                "memory",
                "persistence",
                "access-control",
                "monitoring",
            ],
        ),
        (
            "functional",
            &[
                "health",
                "api",
                "gateway",
                "authentication",
                "database",
                "cache",
                "files",
            ],
        ),
        (
            "performance",
            &[
                "response-time",
                "throughput",
                "resource-usage",
                "auto-scaling",
                "connection-pooling",
                "cache-hit-rate",
            ],
        ),
        (
            "security",
            &[
                "https",
                "access-control",
                "authorization",
                "traffic-isolation",
                "secret-exposure",
                "vulnerabilities",
            ],
        ),
        (
            "monitoring",
            &["metrics", "dashboards", "alerts", "logs", "apm", "synthetic"],
        ),
    ];
    let document: Vec<String> = DOCUMENT
        .iter()
        .flat_map(|(section, slugs)| slugs.iter().map(move |slug| format!("{section}/{slug}")))
        .collect();
    let ids: Vec<&str> = ALL.iter().map(|item| item.id).collect();
    assert_eq!(ids, document);
    assert_eq!(ids.len(), 52);
    let sections: Vec<&str> = SECTIONS.iter().map(|section| section.id).collect();
    assert_eq!(sections, DOCUMENT.map(|(section, _)| section));
    let stages = ALL.iter().map(|item| item.stage);
    assert_eq!(stages.filter(|stage| *stage == Stage::Pre).count(), 27);
}

/// Seen to fail with an id in upper case.
#[test]
fn an_id_is_kebab_case_unique_and_names_its_file() {
    let mut wrong = Vec::new();
    let mut seen = BTreeSet::new();
    for item in ALL {
        let kebab = |part: &str| {
            !part.is_empty()
                && part
                    .split('-')
                    .all(|word| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase()))
        };
        let Some((section, slug)) = item.id.split_once('/') else {
            wrong.push(format!("{}: no section", item.id));
            continue;
        };
        if !kebab(section) || !kebab(slug) {
            wrong.push(format!("{}: not kebab-case", item.id));
        }
        if !seen.insert(item.id) {
            wrong.push(format!("{}: twice", item.id));
        }
        let file = crate_folder().join(format!("src/checklist/{section}/{}.rs", slug.replace('-', "_")));
        if !fs::read_to_string(&file).is_ok_and(|text| text.contains(&format!("id: \"{}\"", item.id))) {
            wrong.push(format!("{}: {} does not define it", item.id, file.display()));
        }
    }
    assert_none(&wrong);
}

/// Seen to fail with the folder `functional/cache` renamed to `functional/cash`.
#[test]
fn every_case_belongs_to_an_item() {
    let root = crate_folder().join("src/checklist");
    let ids: BTreeSet<&str> = ALL.iter().map(|item| item.id).collect();
    let strays: Vec<String> = files(&root, "")
        .iter()
        .filter(|path| path.extension().is_none_or(|extension| extension != "rs"))
        .map(|path| path.strip_prefix(&root).unwrap().to_path_buf())
        .filter(|path| {
            let unit = path.parent().unwrap_or(path).to_string_lossy();
            path.extension().is_none_or(|extension| extension != "yaml") || !ids.contains(unit.as_ref())
        })
        .map(|path| path.display().to_string())
        .collect();
    assert_none(&strays);
}

/// Seen to fail with the unknown cases of `monitoring/metrics` removed.
#[test]
fn every_item_has_a_pass_a_fail_and_an_unknown_case() {
    let mut wrong = Vec::new();
    for item in ALL.iter().copied() {
        let cases = cases(item);
        let verdicts: BTreeSet<&str> = cases.iter().map(Case::expected).collect();
        // What an advisory item fails is a warning.
        let broken = match item.severity {
            Severity::Blocking => "fail",
            Severity::Advisory => "warning",
        };
        for verdict in ["pass", broken, "unknown"] {
            if !verdicts.contains(verdict) {
                wrong.push(format!("{}: no {verdict} case", item.id));
            }
        }
    }
    assert_none(&wrong);
}

/// Seen to fail with a source added to `reads` that no case makes the item touch.
#[test]
fn what_an_item_reads_is_what_it_declares() {
    let mut wrong = Vec::new();
    for item in ALL.iter().copied() {
        let mut read = BTreeSet::new();
        for case in cases(item) {
            let snapshot = case.snapshot().unwrap();
            let _ = (item.judge)(&snapshot);
            read.extend(snapshot.take_touched());
        }
        let declared: BTreeSet<Source> = item.reads.iter().copied().collect();
        if read != declared || declared.len() != item.reads.len() {
            let undeclared: Vec<_> = read.difference(&declared).collect();
            let unread: Vec<_> = declared.difference(&read).collect();
            wrong.push(format!("{}: undeclared {undeclared:?}, unread {unread:?}", item.id));
        }
    }
    assert_none(&wrong);
}

/// Sources that a pass may do without, and why that is not blindness.
const DISPENSABLE: [(&str, Source); 5] = [
    // The server's own counters tell where no exporter does.
    ("performance/cache-hit-rate", Source::Prometheus),
    // Throttling is told only by some Prometheus installations; the row says when it is not measured.
    ("performance/resource-usage", Source::Prometheus),
    // A declared renewal mechanism stands where cert-manager's certificates may not be listed.
    ("infrastructure/tls-certificates", Source::Certificates),
    // A fresh load probe proves what Prometheus would; without one their own cases show that they are unknown.
    ("performance/response-time", Source::Prometheus),
    ("performance/throughput", Source::Prometheus),
];

/// The worst bug is green while blind: with any one source that it reads taken away, no passing case may pass.
///
/// Seen to fail with an unreadable list of quotas taken for an empty one in `security/namespace-isolation`.
#[test]
fn no_item_passes_while_one_of_its_sources_is_unreadable() {
    let mut wrong = Vec::new();
    for item in ALL.iter().copied() {
        for case in passing(item) {
            for source in item.reads {
                let mut snapshot = case.snapshot().unwrap();
                let needed = needed_for(item, &case, *source);
                snapshot.readings.fail(Unreadable::new(*source, "shop", Why::Forbidden));
                let passes = matches!((item.judge)(&snapshot), Ok(Verdict::Pass { .. }));
                if passes && needed {
                    wrong.push(format!("{} passes without {}", case.path, source.id()));
                }
            }
        }
    }
    assert_none(&wrong);
}

/// Whether this very case asks for the source and may not do without it.
fn needed_for(item: &Item, case: &Case, source: Source) -> bool {
    let snapshot = case.snapshot().expect("a case is a recording");
    let _ = (item.judge)(&snapshot);
    snapshot.take_touched().contains(&source) && !DISPENSABLE.contains(&(item.id, source))
}

/// Seen to fail with evidence from Redis in `functional/health`, which does not declare it.
#[test]
fn evidence_comes_from_declared_sources_and_is_short_and_plain() {
    let mut wrong = Vec::new();
    for item in ALL.iter().copied() {
        for case in cases(item) {
            let snapshot = case.snapshot().unwrap();
            let (detail, evidence) = match (item.judge)(&snapshot) {
                Ok(Verdict::Pass { detail, proof }) => (detail, proof.pieces().to_vec()),
                Ok(Verdict::Fail { detail, evidence, .. } | Verdict::Unknown { detail, evidence, .. }) => {
                    (detail, evidence)
                }
                _ => continue,
            };
            for piece in &evidence {
                if !item.reads.contains(&piece.source) {
                    wrong.push(format!("{}: evidence from {}", case.path, piece.source.id()));
                }
                if piece.value.chars().count() > 200 || piece.object.is_empty() || piece.field.is_empty() {
                    wrong.push(format!("{}: {piece:?}", case.path));
                }
                if [&piece.value, &piece.object, &piece.field]
                    .into_iter()
                    .any(|text| text.chars().any(char::is_control))
                {
                    wrong.push(format!("{}: control characters in {piece:?}", case.path));
                }
            }
            if detail.is_empty() || detail.chars().any(char::is_control) {
                wrong.push(format!("{}: detail {detail:?}", case.path));
            }
        }
    }
    assert_none(&wrong);
}

/// Seen to fail with the writer of recordings as it was first: it left out what is false or empty, also where that is
/// not the default, and an endpoint that was not ready came back as ready.
#[test]
fn a_recording_reads_back_as_it_was_written() {
    let mut wrong = Vec::new();
    for item in ALL.iter().copied() {
        for case in cases(item) {
            let first = case.snapshot().unwrap();
            let written = first.to_recording();
            match Snapshot::from_recording(&written) {
                Ok(second) if second.readings == first.readings => {}
                Ok(second) => {
                    let (left, right) = (format!("{:?}", first.readings), format!("{:?}", second.readings));
                    let at = left
                        .bytes()
                        .zip(right.bytes())
                        .take_while(|(left, right)| left == right)
                        .count();
                    let near = |text: &str| text.chars().skip(at.saturating_sub(60)).take(160).collect::<String>();
                    wrong.push(format!(
                        "{} changes: {} becomes {}",
                        case.path,
                        near(&left),
                        near(&right)
                    ));
                }
                Err(error) => wrong.push(format!("{}: {error}", case.path)),
            }
        }
    }
    assert_none(&wrong);
}

/// Seen to fail with a title of 61 characters and a fix in lower case.
#[test]
fn words_are_short_and_a_fix_begins_with_a_command_or_a_verb() {
    const COMMANDS: [&str; 4] = ["`kubectl ", "`helm ", "`openssl ", "`psql "];
    let mut wrong = Vec::new();
    for item in ALL {
        if item.title.chars().count() > 60 || item.title.ends_with('.') {
            wrong.push(format!("{}: title `{}`", item.id, item.title));
        }
        if item.why.len() < 20 || !item.why.ends_with('.') {
            wrong.push(format!("{}: why `{}`", item.id, item.why));
        }
        let verb = item.fix.split(' ').next().unwrap_or_default();
        let is_verb = verb.len() > 1
            && verb.starts_with(|first: char| first.is_ascii_uppercase())
            && verb.bytes().all(|byte| byte.is_ascii_alphabetic());
        if !is_verb && !COMMANDS.iter().any(|command| item.fix.starts_with(command)) {
            wrong.push(format!("{}: fix `{}`", item.id, item.fix));
        }
    }
    assert_none(&wrong);
}

/// Seen to fail with a `println!` in an item.
#[test]
fn only_the_report_prints() {
    let macros = ["print!(", "println!(", "eprint!(", "eprintln!(", "dbg!("];
    let root = crate_folder().parent().unwrap();
    let sources =
        ["apimgmt", "kubectl-plugin", "helm-plugin"].map(|member| files(&root.join(member).join("src"), ".rs"));
    let mut wrong = Vec::new();
    for path in sources.iter().flatten() {
        let name = path.strip_prefix(root).unwrap().to_string_lossy().into_owned();
        if name.contains("/report/") || name.ends_with("src/main.rs") || is_for_tests(path) {
            continue;
        }
        let text = fs::read_to_string(path).unwrap();
        let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
        for (number, line) in code.lines().enumerate() {
            let line = line.split("//").next().unwrap_or_default();
            let prints = macros.iter().any(|name| {
                let mut before = line.match_indices(name).map(|(at, _)| line[..at].chars().last());
                before.any(|letter| !letter.is_some_and(|letter| letter.is_alphanumeric() || letter == '_'))
            });
            if prints {
                wrong.push(format!("{name}:{}", number + 1));
            }
        }
    }
    assert_none(&wrong);
}

/// Whether the module above a file declares it for tests alone.
fn is_for_tests(path: &Path) -> bool {
    let name = path.file_stem().unwrap_or_default().to_string_lossy();
    let above = path.with_file_name("mod.rs");
    fs::read_to_string(above).is_ok_and(|text| text.contains(&format!("#[cfg(test)]\nmod {name};")))
}

/// Seen to fail with two cases that differed only in what the recording then lost.
#[test]
fn no_two_cases_of_an_item_are_the_same() {
    let mut wrong = Vec::new();
    for item in ALL.iter().copied() {
        let mut seen: BTreeMap<String, String> = BTreeMap::new();
        for case in cases(item) {
            if let Some(other) = seen.insert(case.snapshot().unwrap().to_recording(), case.path.clone()) {
                wrong.push(format!("{other} and {}", case.path));
            }
        }
    }
    assert_none(&wrong);
}
