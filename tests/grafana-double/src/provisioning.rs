//! What Grafana's provisioning files declare. They are read at each request, so a changed one shows at once.
use std::{
    ffi::OsStr,
    fs, io,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// One data source, in the shape of Grafana's API.
#[derive(Deserialize, Serialize, Clone)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DataSource {
    #[serde(default)]
    pub(crate) uid: String,
    name: String,
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    access: String,
    pub(crate) url: String,
    #[serde(default)]
    is_default: bool,
}

#[derive(Deserialize)]
struct DataSourceFile {
    #[serde(default)]
    datasources: Vec<DataSource>,
}

#[derive(Deserialize)]
struct ProviderFile {
    #[serde(default)]
    providers: Vec<Provider>,
}

#[derive(Deserialize)]
struct Provider {
    options: ProviderOptions,
}

#[derive(Deserialize)]
struct ProviderOptions {
    path: PathBuf,
}

/// The data sources below `folder`; one without a uid gets its name, in lower case.
pub(crate) fn data_sources(folder: &Path) -> io::Result<Vec<DataSource>> {
    let mut found = Vec::new();
    for path in files(&folder.join("datasources"), &["yaml", "yml"])? {
        let file: DataSourceFile = parsed(&path, serde_yaml::from_str(&fs::read_to_string(&path)?))?;
        found.extend(file.datasources);
    }
    for source in &mut found {
        if source.uid.is_empty() {
            source.uid = source.name.to_lowercase();
        }
    }
    Ok(found)
}

/// The dashboards of every provider below `folder`.
pub(crate) fn dashboards(folder: &Path) -> io::Result<Vec<Value>> {
    let mut found = Vec::new();
    for path in files(&folder.join("dashboards"), &["yaml", "yml"])? {
        let file: ProviderFile = parsed(&path, serde_yaml::from_str(&fs::read_to_string(&path)?))?;
        for provider in file.providers {
            for path in files(&provider.options.path, &["json"])? {
                found.push(parsed(&path, serde_json::from_str(&fs::read_to_string(&path)?))?);
            }
        }
    }
    Ok(found)
}

/// Files with one of these endings, in order; an absent folder declares nothing.
fn files(folder: &Path, endings: &[&str]) -> io::Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        other => other?,
    };
    let mut paths = entries.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>()?;
    paths.retain(|path| {
        path.extension()
            .and_then(OsStr::to_str)
            .is_some_and(|ending| endings.contains(&ending))
    });
    paths.sort();
    Ok(paths)
}

fn parsed<T, E: std::fmt::Display>(path: &Path, result: Result<T, E>) -> io::Result<T> {
    result.map_err(|error| io::Error::other(format!("{}: {error}", path.display())))
}
