//! Helm's revisions: their labels as metadata alone, and of the newest record the few lines that say what it is.

use std::io::Read;

use base64::{Engine, prelude::BASE64_STANDARD};
use flate2::read::GzDecoder;
use jiff::Timestamp;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;
use zeroize::Zeroizing;

use super::{
    Run,
    list::{Listing, path},
    trouble::Trouble,
};
use crate::snapshot::{Metadata, hostile, sessions::Revision};

/// Longest unpacked record: a megabyte of Secret does not unpack to more, unless somebody made it to.
const LONGEST: u64 = 64 << 20;
/// Releases of one namespace whose newest record is opened.
const MOST: usize = 4;
/// Records whose values and notes are searched: those that Helm keeps by default.
const SEARCHED: usize = 10;

/// An object without its contents.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Bare {
    metadata: Metadata,
}

/// What of a record is read; the manifest, the values and the chart's files are passed over.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Record {
    info: Information,
    chart: Chart,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Information {
    description: String,
    last_deployed: String,
}

/// What of a record people see by `helm get values` and `helm get notes`; wiped after it was searched.
pub(super) struct Texts {
    pub(super) object: String,
    pub(super) values: Zeroizing<String>,
    pub(super) notes: Zeroizing<String>,
}

/// The part of a record that is searched.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Shown {
    info: Notes,
    config: Value,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Notes {
    notes: Zeroizing<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Chart {
    metadata: ChartMetadata,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct ChartMetadata {
    name: String,
    version: String,
    app_version: String,
}

impl Run {
    /// Every revision of every release in the namespace: the release that changed last first, newest revision first.
    pub(super) async fn releases(&self) -> Result<Vec<Revision>, Trouble> {
        let resource = helm_store(&std::env::var("HELM_DRIVER").unwrap_or_default())?;
        let listing = Listing::in_namespace(resource, self.namespace())
            .labelled("owner=helm")
            .metadata_only();
        let mut revisions = self.api.list(&listing, |bare: Bare| revision(&bare.metadata)).await?;
        arrange(&mut revisions);
        let mut opened = 0;
        for at in 0..revisions.len() {
            let newest = at == 0 || revisions[at - 1].name != revisions[at].name;
            if newest && opened < MOST {
                opened += 1;
                self.open_record(resource, &mut revisions[at]).await?;
            }
        }
        Ok(revisions)
    }

    /// Values and notes of the newest records.
    pub(super) async fn release_texts(&self) -> Result<Vec<Texts>, Trouble> {
        let resource = helm_store(&std::env::var("HELM_DRIVER").unwrap_or_default())?;
        let listing = Listing::in_namespace(resource, self.namespace())
            .labelled("owner=helm")
            .metadata_only();
        let mut records = self.api.list(&listing, |bare: Bare| Some(bare.metadata)).await?;
        records.sort_by_key(|record| std::cmp::Reverse(record.creation_timestamp));
        let mut texts = Vec::new();
        for record in records.into_iter().take(SEARCHED) {
            let path = path("", "v1", Some(self.namespace()), &format!("{resource}/{}", record.name));
            let Some(store) = self.api.object::<Stored>(&path).await? else {
                continue; // pruned since it was listed
            };
            let shown: Shown = store
                .data
                .unpack(resource == "secrets")
                .map_err(|why| Trouble::failed(format!("Helm's record `{}` {why}", hostile::line(&record.name))))?;
            texts.push(Texts {
                object: format!("Helm's record {}", hostile::line(&record.name)),
                values: Zeroizing::new(shown.config.to_string()),
                notes: shown.info.notes,
            });
        }
        Ok(texts)
    }

    async fn open_record(&self, resource: &str, revision: &mut Revision) -> Result<(), Trouble> {
        let object = format!("sh.helm.release.v1.{}.v{}", revision.name, revision.revision);
        let path = path("", "v1", Some(self.namespace()), &format!("{resource}/{object}"));
        let Some(store) = self.api.object::<Stored>(&path).await? else {
            return Ok(()); // pruned since it was listed
        };
        let record: Record = store
            .data
            .unpack(resource == "secrets")
            .map_err(|why| Trouble::failed(format!("Helm's record `{object}` {why}")))?;
        revision.description = hostile::line(&record.info.description);
        revision.chart = hostile::line(&format!(
            "{}-{}",
            record.chart.metadata.name, record.chart.metadata.version
        ));
        revision.app_version = hostile::line(&record.chart.metadata.app_version);
        revision.updated = record.info.last_deployed.parse().ok().or(revision.updated);
        Ok(())
    }
}

/// Where Helm keeps its records, by the setting that Helm itself reads.
fn helm_store(driver: &str) -> Result<&'static str, Trouble> {
    match driver {
        "" | "secret" | "secrets" => Ok("secrets"),
        "configmap" | "configmaps" => Ok("configmaps"),
        other => Err(Trouble::failed(format!(
            "HELM_DRIVER is `{}`, so Helm's records are not in the cluster",
            hostile::line(other)
        ))),
    }
}

/// What the labels of a record tell.
fn revision(metadata: &Metadata) -> Option<Revision> {
    let seconds = |key: &str| {
        metadata
            .label(key)?
            .parse()
            .ok()
            .and_then(|seconds| Timestamp::from_second(seconds).ok())
    };
    Some(Revision {
        name: hostile::line(metadata.label("name")?),
        revision: metadata.label("version")?.parse().ok()?,
        status: hostile::line(metadata.label("status").unwrap_or("unknown")),
        updated: seconds("modifiedAt")
            .or_else(|| seconds("createdAt"))
            .or(metadata.creation_timestamp),
        ..Revision::default()
    })
}

fn arrange(revisions: &mut [Revision]) {
    let mut changed = std::collections::BTreeMap::<String, Option<Timestamp>>::new();
    for revision in revisions.iter() {
        let last = changed.entry(revision.name.clone()).or_default();
        *last = (*last).max(revision.updated);
    }
    revisions.sort_by(|left, right| {
        let last = |revision: &Revision| changed.get(&revision.name).copied().flatten();
        (last(right), &left.name, right.revision).cmp(&(last(left), &right.name, left.revision))
    });
}

/// The object that holds a record.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Stored {
    data: Packed,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Packed {
    release: String,
}

impl std::fmt::Debug for Packed {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "<{} bytes>", self.release.len())
    }
}

impl Packed {
    /// Helm's base64, the API's over it in a Secret, and gzip, which old records lack.
    fn unpack<T: DeserializeOwned>(self, by_api_too: bool) -> Result<T, &'static str> {
        let decode = |text: &[u8]| BASE64_STANDARD.decode(text).map_err(|_| "is not base64");
        let mut packed = self.release.into_bytes();
        if by_api_too {
            packed = decode(&packed)?;
        }
        let packed = decode(&packed)?;
        let misfit = |_| "is not a release";
        if packed.starts_with(&[0x1f, 0x8b, 0x08]) {
            serde_json::from_reader(std::io::BufReader::new(GzDecoder::new(packed.as_slice()).take(LONGEST)))
                .map_err(misfit)
        } else {
            serde_json::from_slice(&packed).map_err(misfit)
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use base64::{Engine, prelude::BASE64_STANDARD};
    use flate2::{Compression, write::GzEncoder};

    use super::{Packed, Record, Revision, arrange};

    const RECORD: &str = r#"{"name":"shop","info":{"first_deployed":"","description":"Upgrade complete","status":"deployed"},
        "chart":{"metadata":{"name":"shop","version":"1.2.3","appVersion":"4.5"},"templates":[{"name":"x","data":"eA=="}]},"config":{"password":"hunter2"}}"#;

    #[test]
    fn records_of_every_age_and_store_are_opened() {
        let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
        gzip.write_all(RECORD.as_bytes()).unwrap();
        let zipped = BASE64_STANDARD.encode(gzip.finish().unwrap());
        let plain = BASE64_STANDARD.encode(RECORD);
        for (text, by_api_too) in [
            (BASE64_STANDARD.encode(&zipped), true),
            (zipped, false),
            (BASE64_STANDARD.encode(&plain), true),
        ] {
            let record: Record = Packed { release: text }.unpack(by_api_too).unwrap();
            assert_eq!(record.info.description, "Upgrade complete");
            assert_eq!(
                (
                    record.chart.metadata.version.as_str(),
                    record.chart.metadata.app_version.as_str()
                ),
                ("1.2.3", "4.5")
            );
        }
        assert_eq!(
            Packed { release: "!".into() }.unpack::<Record>(true).unwrap_err(),
            "is not base64"
        );
        assert_eq!(
            Packed {
                release: BASE64_STANDARD.encode("no")
            }
            .unpack::<Record>(false)
            .unwrap_err(),
            "is not a release"
        );
    }

    #[test]
    fn the_release_that_changed_last_comes_first() {
        let made = |name: &str, revision, second| Revision {
            name: name.into(),
            revision,
            updated: jiff::Timestamp::from_second(second).ok(),
            ..Revision::default()
        };
        let mut revisions = vec![
            made("old", 9, 50),
            made("shop", 2, 20),
            made("shop", 10, 100),
            made("shop", 1, 10),
        ];
        arrange(&mut revisions);
        let order: Vec<_> = revisions
            .iter()
            .map(|revision| (revision.name.as_str(), revision.revision))
            .collect();
        assert_eq!(order, [("shop", 10), ("shop", 2), ("shop", 1), ("old", 9)]);
    }
}
