//! Finds cases and reads what their names and first comments ask for.

use std::{fs, path::Path};

use apimgmt::snapshot::Snapshot;

/// A case: a recording with what is expected of it.
pub(crate) struct Case {
    /// Path inside the crate.
    pub(crate) path: String,
    /// Its whole text.
    pub(crate) text: String,
}

/// The cases of the unit `id` under `root`, in the order of their names.
pub(crate) fn cases_of(root: &str, id: &str) -> Vec<Case> {
    let folder = format!("{root}/{id}");
    let mut paths: Vec<_> = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(&folder))
        .into_iter()
        .flatten()
        .map(|entry| entry.expect("a folder of cases is readable").path())
        .collect();
    paths.sort();
    paths
        .iter()
        .map(|path| Case {
            path: format!("{folder}/{}", path.file_name().unwrap_or_default().to_string_lossy()),
            text: fs::read_to_string(path).expect("a case is readable text"),
        })
        .collect()
}

impl Case {
    /// The word before the first hyphen of the file's name.
    pub(crate) fn expected(&self) -> &str {
        let name = self.path.rsplit('/').next().unwrap_or_default();
        name.split('-').next().unwrap_or_default()
    }

    /// The recording.
    pub(crate) fn snapshot(&self) -> Result<Snapshot, String> {
        Snapshot::from_recording(&self.text).map_err(|error| {
            let mut text = error.to_string();
            let mut source = std::error::Error::source(&error);
            while let Some(inner) = source {
                text = format!("{text}: {inner}");
                source = inner.source();
            }
            text
        })
    }
}
