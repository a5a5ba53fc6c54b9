//! Laws over the diagnoses, and recordings in which several of them meet.
//!
//! - `src/diagnoses/controls/*.yaml`: nothing is wrong, so nothing critical or warning may be found.
//! - `src/diagnoses/together/*.yaml`: exactly the findings of the comments `# finding: ID OBJECT`, in that order.
//!
//! Each law says how it was seen to fail.

mod walk;

use std::{collections::BTreeSet, fs, path::Path};

use apimgmt::{
    diagnoses::{self, ALL, Diagnosis, Scene, Weight, diagnose},
    snapshot::{Snapshot, Source, Unreadable, Why},
};
use walk::{Case, cases_of};

const ROOT: &str = "src/diagnoses";

fn topic(diagnosis: &Diagnosis) -> String {
    format!("{:?}", diagnosis.topic).to_lowercase()
}

fn cases(diagnosis: &Diagnosis) -> Vec<Case> {
    cases_of(ROOT, &format!("{}/{}", topic(diagnosis), diagnosis.id))
}

fn every_case() -> Vec<Case> {
    let own = ALL.iter().flat_map(|diagnosis| cases(diagnosis));
    own.chain(cases_of(ROOT, "controls"))
        .chain(cases_of(ROOT, "together"))
        .collect()
}

fn assert_none(wrong: &[String]) {
    assert!(wrong.is_empty(), "{} are wrong:\n{}", wrong.len(), wrong.join("\n"));
}

fn found(snapshot: &Snapshot) -> Vec<String> {
    let findings = diagnose(ALL, snapshot).findings;
    findings
        .iter()
        .map(|finding| format!("{} {}", finding.id, finding.object))
        .collect()
}

/// Seen to fail with kills for memory told that are hours old.
#[test]
fn nothing_is_found_where_nothing_is_wrong() {
    let controls = cases_of(ROOT, "controls");
    assert!(controls.len() >= 15, "only {} controls were found", controls.len());
    let mut wrong = Vec::new();
    for case in controls {
        let findings = diagnose(ALL, &case.snapshot().expect(&case.path)).findings;
        let alarms = findings.iter().filter(|finding| finding.weight != Weight::Info);
        wrong.extend(alarms.map(|finding| format!("{}: {} {}", case.path, finding.id, finding.cause)));
    }
    assert_none(&wrong);
}

/// Seen to fail with a fold that ignored what a finding follows from.
#[test]
fn faults_that_meet_are_told_apart_and_folded() {
    let mut wrong = Vec::new();
    for case in cases_of(ROOT, "together") {
        let asked = case.text.lines().filter_map(|line| line.strip_prefix("# finding: "));
        let asked: Vec<String> = asked.map(str::to_owned).collect();
        let found = found(&case.snapshot().expect(&case.path));
        if asked.is_empty() || asked != found {
            wrong.push(format!("{}: {found:?} instead of {asked:?}", case.path));
        }
    }
    assert_none(&wrong);
}

/// Seen to fail with a fold that ignored what a finding follows from.
#[test]
fn one_fault_is_one_finding() {
    let mut wrong = Vec::new();
    for case in ALL
        .iter()
        .flat_map(|diagnosis| cases(diagnosis))
        .filter(|case| case.expected() == "seen")
    {
        let found = found(&case.snapshot().expect(&case.path));
        if found.len() != 1 {
            wrong.push(format!("{}: {found:?}", case.path));
        }
    }
    assert_none(&wrong);
}

/// Seen to fail with a file that no list names.
#[test]
fn ids_files_and_cases_agree() {
    let mut wrong = Vec::new();
    let mut named = BTreeSet::new();
    for diagnosis in ALL {
        let kebab = diagnosis
            .id
            .chars()
            .all(|letter| letter.is_ascii_lowercase() || letter == '-');
        let file = format!("{}/{}.rs", topic(diagnosis), diagnosis.id.replace('-', "_"));
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(ROOT).join(&file);
        if !kebab || !path.is_file() || !named.insert(file.clone()) {
            wrong.push(format!("{} has no file {file} of its own", diagnosis.id));
        }
        for word in ["seen", "silent", "unknown"] {
            if !cases(diagnosis).iter().any(|case| case.expected() == word) {
                wrong.push(format!("{} has no case `{word}-…`", diagnosis.id));
            }
        }
    }
    for folder in ALL.iter().map(|diagnosis| topic(diagnosis)).collect::<BTreeSet<_>>() {
        for entry in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(ROOT).join(&folder)).unwrap() {
            let name = entry.unwrap().file_name().to_string_lossy().into_owned();
            let is_case_folder = ALL
                .iter()
                .any(|diagnosis| diagnosis.id == name && topic(diagnosis) == folder);
            if name != "mod.rs" && !is_case_folder && !named.contains(&format!("{folder}/{name}")) {
                wrong.push(format!("{folder}/{name} belongs to no diagnosis"));
            }
        }
    }
    assert_none(&wrong);
}

/// Seen to fail with `secrets` left out of one declaration, and with `nodes` added to another.
#[test]
fn what_a_diagnosis_reads_is_what_it_declares() {
    let mut wrong = Vec::new();
    for diagnosis in ALL {
        let declared: BTreeSet<Source> = diagnosis.reads.iter().copied().collect();
        let mut touched = BTreeSet::new();
        for case in cases(diagnosis) {
            let snapshot = case.snapshot().expect(&case.path);
            let _ = (diagnosis.look)(&Scene::new(&snapshot));
            touched.extend(snapshot.take_touched());
        }
        if touched != declared {
            let more: Vec<_> = touched.difference(&declared).collect();
            let less: Vec<_> = declared.difference(&touched).collect();
            wrong.push(format!(
                "{}: reads {more:?} undeclared, declares {less:?} unread",
                diagnosis.id
            ));
        }
    }
    assert_none(&wrong);
}

/// Seen to fail with a forbidden source taken for one that was not collected.
#[test]
fn what_could_not_be_read_is_said() {
    let mut wrong = Vec::new();
    for source in diagnoses::reads(ALL) {
        let mut snapshot = Snapshot::from_recording(
            "{takenAt: 2026-11-23T08:00:00Z, facts: {postgresql: null, redis: null, hosts: []}}",
        )
        .unwrap();
        snapshot.readings.fail(Unreadable::new(source, "shop", Why::Forbidden));
        let said = diagnose(ALL, &snapshot).unreadable;
        if said.len() != 1 || said[0].source != source || said[0].why != Why::Forbidden {
            wrong.push(format!("{source:?}: {said:?}"));
        }
    }
    assert_none(&wrong);
}

/// Seen to fail with a remedy that began with a small letter, and with evidence of an undeclared source.
#[test]
fn findings_say_what_shows_them_and_begin_the_remedy_with_a_command() {
    let mut wrong = Vec::new();
    for case in every_case() {
        for finding in diagnose(ALL, &case.snapshot().expect(&case.path)).findings {
            let mut complain = |what: &str| wrong.push(format!("{}: {}: {what}", case.path, finding.id));
            let diagnosis = ALL
                .iter()
                .find(|diagnosis| diagnosis.id == finding.id)
                .expect("it is of the list");
            let is_sound = |remedy: &String| {
                remedy.starts_with("kubectl ") || remedy.starts_with("helm ") || remedy.starts_with(char::is_uppercase)
            };
            if finding.remedy.is_empty() || !finding.remedy.iter().all(is_sound) {
                complain(&format!("remedy {:?}", finding.remedy));
            }
            if finding.evidence.is_empty() {
                complain("nothing shows it");
            }
            for evidence in finding
                .evidence
                .iter()
                .filter(|evidence| !diagnosis.reads.contains(&evidence.source))
            {
                complain(&format!("evidence of {:?}, which is not declared", evidence.source));
            }
            if finding.cause.ends_with('.') || finding.cause.contains(['\n', '\u{1b}']) || finding.cause.len() > 600 {
                complain(&format!("cause `{}`", finding.cause));
            }
            if !finding
                .object
                .split_once('/')
                .is_some_and(|(kind, name)| !kind.is_empty() && !name.is_empty())
            {
                complain(&format!("object `{}`", finding.object));
            }
        }
    }
    assert_none(&wrong);
}

/// Seen to fail with pods taken in the order in which they arrived.
#[test]
fn the_order_of_objects_changes_nothing() {
    let mut wrong = Vec::new();
    for case in every_case() {
        let plain = diagnose(ALL, &case.snapshot().expect(&case.path));
        let mut document: serde_json::Value = serde_yaml::from_str(&case.text).unwrap();
        for list in ["/objects", "/facts/logs"] {
            if let Some(list) = document.pointer_mut(list).and_then(serde_json::Value::as_array_mut) {
                list.reverse();
                let middle = list.len() / 3;
                list.rotate_left(middle);
            }
        }
        let shuffled = Snapshot::from_recording(&serde_yaml::to_string(&document).unwrap()).unwrap();
        if diagnose(ALL, &shuffled) != plain {
            wrong.push(case.path);
        }
    }
    assert_none(&wrong);
}

/// Seen to fail with a cause that ended with a period.
#[test]
fn texts_are_plain_and_ids_unique() {
    let mut ids = BTreeSet::new();
    for diagnosis in ALL {
        assert!(ids.insert(diagnosis.id), "{} twice", diagnosis.id);
        for text in [diagnosis.symptom, diagnosis.cause] {
            assert!(text.starts_with(char::is_uppercase) || text.starts_with('`'), "{text}");
            assert!(!text.ends_with('.'), "{text}");
        }
    }
}
