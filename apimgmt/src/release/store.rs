//! Helm's own records of a release, as Helm 3 and 4 store them: read slim and streamed, and once rewritten to tell the truth.

use std::io::Read;

use base64::{Engine, engine::general_purpose::STANDARD, read::DecoderReader};
use flate2::{Compression, read::MultiGzDecoder, write::GzEncoder};
use k8s_openapi::{ByteString, api::core::v1::Secret};
use kube::{
    Api, Client, ResourceExt,
    api::{ListParams, PostParams},
};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;

use crate::Error;
use crate::operation::api::answers;

/// Most that one record may unfold to: a record of 1 MiB that claims more is not Helm's.
const UNFOLDED: u64 = 128 << 20;

/// The states that Helm writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// In use.
    Deployed,
    /// Removed, with its history kept.
    Uninstalled,
    /// Replaced by a later revision.
    Superseded,
    /// Did not come about.
    Failed,
    /// Being removed.
    Uninstalling,
    /// Being installed, or left behind by a Helm that died.
    PendingInstall,
    /// Being upgraded, or left behind.
    PendingUpgrade,
    /// Being returned, or left behind.
    PendingRollback,
    /// Anything else.
    #[default]
    #[serde(other)]
    Unknown,
}

impl Status {
    /// Helm's word.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Deployed => "deployed",
            Self::Uninstalled => "uninstalled",
            Self::Superseded => "superseded",
            Self::Failed => "failed",
            Self::Uninstalling => "uninstalling",
            Self::PendingInstall => "pending-install",
            Self::PendingUpgrade => "pending-upgrade",
            Self::PendingRollback => "pending-rollback",
            Self::Unknown => "unknown",
        }
    }

    /// Whether Helm is at work, or died at it.
    pub const fn is_pending(self) -> bool {
        matches!(
            self,
            Self::PendingInstall | Self::PendingUpgrade | Self::PendingRollback | Self::Uninstalling
        )
    }

    fn of_label(word: &str) -> Self {
        serde_json::from_value(Value::String(word.into())).unwrap_or_default()
    }
}

/// One line of the history, from the record's labels alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// Revision.
    pub revision: u32,
    /// State.
    pub status: Status,
}

/// What we read of one record.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Record {
    /// Release.
    pub name: String,
    /// Revision.
    #[serde(rename = "version")]
    pub revision: u32,
    /// State and description.
    pub info: Info,
    /// The chart's own description.
    pub chart: Chart,
    /// Rendered objects.
    pub manifest: String,
    /// Rendered hooks.
    pub hooks: Vec<Hook>,
}

/// State of a revision.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Info {
    /// State.
    pub status: Status,
    /// Helm's sentence.
    pub description: String,
    /// When it was last deployed; Helm 3 writes an empty text for never.
    pub last_deployed: String,
}

/// The chart of a revision, without its files.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Chart {
    /// `Chart.yaml`.
    pub metadata: ChartMetadata,
}

/// The part of `Chart.yaml` that is shown.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ChartMetadata {
    /// Name.
    pub name: String,
    /// Version of the chart.
    pub version: String,
    /// Version of the application.
    pub app_version: String,
}

/// A hook.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Hook {
    /// Name of its object.
    pub name: String,
    /// Kind of its object.
    pub kind: String,
    /// Rendered object.
    pub manifest: String,
    /// When it runs.
    #[serde(deserialize_with = "crate::snapshot::null_is_empty")]
    pub events: Vec<String>,
}

/// The history of one release.
#[derive(Clone)]
pub struct Store {
    secrets: Api<Secret>,
    release: String,
    namespace: String,
}

impl Store {
    /// The records of `release` in `namespace`.
    ///
    /// # Errors
    /// When `HELM_DRIVER` (`driver`) keeps them elsewhere than in Secrets.
    pub fn of(client: Client, namespace: &str, release: &str, driver: Option<&str>) -> Result<Self, Error> {
        if let Some(driver) = driver.filter(|driver| !matches!(*driver, "" | "secret" | "secrets")) {
            return Err(Error::usage(format!(
                "HELM_DRIVER is `{}`; apimgmt reads releases from Secrets",
                driver.escape_default()
            ))
            .hint("unset HELM_DRIVER, or use plain `helm` for this release"));
        }
        Ok(Self {
            secrets: Api::namespaced(client, namespace),
            release: release.into(),
            namespace: namespace.into(),
        })
    }

    /// The history, oldest first; from metadata, so that no record travels.
    ///
    /// # Errors
    /// When it can't be read.
    pub async fn history(&self) -> Result<Vec<Entry>, Error> {
        let params = ListParams::default().labels(&format!("owner=helm,name={}", self.release));
        let listed = answers(self.secrets.list_metadata(&params), "list", "secrets", &self.namespace).await?;
        let mut entries: Vec<Entry> = listed
            .iter()
            .filter_map(|secret| {
                let labels = secret.labels();
                Some(Entry {
                    revision: labels.get("version")?.parse().ok()?,
                    status: Status::of_label(labels.get("status")?),
                })
            })
            .collect();
        entries.sort_unstable_by_key(|entry| entry.revision);
        Ok(entries)
    }

    /// The release.
    pub fn release(&self) -> &str {
        &self.release
    }

    /// When the record of `revision` was last written; nothing when the server does not say.
    ///
    /// # Errors
    /// When it can't be read.
    pub async fn written(&self, revision: u32) -> Result<Option<jiff::Timestamp>, Error> {
        let name = self.object(revision);
        let found = answers(
            self.secrets.get_metadata(&name),
            "get",
            &format!("secret/{name}"),
            &self.namespace,
        )
        .await?;
        let writes = found.managed_fields().iter().filter_map(|entry| entry.time.as_ref());
        Ok(writes
            .chain(found.metadata.creation_timestamp.as_ref())
            .map(|time| time.0)
            .max())
    }

    /// One record.
    ///
    /// # Errors
    /// When it is absent, can't be read, or is not what Helm writes.
    pub async fn record(&self, revision: u32) -> Result<Record, Error> {
        self.record_as(revision).await
    }

    /// One record, or that part of it which `T` reads.
    pub(super) async fn record_as<T: DeserializeOwned>(&self, revision: u32) -> Result<T, Error> {
        let name = self.object(revision);
        let secret = answers(
            self.secrets.get(&name),
            "get",
            &format!("secret/{name}"),
            &self.namespace,
        )
        .await?;
        unfold(&self.bytes(&secret, &name)?)
            .map_err(|error| Error::could_not(format!("could not read the record `secret/{name}`")).because(error))
    }

    /// Says in the record of `revision` that it failed, and why: Helm itself calls a revision deployed that then failed a gate.
    ///
    /// # Errors
    /// When the record can't be rewritten.
    pub async fn mark_failed(&self, revision: u32, why: &str) -> Result<(), Error> {
        let name = self.object(revision);
        let mut secret = answers(
            self.secrets.get(&name),
            "get",
            &format!("secret/{name}"),
            &self.namespace,
        )
        .await?;
        let rewritten = rewritten(&self.bytes(&secret, &name)?, why).map_err(|error| {
            Error::could_not(format!("could not rewrite the record `secret/{name}`")).because(error)
        })?;
        secret
            .labels_mut()
            .insert("status".into(), Status::Failed.word().into());
        secret
            .labels_mut()
            .insert("modifiedAt".into(), jiff::Timestamp::now().as_second().to_string());
        secret
            .data
            .get_or_insert_default()
            .insert("release".into(), ByteString(rewritten));
        let params = PostParams::default();
        answers(
            self.secrets.replace(&name, &params, &secret),
            "update",
            &format!("secret/{name}"),
            &self.namespace,
        )
        .await?;
        Ok(())
    }

    fn object(&self, revision: u32) -> String {
        format!("sh.helm.release.v1.{}.v{revision}", self.release)
    }

    fn bytes(&self, secret: &Secret, name: &str) -> Result<Vec<u8>, Error> {
        let data = secret.data.as_ref().and_then(|data| data.get("release"));
        data.map(|bytes| bytes.0.clone()).ok_or_else(|| {
            Error::could_not(format!(
                "the record `secret/{name}` in `{}` holds no release",
                self.namespace
            ))
        })
    }
}

/// The newest revision that was deployed before `revision`: where a return leads.
pub fn last_good(history: &[Entry], before: u32) -> Option<u32> {
    let of = |status| {
        history
            .iter()
            .rev()
            .find(|entry| entry.revision < before && entry.status == status)
    };
    of(Status::Deployed)
        .or_else(|| of(Status::Superseded))
        .map(|entry| entry.revision)
}

/// Base64 of gzip (optional) of JSON, decoded as it is read: files and templates of the chart are never held.
fn unfold<T: DeserializeOwned>(stored: &[u8]) -> Result<T, Box<dyn std::error::Error + Send + Sync>> {
    Ok(serde_json::from_reader(json(stored))?)
}

fn json(stored: &[u8]) -> Box<dyn Read + '_> {
    let mut head = [0; 3];
    let decoded = || DecoderReader::new(stored, &STANDARD);
    let is_zipped = decoded().read_exact(&mut head).is_ok() && head == [0x1f, 0x8b, 0x08];
    let reader = std::io::BufReader::new(decoded());
    if is_zipped {
        Box::new(std::io::BufReader::new(MultiGzDecoder::new(reader).take(UNFOLDED)))
    } else {
        Box::new(reader.take(UNFOLDED))
    }
}

fn rewritten(stored: &[u8], why: &str) -> Result<Vec<u8>, Box<dyn std::error::Error + Send + Sync>> {
    let mut record: Value = serde_json::from_reader(json(stored))?;
    record["info"]["status"] = Status::Failed.word().into();
    record["info"]["description"] = why.into();
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    serde_json::to_writer(&mut encoder, &record)?;
    Ok(STANDARD.encode(encoder.finish()?).into_bytes())
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn stored(record: &Value, zipped: bool) -> Vec<u8> {
        let text = record.to_string();
        if !zipped {
            return STANDARD.encode(text).into_bytes();
        }
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(text.as_bytes()).unwrap();
        STANDARD.encode(encoder.finish().unwrap()).into_bytes()
    }

    fn helm_3() -> Value {
        serde_json::json!({
            "name": "shop", "version": 3, "namespace": "shop", "config": {"password": "s3cret"},
            "info": {"first_deployed": "2026-01-01T00:00:00Z", "last_deployed": "2026-02-01T00:00:00Z", "deleted": "", "status": "deployed",
                     "description": "Upgrade complete", "notes": "n"},
            "chart": {"metadata": {"name": "c", "version": "1.2.3", "appVersion": "9"}, "templates": [{"name": "t", "data": "QQ=="}], "files": []},
            "manifest": "---\nkind: ConfigMap\n", "hooks": [{"name": "h", "kind": "Job", "manifest": "kind: Job", "events": ["pre-upgrade"]}]
        })
    }

    #[test]
    fn records_of_both_helms_read_zipped_or_not() {
        for zipped in [true, false] {
            let record: Record = unfold(&stored(&helm_3(), zipped)).unwrap();
            assert_eq!((record.revision, record.info.status), (3, Status::Deployed));
            assert_eq!(record.chart.metadata.app_version, "9");
            assert_eq!(record.hooks[0].events, ["pre-upgrade"]);
        }
        // Helm 4 leaves out zero times and empty lists, and adds fields.
        let helm_4 = serde_json::json!({"name": "shop", "version": 1, "apply_method": "ssa",
            "info": {"status": "pending-install", "rollback_revision": 0}, "hooks": [{"name": "h", "events": null}]});
        let record: Record = unfold(&stored(&helm_4, true)).unwrap();
        assert_eq!(record.info.status, Status::PendingInstall);
        assert!(record.info.last_deployed.is_empty() && record.hooks[0].events.is_empty());
    }

    #[test]
    fn a_revision_marked_failed_keeps_everything_else() {
        let marked = rewritten(&stored(&helm_3(), true), "gate 2: database/instance").unwrap();
        let read: Value = serde_json::from_reader(json(&marked)).unwrap();
        let mut expected = helm_3();
        expected["info"]["status"] = "failed".into();
        expected["info"]["description"] = "gate 2: database/instance".into();
        assert_eq!(read, expected);
    }

    #[test]
    fn what_is_not_a_record_is_told_and_never_panics() {
        for wrong in [
            &b""[..],
            b"!!!",
            b"e30",
            &STANDARD.encode([0x1f, 0x8b, 0x08, 0, 1]).into_bytes(),
        ] {
            assert!(unfold::<Record>(wrong).is_err() || unfold::<Record>(wrong).unwrap().name.is_empty());
        }
    }

    #[test]
    fn a_return_leads_to_the_newest_revision_that_was_good() {
        use Status::{Deployed, Failed, PendingUpgrade, Superseded};
        let entry = |revision, status| Entry { revision, status };
        assert_eq!(
            last_good(&[entry(1, Superseded), entry(2, Deployed), entry(3, Failed)], 3),
            Some(2)
        );
        assert_eq!(
            last_good(&[entry(1, Deployed), entry(2, Failed), entry(3, PendingUpgrade)], 3),
            Some(1)
        );
        assert_eq!(
            last_good(&[entry(1, Superseded), entry(2, Superseded), entry(3, Deployed)], 3),
            Some(2)
        );
        assert_eq!(last_good(&[entry(1, Failed), entry(2, Failed)], 2), None);
    }
}
