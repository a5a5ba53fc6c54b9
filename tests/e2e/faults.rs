//! Faults made for real, each named by its cause in the first finding. A manifest in `faults/` says which, in its first
//! line: `# first: ID OBJECT`.

use std::{fs, path::PathBuf};

use crate::sandbox::{Namespace, root, until};

/// The manifests, by name.
fn manifests() -> Vec<PathBuf> {
    let folder = root().join("tests/e2e/faults");
    let mut files: Vec<_> = fs::read_dir(folder)
        .expect("faults are there")
        .map(|entry| entry.expect("readable").path())
        .collect();
    files.sort();
    files
}

#[test]
fn each_fault_is_named_by_its_cause() {
    let place = Namespace::new("faults");
    for file in manifests() {
        let text = fs::read_to_string(&file).expect("readable");
        let key = text
            .lines()
            .next()
            .and_then(|line| line.strip_prefix("# first: "))
            .expect("the key is in the first line");
        let (id, object) = key.split_once(' ').expect("ID OBJECT");
        place.apply(&file);
        let mut seen = Vec::new();
        until(&format!("{} to be named `{key}`", file.display()), || {
            seen = place.findings();
            seen.first()
                .is_some_and(|(first, about)| first == id && about.starts_with(object))
        });
        assert_eq!(seen.len(), 1, "{}: noise beyond the cause: {seen:?}", file.display());
        place
            .kubectl(&["delete", "--filename", &file.display().to_string(), "--now", "--wait"])
            .succeeds();
        until("the mended place to be silent", || place.findings().is_empty());
    }
}
