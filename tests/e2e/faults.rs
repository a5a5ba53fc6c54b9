//! Faults made for real, each named by its cause in the first finding, and mended by the remedy that it gives. A manifest
//! in `faults/` says what is expected, in the lines of its head:
//!
//! - `# expect: ID OBJECT`, the finding
//! - `# mend: PREFIX`, the remedy that is run, by its first words; after it nothing may be found any more
//! - `# by: EXPRESSION`, what a person fills into that remedy, or changes in the editor that it opens, in sed's words
//!
//! `make test` makes a fixed slice of them, `make faults` all; `FAULTS=P1,P2` makes those alone.

use std::{fs, path::PathBuf};

use serde_json::Value;

use crate::sandbox::{Namespace, root, run, shell, text, until, until_none};

/// The slice: one of each kind, and none that takes minutes to show.
const SLICE: &[&str] = &["M1", "N1", "P1", "P2", "P6", "P9", "P13", "R0"];

/// A fault and its key.
struct Fault {
    name: String,
    file: PathBuf,
    id: String,
    object: String,
    mend: Option<String>,
    by: Option<String>,
}

fn faults() -> Vec<Fault> {
    let wanted = std::env::var("FAULTS").unwrap_or_else(|_| SLICE.join(","));
    let wanted: Vec<_> = wanted.split(',').collect();
    let all = wanted == ["all"];
    let folder = root().join("tests/e2e/faults");
    let files = fs::read_dir(folder)
        .expect("faults are there")
        .map(|entry| entry.expect("readable").path());
    let mut faults: Vec<_> = files
        .filter(|file| file.extension().is_some_and(|end| end == "yaml"))
        .map(fault)
        .collect();
    faults.retain(|fault| all || wanted.contains(&fault.name.as_str()));
    assert!(all || faults.len() == wanted.len(), "one of {wanted:?} has no manifest");
    faults.sort_by(|left, right| left.name.cmp(&right.name));
    faults
}

fn fault(file: PathBuf) -> Fault {
    let text = fs::read_to_string(&file).expect("readable");
    let said = |what: &str| text.lines().find_map(|line| line.strip_prefix(what));
    let key = said("# expect: ").expect("a line says what is expected");
    let (id, object) = key.split_once(' ').expect("ID OBJECT");
    let name = file.file_stem().expect("it has a name").to_string_lossy().into_owned();
    Fault {
        name,
        id: id.into(),
        object: object.into(),
        mend: said("# mend: ").map(str::to_owned),
        by: said("# by: ").map(str::to_owned),
        file,
    }
}

impl Fault {
    /// The remedy of the finding that is to be run, as a person would complete it.
    fn remedy(&self, prefix: &str, finding: &Value) -> String {
        let remedies = finding["remedy"].as_array().expect("remedies").iter().map(text);
        let remedies: Vec<_> = remedies.collect();
        let found = remedies.iter().find(|remedy| remedy.starts_with(prefix));
        let remedy = found.unwrap_or_else(|| panic!("{}: no `{prefix}` among {remedies:#?}", self.name));
        match &self.by {
            Some(by) if !remedy.starts_with("kubectl edit") => {
                let script = r#"sed -E "$1" <<<"$2""#;
                let filled = run(shell(script).args(["sed", by, remedy])).succeeds();
                String::from_utf8_lossy(&filled.output.stdout).trim().to_owned()
            }
            _ => remedy.clone(),
        }
    }

    /// Runs the remedy, and gives it back.
    fn mend(&self, place: &Namespace, prefix: &str) -> String {
        let report = place.apimgmt(&["troubleshoot", "-o", "json"]).json();
        let remedy = self.remedy(prefix, &report["findings"][0]);
        let hand = self.by.iter().map(|by| format!("sed -i -E '{by}'"));
        run(shell(&remedy).envs(hand.map(|hand| ("KUBE_EDITOR", hand)))).succeeds();
        remedy
    }
}

/// What is not well in a place: workloads that are not up, and findings.
fn troubles(place: &Namespace) -> Vec<String> {
    let mut left = place.unready();
    left.extend(
        place
            .findings()
            .into_iter()
            .map(|(id, object)| format!("{id} {object}")),
    );
    left
}

#[test]
fn each_fault_is_named_by_its_cause_and_mended_by_its_remedy() {
    let faults = faults();
    let total = faults.len();
    // All at once: what takes time is the waiting, and each has a namespace of its own.
    let places: Vec<_> = faults
        .into_iter()
        .map(|fault| {
            let place = Namespace::new(&format!("fault-{}", fault.name.to_lowercase()));
            place.apply(&fault.file);
            (place, fault)
        })
        .collect();
    for (place, fault) in &places {
        let mut seen = Vec::new();
        until(
            &format!("{} to be named `{} {}`", fault.name, fault.id, fault.object),
            || {
                seen = place.findings();
                seen.first()
                    .is_some_and(|(id, object)| *id == fault.id && *object == fault.object)
            },
        );
        assert_eq!(seen.len(), 1, "{}: noise beyond the cause: {seen:?}", fault.name);
    }
    let mended: Vec<_> = places
        .iter()
        .filter_map(|(place, fault)| Some((place, fault, fault.mend(place, fault.mend.as_deref()?))))
        .collect();
    for (place, fault, remedy) in &mended {
        until_none(&format!("{} is mended by `{remedy}`", fault.name), || troubles(place));
    }
    println!(
        "{total} of {total} faults named, {} mended by their own remedy",
        mended.len()
    );
}
