//! How a release stands: Helm's record, its phases, its pods, the last change.

use kube::Client;
use serde::Serialize;

use super::{
    attempt::Stage,
    scene::Scene,
    store::{Status, Store},
};
use crate::{
    Boxed, Error,
    checklist::Phase,
    operation::{Entry, Journal},
    report::progress::Progress,
};

/// How a release stands.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Standing {
    /// Version of this shape.
    pub schema: &'static str,
    /// Release.
    pub release: String,
    /// Namespace.
    pub namespace: String,
    /// Newest revision.
    pub revision: u32,
    /// Its state.
    pub status: Status,
    /// Helm's sentence.
    pub description: String,
    /// `NAME-VERSION` of the chart.
    pub chart: String,
    /// Version of the application.
    pub app_version: String,
    /// When it was last deployed.
    pub last_deployed: String,
    /// The phases that have workloads.
    pub phases: Vec<PhaseStanding>,
    /// Pods that are not well.
    pub troubles: Vec<String>,
    /// The last change that was made with apimgmt.
    pub last_change: Option<Entry>,
}

/// How far a phase is.
#[derive(Debug, Serialize)]
pub struct PhaseStanding {
    /// Number.
    pub phase: u8,
    /// Title.
    pub title: &'static str,
    /// Whether everything of it is ready.
    pub ready: bool,
    /// `deployment/api-management 3/3 ready`.
    pub workloads: Vec<String>,
}

impl Standing {
    /// Looks.
    ///
    /// # Errors
    /// When there is no such release, or it can't be read.
    pub fn of<'a>(
        client: &'a Client,
        namespace: &'a str,
        release: &'a str,
        driver: Option<&'a str>,
    ) -> Boxed<'a, Self> {
        Box::pin(async move {
            let store = Store::of(client.clone(), namespace, release, driver)?;
            let Some(newest) = store.history().await?.last().copied() else {
                return Err(
                    Error::usage(format!("there is no release `{release}` in `{namespace}`"))
                        .hint("`helm list -A` lists releases"),
                );
            };
            let progress = Progress::silent();
            let (record, journal, stage) = futures::join!(
                store.record(newest.revision),
                Journal::open(client, namespace),
                Stage::open(client, namespace, Scene::of(release), &progress)
            );
            let record = record?;
            let workloads = stage.scene.workloads();
            let of_phase = |phase: Phase| {
                let own: Vec<_> = workloads.iter().filter(|workload| workload.phase == phase).collect();
                (!own.is_empty()).then(|| PhaseStanding {
                    phase: phase as u8,
                    title: phase.title(),
                    ready: own.iter().all(|workload| workload.ready),
                    workloads: own
                        .iter()
                        .map(|workload| format!("{} {}", workload.object, workload.detail))
                        .collect(),
                })
            };
            Ok(Self {
                schema: "apimgmt.status/v1",
                release: release.into(),
                namespace: namespace.into(),
                revision: newest.revision,
                status: newest.status,
                description: record.info.description,
                chart: format!("{}-{}", record.chart.metadata.name, record.chart.metadata.version),
                app_version: record.chart.metadata.app_version,
                last_deployed: record.info.last_deployed,
                phases: Phase::ALL.into_iter().filter_map(of_phase).collect(),
                troubles: stage.scene.troubles(),
                last_change: journal.ok().and_then(|journal| journal.entries().last().cloned()),
            })
        })
    }
}
