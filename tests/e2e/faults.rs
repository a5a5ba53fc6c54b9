//! Faults made for real, each named by its cause in the first finding. A manifest in `faults/` says which, in a line
//! `# expect: ID OBJECT`. `make test` makes a fixed slice of them, `make faults` all.

use std::{fs, path::PathBuf};

use crate::sandbox::{Namespace, root, until};

/// The slice: one of each kind, and none that takes minutes to show.
const SLICE: &[&str] = &["M1", "N1", "P1", "P2", "P6", "P9", "P13", "R0"];

/// A fault and its key.
struct Fault {
    name: String,
    file: PathBuf,
    id: String,
    object: String,
}

fn faults() -> Vec<Fault> {
    let all = std::env::var_os("FAULTS").is_some_and(|wanted| wanted == "all");
    let folder = root().join("tests/e2e/faults");
    let files = fs::read_dir(folder)
        .expect("faults are there")
        .map(|entry| entry.expect("readable").path());
    let mut faults: Vec<_> = files
        .filter(|file| file.extension().is_some_and(|end| end == "yaml"))
        .map(fault)
        .collect();
    faults.retain(|fault| all || SLICE.contains(&fault.name.as_str()));
    assert!(
        all || faults.len() == SLICE.len(),
        "a fault of the slice has no manifest"
    );
    faults.sort_by(|left, right| left.name.cmp(&right.name));
    faults
}

fn fault(file: PathBuf) -> Fault {
    let text = fs::read_to_string(&file).expect("readable");
    let key = text
        .lines()
        .find_map(|line| line.strip_prefix("# expect: "))
        .expect("a line says what is expected");
    let (id, object) = key.split_once(' ').expect("ID OBJECT");
    let name = file.file_stem().expect("it has a name").to_string_lossy().into_owned();
    Fault {
        name,
        id: id.into(),
        object: object.into(),
        file,
    }
}

#[test]
fn each_fault_is_named_by_its_cause() {
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
    println!("{total} of {total} faults named");
}
