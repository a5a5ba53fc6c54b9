//! The one place where a change looks at the cluster as `verify` and `troubleshoot` do.

use std::collections::BTreeSet;

use kube::Client;

use crate::{
    Error,
    checklist::{self, Item, Section},
    connection::Connected,
    diagnoses,
    operation::{Consent, Interrupt},
    probe::{self, Probe},
    report::progress::Progress,
    snapshot::{
        Snapshot, Source,
        collect::{self, Limits, Request, collect},
    },
    values::Expectations,
};

/// Reads and judges one namespace.
#[derive(Clone)]
pub struct Reader {
    client: Client,
    namespace: String,
    context: String,
    server: String,
}

impl Reader {
    /// A reader of `namespace`.
    pub fn of(connected: &Connected, namespace: &str) -> Self {
        Self {
            client: connected.client.clone(),
            namespace: namespace.into(),
            context: connected.context.clone(),
            server: connected.server.clone(),
        }
    }

    /// The client.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// The namespace.
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// Judges items on a fresh Snapshot.
    ///
    /// # Errors
    /// When nothing can be read at all.
    pub async fn judge(&self, items: &[&'static Item]) -> Result<Vec<Section>, Error> {
        let sources = items.iter().flat_map(|item| item.reads).copied().collect();
        let snapshot = self.snapshot(sources).await?;
        Ok(checklist::judge(items, &snapshot))
    }

    /// Runs every active probe and stores what they saw, as evidence for the items that need it.
    ///
    /// # Errors
    /// When they could not be run; a probe that ran and failed is evidence.
    pub async fn probe(&self, consent: &Consent, interrupt: &Interrupt, progress: &Progress) -> Result<(), Error> {
        let snapshot = self.snapshot(Probe::reads()).await?;
        probe::run(
            &self.client,
            &snapshot,
            &Probe::ALL.into(),
            consent,
            interrupt,
            progress,
        )
        .await?;
        Ok(())
    }

    /// What is expected of the release; the defaults when that cannot be read.
    pub async fn expectations(&self) -> Expectations {
        let snapshot = self.snapshot([Source::Expectations].into()).await;
        snapshot
            .ok()
            .and_then(|snapshot| snapshot.expectations().ok().cloned())
            .unwrap_or_default()
    }

    /// Whether any workload is there to be judged.
    pub async fn has_workloads(&self) -> bool {
        let Ok(snapshot) = self.snapshot([Source::Deployments, Source::StatefulSets].into()).await else {
            return false;
        };
        let some = |is_empty: Result<bool, _>| is_empty.is_ok_and(|is_empty| !is_empty);
        some(snapshot.deployments().map(Vec::is_empty)) || some(snapshot.stateful_sets().map(Vec::is_empty))
    }

    /// Looks for causes with every diagnosis on a fresh Snapshot.
    ///
    /// # Errors
    /// When nothing can be read at all.
    pub async fn diagnose(&self) -> Result<diagnoses::Diagnosed, Error> {
        let sources = diagnoses::ALL
            .iter()
            .flat_map(|diagnosis| diagnosis.reads)
            .copied()
            .collect();
        let snapshot = self.snapshot(sources).await?;
        Ok(diagnoses::diagnose(diagnoses::ALL, &snapshot))
    }

    /// The version of the database's schema; nothing when it can't be read.
    pub async fn schema_version(&self) -> Option<i64> {
        let snapshot = self.snapshot([Source::Postgresql].into()).await.ok()?;
        let postgresql = snapshot.postgresql().ok()?.as_ref()?;
        Some(postgresql.schema.as_ref()?.version)
    }

    /// The values that the release's Prometheus has for a query now.
    ///
    /// # Errors
    /// When there is no Prometheus, or it does not answer.
    pub async fn ask_prometheus(&self, query: &str) -> Result<Vec<f64>, Error> {
        collect::ask_prometheus(self.client.clone(), self.request([].into()), query.to_owned()).await
    }

    async fn snapshot(&self, mut sources: BTreeSet<Source>) -> Result<Snapshot, Error> {
        sources.insert(Source::Expectations);
        collect(self.client.clone(), self.request(sources)).await
    }

    fn request(&self, sources: BTreeSet<Source>) -> Request {
        Request {
            namespace: self.namespace.clone(),
            sources,
            context: self.context.clone(),
            server: self.server.clone(),
            limits: Limits::default(),
            config: None,
        }
    }

    /// A reader through a client of a test.
    #[cfg(test)]
    pub(super) fn through(client: Client, namespace: &str) -> Self {
        Self {
            client,
            namespace: namespace.into(),
            context: String::new(),
            server: String::new(),
        }
    }
}
