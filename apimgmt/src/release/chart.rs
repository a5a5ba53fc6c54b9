//! A chart's own files: its values and its schema, also inside an archive or behind a reference.

use std::{
    collections::BTreeMap,
    io::Read,
    path::{Path, PathBuf},
};

use flate2::read::GzDecoder;
use serde_json::Value;
use tempfile::TempDir;

use super::Helm;
use crate::Error;

/// Largest file that is read; a chart of more does not fit into a release's record.
const LARGEST: u64 = 8 << 20;
/// What is read of a chart and of its subcharts.
const FILES: [&str; 3] = ["Chart.yaml", "values.yaml", "values.schema.json"];
/// Flags that choose a chart by reference.
const CHOOSING: [&str; 13] = [
    "ca-file",
    "cert-file",
    "devel",
    "insecure-skip-tls-verify",
    "key-file",
    "keyring",
    "pass-credentials",
    "password",
    "plain-http",
    "repo",
    "username",
    "verify",
    "version",
];

/// The files of a chart that say what its values are, by their path: `values.yaml`, `charts/queue/values.yaml`.
pub(super) struct Chart(BTreeMap<String, String>);

impl Chart {
    /// Reads a folder, an archive, or what Helm fetches for a reference.
    pub(super) async fn open(helm: &Helm, chart: &str, flags: &[String]) -> Result<Self, Error> {
        let path = Path::new(chart);
        let fetched: TempDir;
        let path: PathBuf = if path.exists() {
            path.to_owned()
        } else {
            fetched = tempfile::tempdir()
                .map_err(|error| Error::could_not("could not make a folder for the chart").because(error))?;
            fetch(helm, chart, flags, fetched.path()).await?
        };
        let mut files = BTreeMap::new();
        let read = if path.is_dir() {
            read_folder(&path, "", &mut files)
        } else {
            std::fs::File::open(&path).and_then(|mut file| read_archive(&mut file, "", &mut files))
        };
        read.map_err(|error| Error::usage(format!("could not read chart `{chart}`")).because(error))?;
        if !files.contains_key("Chart.yaml") {
            return Err(Error::usage(format!("`{chart}` is no chart: it has no `Chart.yaml`")));
        }
        Ok(Self(files))
    }

    /// A chart without values of its own.
    pub(super) fn of_nothing() -> Self {
        let description = "apiVersion: v2\nname: values\nversion: 0.0.0\n";
        Self(BTreeMap::from([("Chart.yaml".into(), description.into())]))
    }

    /// One of its files.
    pub(super) fn file(&self, path: &str) -> Option<&str> {
        self.0.get(path).map(String::as_str)
    }

    /// Writes a chart of the same values that makes nothing of them but shows them; it fits every cluster and has no schema.
    pub(super) fn write_showing_values(&self, folder: &Path) -> std::io::Result<()> {
        for (path, text) in &self.0 {
            let text = match path.rsplit('/').next() {
                Some("Chart.yaml") => any_cluster(text),
                Some("values.yaml") => text.clone(),
                _ => continue,
            };
            let path = folder.join(path);
            std::fs::create_dir_all(path.parent().unwrap_or(folder))?;
            std::fs::write(path, text)?;
        }
        std::fs::create_dir_all(folder.join("templates"))?;
        std::fs::write(folder.join("templates/values.yaml"), "values: {{ .Values | toJson }}\n")
    }
}

/// The chart's description without the versions of Kubernetes that it wants.
fn any_cluster(text: &str) -> String {
    let Ok(Value::Object(mut fields)) = serde_saphyr::from_str::<Value>(text) else {
        return text.to_owned();
    };
    fields.remove("kubeVersion");
    Value::Object(fields).to_string()
}

async fn fetch(helm: &Helm, chart: &str, flags: &[String], folder: &Path) -> Result<PathBuf, Error> {
    let choosing = flags.iter().filter(|flag| {
        let name = flag.trim_start_matches('-').split('=').next().unwrap_or_default();
        CHOOSING.contains(&name)
    });
    let own = [chart.to_owned(), "--destination".into(), folder.display().to_string()];
    helm.output("pull", own.into_iter().chain(choosing.cloned())).await?;
    let mut archives = std::fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path());
    archives
        .find(|path| path.extension().is_some_and(|ending| ending == "tgz"))
        .ok_or_else(|| Error::could_not(format!("`helm pull {chart}` brought no chart")))
}

fn read_folder(folder: &Path, prefix: &str, files: &mut BTreeMap<String, String>) -> std::io::Result<()> {
    for name in FILES {
        let path = folder.join(name);
        if path.is_file() {
            keep(std::fs::File::open(path)?, &format!("{prefix}{name}"), files)?;
        }
    }
    let subcharts = folder.join("charts");
    if !subcharts.is_dir() {
        return Ok(());
    }
    for entry in std::fs::read_dir(subcharts)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let prefix = format!("{prefix}charts/");
        if path.is_dir() {
            read_folder(&path, &format!("{prefix}{name}/"), files)?;
        } else if is_archive(&name) {
            read_archive(
                &mut std::fs::File::open(path)?,
                &format!("{prefix}{}/", stem(&name)),
                files,
            )?;
        }
    }
    Ok(())
}

/// An archive holds one folder, whose name is nobody's business; subcharts may be archives in it.
fn read_archive(archive: &mut dyn Read, prefix: &str, files: &mut BTreeMap<String, String>) -> std::io::Result<()> {
    for entry in tar::Archive::new(GzDecoder::new(archive)).entries()? {
        let entry = entry?;
        let path = entry.path()?.to_string_lossy().into_owned();
        let Some((_, path)) = path.trim_start_matches("./").split_once('/') else {
            continue;
        };
        // Nothing is written by these names but below a folder of ours.
        let is_safe = path.split('/').all(|part| !matches!(part, "" | "." | ".."));
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
        let is_chart = folder.is_empty() || (folder.starts_with("charts/") && !folder.contains("/templates"));
        if is_safe && is_chart && FILES.contains(&name) {
            keep(entry, &format!("{prefix}{path}"), files)?;
        } else if is_safe && is_archive(name) && (folder == "charts" || folder.ends_with("/charts")) {
            let prefix = format!("{prefix}{folder}/{}/", stem(name));
            read_archive(&mut entry.take(LARGEST), &prefix, files)?;
        }
    }
    Ok(())
}

fn keep(file: impl Read, path: &str, files: &mut BTreeMap<String, String>) -> std::io::Result<()> {
    let mut text = String::new();
    file.take(LARGEST).read_to_string(&mut text)?;
    // Helm strips it, too.
    files.insert(path.to_owned(), text.trim_start_matches('\u{feff}').to_owned());
    Ok(())
}

fn is_archive(name: &str) -> bool {
    Path::new(name).extension().is_some_and(|ending| ending == "tgz")
}

fn stem(name: &str) -> &str {
    name.strip_suffix(".tgz").unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use flate2::{Compression, write::GzEncoder};

    use super::*;

    fn archive(files: &[(&str, &[u8])]) -> Vec<u8> {
        let mut archive = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
        for (path, text) in files {
            let mut header = tar::Header::new_gnu();
            header.set_size(text.len() as u64);
            archive.append_data(&mut header, path, *text).unwrap();
        }
        archive.into_inner().unwrap().finish().unwrap()
    }

    #[test]
    fn a_schema_is_found_in_an_archive_and_values_in_an_archive_within() {
        let inner = archive(&[("queue/Chart.yaml", b"name: queue"), ("queue/values.yaml", b"size: 1")]);
        let outer = archive(&[
            (
                "shop/Chart.yaml",
                b"name: shop\nversion: 1.0.0\nkubeVersion: '>=1.99.0'\n",
            ),
            ("shop/values.schema.json", b"{}"),
            ("shop/templates/values.yaml", b"{{ no }}"),
            ("shop/charts/queue-1.0.0.tgz", &inner),
            ("shop/charts/mail/values.yaml", b"port: 25"),
        ]);
        let mut files = BTreeMap::new();
        read_archive(&mut outer.as_slice(), "", &mut files).unwrap();
        let paths: Vec<_> = files.keys().map(String::as_str).collect();
        assert_eq!(
            paths,
            [
                "Chart.yaml",
                "charts/mail/values.yaml",
                "charts/queue-1.0.0/Chart.yaml",
                "charts/queue-1.0.0/values.yaml",
                "values.schema.json"
            ]
        );
        let folder = tempfile::tempdir().unwrap();
        Chart(files).write_showing_values(folder.path()).unwrap();
        let description = std::fs::read_to_string(folder.path().join("Chart.yaml")).unwrap();
        assert!(
            description.contains("shop") && !description.contains("kubeVersion"),
            "{description}"
        );
        assert!(!folder.path().join("values.schema.json").exists());
        let mut again = BTreeMap::new();
        read_folder(folder.path(), "", &mut again).unwrap();
        assert!(again.contains_key("charts/queue-1.0.0/values.yaml"));
    }

    #[tokio::test]
    async fn what_is_no_chart_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let program = std::env::current_exe().unwrap().display().to_string();
        let environment = super::super::Environment {
            binary: Some(program),
            ..Default::default()
        };
        let helm = Helm::find(&environment, None).unwrap();
        let chart = folder.path().display().to_string();
        let error = Chart::open(&helm, &chart, &[]).await.err().unwrap();
        assert!(error.to_string().contains("has no `Chart.yaml`"), "{error}");
    }
}
