//! What was begun and what was done, step by step, in an object beside the release: it outlives a kill -9, and anyone may go on from it.

use jiff::Timestamp;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::{
    Api, Client,
    api::{ObjectMeta, PostParams},
};
use serde::{Deserialize, Serialize};

use super::{
    Plan, Process,
    api::{is_conflict, maybe, refused},
    operator,
};
use crate::{Error, ExitCode};

/// Name of the journal.
const NAME: &str = "apimgmt-journal";
const KEY: &str = "operations";
/// Operations that are kept.
const KEPT: usize = 20;
/// Letters of a note that are kept: the ids of all items fit.
const NOTE: usize = 2000;

/// The journal of a namespace.
pub struct Journal {
    objects: Api<ConfigMap>,
    namespace: String,
    version: Option<String>,
    entries: Vec<Entry>,
}

/// One operation.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Entry {
    /// What was asked for: `install`, `upgrade`, `rollback`.
    pub verb: String,
    /// By whom.
    pub by: String,
    /// When it began.
    pub began: Timestamp,
    /// When it ended; absent while it runs, and for ever when its operator died.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended: Option<Timestamp>,
    /// How it ended.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub outcome: String,
    /// The plan.
    pub plan: Plan,
    /// Steps that were begun, in order.
    pub marks: Vec<Mark>,
}

/// A step that was begun.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Mark {
    /// The step.
    pub step: String,
    /// When it began.
    pub began: Timestamp,
    /// When it was done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub done: Option<Timestamp>,
    /// What came of it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub note: String,
}

impl Entry {
    /// The process that its last step waits for, when one was noted.
    pub fn process(&self) -> Option<Process> {
        self.marks
            .last()
            .filter(|mark| mark.done.is_none())
            .and_then(|mark| Process::parse(&mark.note))
    }

    /// Whether a step was done.
    pub fn is_done(&self, step: &str) -> bool {
        self.marks.iter().any(|mark| mark.step == step && mark.done.is_some())
    }
}

impl Journal {
    /// Opens the journal of a namespace; it need not exist yet.
    ///
    /// # Errors
    /// When it can't be read.
    pub async fn open(client: &Client, namespace: &str) -> Result<Self, Error> {
        let objects: Api<ConfigMap> = Api::namespaced(client.clone(), namespace);
        let found = maybe(objects.get(NAME), "get", "configmap/apimgmt-journal", namespace).await?;
        let text = found.as_ref().and_then(|object| object.data.as_ref()?.get(KEY));
        let entries = text
            .map(|text| serde_json::from_str(text))
            .transpose()
            .map_err(|error| {
                Error::could_not(format!("the journal `configmap/{NAME}` in `{namespace}` can't be read"))
                    .because(error)
                    .hint(format!(
                        "when nothing is under way: `kubectl delete configmap {NAME} -n {namespace}`"
                    ))
            })?;
        Ok(Self {
            objects,
            namespace: namespace.into(),
            version: found.and_then(|object| object.metadata.resource_version),
            entries: entries.unwrap_or_default(),
        })
    }

    /// Operations, oldest first.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The last operation, when it never ended.
    pub fn unfinished(&self) -> Option<&Entry> {
        self.entries.last().filter(|entry| entry.ended.is_none())
    }

    /// Begins an operation.
    ///
    /// # Errors
    /// When it can't be written.
    pub async fn begin(&mut self, verb: &str, plan: &Plan) -> Result<(), Error> {
        self.entries.push(Entry {
            verb: verb.into(),
            by: operator(),
            began: Timestamp::now(),
            plan: plan.clone(),
            ..Entry::default()
        });
        let surplus = self.entries.len().saturating_sub(KEPT);
        self.entries.drain(..surplus);
        self.write().await
    }

    /// Notes that a step begins.
    ///
    /// # Errors
    /// When it can't be written: then the step must not be done.
    pub async fn before(&mut self, step: &str) -> Result<(), Error> {
        if let Some(entry) = self.entries.last_mut() {
            entry.marks.push(Mark {
                step: step.into(),
                began: Timestamp::now(),
                ..Mark::default()
            });
        }
        self.write().await
    }

    /// Notes which process does the step that was begun last.
    ///
    /// # Errors
    /// When it can't be written.
    pub async fn by(&mut self, process: &Process) -> Result<(), Error> {
        if let Some(mark) = self.entries.last_mut().and_then(|entry| entry.marks.last_mut()) {
            mark.note = process.to_string();
        }
        self.write().await
    }

    /// The items that did not pass before the last operation on `object`, when it noted them.
    pub fn before_of(&self, object: &str) -> Option<Vec<String>> {
        let entry = self
            .entries
            .iter()
            .rfind(|entry| entry.plan.object == object && entry.verb != "rescue")?;
        let mark = entry
            .marks
            .iter()
            .find(|mark| mark.step == "before" && mark.done.is_some())?;
        Some(
            mark.note
                .split(", ")
                .filter(|id| !id.is_empty())
                .map(str::to_owned)
                .collect(),
        )
    }

    /// Notes that the step is done, and what came of it.
    ///
    /// # Errors
    /// When it can't be written.
    pub async fn after(&mut self, step: &str, note: &str) -> Result<(), Error> {
        if let Some(mark) = self
            .entries
            .last_mut()
            .and_then(|entry| entry.marks.iter_mut().rfind(|mark| mark.step == step))
        {
            mark.done = Some(Timestamp::now());
            mark.note = note.chars().take(NOTE).collect();
        }
        self.write().await
    }

    /// Ends the operation.
    ///
    /// # Errors
    /// When it can't be written.
    pub async fn end(&mut self, outcome: &str) -> Result<(), Error> {
        if let Some(entry) = self.entries.last_mut() {
            entry.ended = Some(Timestamp::now());
            entry.outcome = outcome.chars().take(500).collect();
        }
        self.write().await
    }

    /// Each write rests on the version that was read: somebody who went on in our place makes it fail.
    async fn write(&mut self) -> Result<(), Error> {
        let text = serde_json::to_string(&self.entries).unwrap_or_default();
        let object = ConfigMap {
            metadata: ObjectMeta {
                name: Some(NAME.into()),
                resource_version: self.version.clone(),
                labels: Some([("app.kubernetes.io/managed-by".to_owned(), "apimgmt".to_owned())].into()),
                ..ObjectMeta::default()
            },
            data: Some([(KEY.to_owned(), text)].into()),
            ..ConfigMap::default()
        };
        let params = PostParams::default();
        let written = async {
            if self.version.is_some() {
                self.objects.replace(NAME, &params, &object).await
            } else {
                self.objects.create(&params, &object).await
            }
        };
        match tokio::time::timeout(super::api::DEADLINE, written).await {
            Ok(Ok(written)) => {
                self.version = written.metadata.resource_version;
                Ok(())
            }
            Ok(Err(error)) if is_conflict(&error) => Err(Error::new(
                ExitCode::Midway,
                format!(
                    "somebody else wrote to the journal `configmap/{NAME}` in `{}`",
                    self.namespace
                ),
            )
            .hint("`kubectl apimgmt rollback --history` shows what was done")),
            Ok(Err(error)) => Err(refused(error, "update", "configmap/apimgmt-journal", &self.namespace)),
            Err(_) => Err(Error::could_not(format!(
                "could not write the journal in `{}`: no answer in time",
                self.namespace
            ))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operation::fake::Server;

    #[tokio::test]
    async fn a_journal_outlives_its_operator_step_by_step() {
        let server = Server::default();
        let plan = Plan {
            title: "return".into(),
            ..Plan::default()
        };
        let mut journal = Journal::open(&server.client(), "shop").await.unwrap();
        assert!(journal.unfinished().is_none());
        journal.begin("rollback", &plan).await.unwrap();
        journal.before("rollback").await.unwrap();
        journal.after("rollback", "deployed").await.unwrap();
        journal.before("verify").await.unwrap();
        drop(journal); // kill -9

        let mut found = Journal::open(&server.client(), "shop").await.unwrap();
        let left = found.unfinished().unwrap();
        assert_eq!(left.plan, plan);
        assert!(left.is_done("rollback") && !left.is_done("verify"));
        found.end("done").await.unwrap();
        assert!(
            Journal::open(&server.client(), "shop")
                .await
                .unwrap()
                .unfinished()
                .is_none()
        );
    }

    #[tokio::test]
    async fn an_operator_whose_work_somebody_took_over_cannot_write_any_more() {
        let server = Server::default();
        let mut first = Journal::open(&server.client(), "shop").await.unwrap();
        first.begin("rollback", &Plan::default()).await.unwrap();
        let mut second = Journal::open(&server.client(), "shop").await.unwrap();
        second.before("verify").await.unwrap();
        let error = first.before("rollback").await.unwrap_err();
        assert_eq!(error.code(), ExitCode::Midway);
        assert!(error.to_string().contains("somebody else"));
    }

    #[tokio::test]
    async fn a_journal_stays_small() {
        let server = Server::default();
        let mut journal = Journal::open(&server.client(), "shop").await.unwrap();
        for _ in 0..30 {
            journal.begin("upgrade", &Plan::default()).await.unwrap();
            journal.end(&"x".repeat(10_000)).await.unwrap();
        }
        assert_eq!(journal.entries().len(), KEPT);
        let stored = server
            .get("/api/v1/namespaces/shop/configmaps/apimgmt-journal")
            .unwrap();
        assert!(stored["data"]["operations"].as_str().unwrap().len() < 40_000);
    }
}
