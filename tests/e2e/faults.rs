//! Faults made for real, each named by its cause in the first finding, and mended by the remedy that it gives. A manifest
//! in `faults/` says what is expected, in the lines of its head:
//!
//! - `# expect: ID OBJECT`, the finding
//! - `# then: COMMAND`, what is done once the manifest has been applied
//! - `# mend: PREFIX`, the remedy that is run, by its first words; after it nothing may be found any more
//! - `# by: EXPRESSION`, what a person fills into that remedy, or changes in the editor that it opens, in sed's words
//!
//! `make test` makes a fixed slice of them, `make faults` all and several at once; `FAULTS=P1,P2` makes those alone.

use std::{collections::BTreeSet, fs, path::PathBuf};

use serde_json::Value;

use crate::sandbox::{LONGEST, Namespace, root, run, shell, text, until_none, within};

/// The slice: one of each kind, and none that takes minutes to show.
const SLICE: &[&str] = &["C4", "M1", "N1", "N2", "P1", "P2", "P6", "P9", "P13", "R0", "T2", "T10"];

/// Faults that stand side by side in one namespace and have nothing to do with each other; the first two are in the slice.
const TOGETHER: &[&[&str]] = &[
    &["P1", "N1"],
    &["M1", "P6", "P9"],
    &["A1", "P8"],
    &["D1", "P1"],
    &["D3", "M1"],
    &["D11", "N1"],
    &["M2", "P5"],
    &["M3", "P7"],
    &["P2", "P13"],
    &["P7", "P14"],
    &["P8", "P16"],
    &["P10", "S1"],
    &["P12", "N1"],
    &["P15", "P13-port"],
    &["R0", "P2"],
    &["R1", "P6"],
    &["R3", "P15"],
    &["R4", "S1"],
    &["R8", "A1"],
    &["P1", "P5", "P6", "P10"],
];

/// A fault and its key.
struct Fault {
    name: String,
    file: PathBuf,
    id: String,
    object: String,
    then: Option<String>,
    mend: Option<String>,
    by: Option<String>,
}

/// What `FAULTS` names; `None` for the slice.
fn wanted() -> Option<String> {
    std::env::var("FAULTS").ok()
}

fn faults() -> Vec<Fault> {
    let names: Vec<String> = match wanted().as_deref() {
        Some("all") => every_name(),
        Some(some) => some.split(',').map(str::to_owned).collect(),
        None => SLICE.iter().map(|name| (*name).to_owned()).collect(),
    };
    names.iter().map(|name| named(name)).collect()
}

fn every_name() -> Vec<String> {
    let files = fs::read_dir(folder()).expect("faults are there");
    let files = files.map(|entry| entry.expect("readable").path());
    let manifests = files.filter(|file| file.extension().is_some_and(|end| end == "yaml"));
    let mut names: Vec<_> = manifests
        .map(|file| file.file_stem().expect("it has a name").to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

fn folder() -> PathBuf {
    root().join("tests/e2e/faults")
}

fn named(name: &str) -> Fault {
    fault(name, folder().join(format!("{name}.yaml")))
}

fn fault(name: &str, file: PathBuf) -> Fault {
    let text = fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let said = |what: &str| text.lines().find_map(|line| line.strip_prefix(what));
    let key = said("# expect: ").expect("a line says what is expected");
    let (id, object) = key.split_once(' ').expect("ID OBJECT");
    Fault {
        name: name.into(),
        id: id.into(),
        object: object.into(),
        then: said("# then: ").map(str::to_owned),
        mend: said("# mend: ").map(str::to_owned),
        by: said("# by: ").map(str::to_owned),
        file,
    }
}

impl Fault {
    fn make(&self, place: &Namespace) {
        place.apply(&self.file);
        if let Some(command) = &self.then {
            run(&mut shell(&format!("{command} --namespace {}", place.name))).succeeds();
        }
    }

    /// The remedy of the finding that is to be run, as a person would complete it.
    fn remedy(&self, prefix: &str, finding: &Value) -> Result<String, String> {
        let remedies = finding["remedy"].as_array().expect("remedies").iter().map(text);
        let remedies: Vec<_> = remedies.collect();
        let found = remedies.iter().find(|remedy| remedy.starts_with(prefix));
        let remedy = found.ok_or_else(|| format!("no `{prefix}` among {remedies:#?}"))?;
        match &self.by {
            Some(by) if !remedy.starts_with("kubectl edit") => {
                let script = r#"sed -E "$1" <<<"$2""#;
                let filled = run(shell(script).args(["sed", by, remedy])).succeeds();
                Ok(String::from_utf8_lossy(&filled.output.stdout).trim().to_owned())
            }
            _ => Ok(remedy.clone()),
        }
    }

    /// Runs the remedy, and gives it back; or why that did not go.
    fn mend(&self, place: &Namespace, prefix: &str) -> Result<String, String> {
        let report = place.apimgmt(&["troubleshoot", "-o", "json"]).json();
        let remedy = self.remedy(prefix, &report["findings"][0])?;
        let hand = self.by.iter().map(|by| format!("sed -i -E '{by}'"));
        let ran = run(shell(&remedy).envs(hand.map(|hand| ("KUBE_EDITOR", hand))));
        if ran.code() == 0 {
            Ok(remedy)
        } else {
            Err(format!("`{remedy}` said {}", ran.text()))
        }
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

/// A fault in a namespace of its own, and what has become of it.
struct Trial {
    place: Namespace,
    fault: Fault,
    /// The findings when it was looked at last.
    seen: Vec<(String, String)>,
    /// The remedy that was run, and what was left after it when it was looked at last.
    mended: Option<(String, Vec<String>)>,
}

impl Trial {
    fn begin(fault: Fault) -> Self {
        let place = Namespace::new(&format!("fault-{}", fault.name.to_lowercase()));
        fault.make(&place);
        Self {
            place,
            fault,
            seen: Vec::new(),
            mended: None,
        }
    }

    /// Whether the cause is the first finding, and nothing stands beside it.
    fn is_named(&self) -> bool {
        matches!(self.seen.as_slice(), [(id, object)] if *id == self.fault.id && *object == self.fault.object)
    }

    fn is_well(&self) -> bool {
        self.is_named() && self.mended.as_ref().is_none_or(|(_, left)| left.is_empty())
    }

    /// A line of the table.
    fn row(&self) -> String {
        let named = if self.is_named() { "named" } else { "NOT NAMED" };
        let mended = match &self.mended {
            None => "-".to_owned(),
            Some((_, left)) if left.is_empty() => "mended".to_owned(),
            Some((remedy, left)) => format!("NOT MENDED by `{remedy}`: {left:?}"),
        };
        let Fault { name, id, object, .. } = &self.fault;
        let seen = if self.is_named() {
            String::new()
        } else {
            format!(" saw {:?}", self.seen)
        };
        format!("{name:<12} {named:<10} {id} {object}{seen}; {mended}")
    }
}

#[test]
fn each_fault_is_named_by_its_cause_and_mended_by_its_remedy() {
    // All at once: what takes time is the waiting, and each has a namespace of its own.
    let mut trials: Vec<_> = faults().into_iter().map(Trial::begin).collect();
    within(LONGEST, || {
        for trial in trials.iter_mut().filter(|trial| !trial.is_named()) {
            trial.seen = trial.place.findings();
        }
        trials.iter().all(Trial::is_named)
    });
    for trial in trials.iter_mut().filter(|trial| trial.is_named()) {
        if let Some(prefix) = &trial.fault.mend {
            trial.mended = Some(match trial.fault.mend(&trial.place, prefix) {
                Ok(remedy) => (remedy, vec!["it was not looked at".into()]),
                Err(why) => (why, vec!["it was not run to its end".into()]),
            });
        }
    }
    within(LONGEST, || {
        for Trial { place, mended, .. } in &mut trials {
            if let Some((_, left)) = mended.as_mut().filter(|(_, left)| !left.is_empty()) {
                *left = troubles(place);
            }
        }
        trials.iter().filter(|trial| trial.is_named()).all(Trial::is_well)
    });
    let table: Vec<_> = trials.iter().map(Trial::row).collect();
    let named = trials.iter().filter(|trial| trial.is_named()).count();
    let mended = trials
        .iter()
        .filter(|trial| trial.mended.is_some() && trial.is_well())
        .count();
    println!(
        "{}\n{named} of {} faults named, {mended} mended by their own remedy",
        table.join("\n"),
        trials.len()
    );
    // What is well tells nothing when the test ends, so only the others are printed whole.
    let amiss: Vec<_> = trials.extract_if(.., |trial| !trial.is_well()).collect();
    drop(trials);
    assert!(amiss.is_empty(), "{} faults are amiss, see the table", amiss.len());
}

#[test]
fn faults_that_stand_together_are_named_apart() {
    let scenarios = match wanted().as_deref() {
        Some("all") => TOGETHER,
        Some(_) => &[],
        None => &TOGETHER[..2],
    };
    let places: Vec<_> = scenarios
        .iter()
        .map(|names| {
            let place = Namespace::new(&format!("together-{}", names.join("-").to_lowercase()));
            let faults: Vec<_> = names.iter().map(|name| named(name)).collect();
            for fault in &faults {
                fault.make(&place);
            }
            (place, faults)
        })
        .collect();
    for (place, faults) in &places {
        let keys = faults.iter().map(|fault| (fault.id.clone(), fault.object.clone()));
        let expected: BTreeSet<_> = keys.collect();
        until_none(&format!("{} names its causes and nothing else", place.name), || {
            let seen: BTreeSet<_> = place.findings().into_iter().collect();
            let missed = expected.difference(&seen).map(|it| format!("missed: {it:?}"));
            missed
                .chain(seen.difference(&expected).map(|it| format!("noise: {it:?}")))
                .collect()
        });
    }
    println!("{} scenarios of faults together named apart", places.len());
}
