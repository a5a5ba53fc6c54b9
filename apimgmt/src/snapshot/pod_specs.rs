//! Every pod of the namespace, and every template that its pods are made from.

use std::collections::BTreeMap;

use super::{Metadata, Pod, PodSpec, Snapshot, Source, Unreadable};

/// The label of everything that an active probe makes.
pub const PROBE_RUN: &str = "apimgmt.io/probe-run";

/// A specification of pods, and whose it is.
#[derive(Debug, Clone)]
pub struct Specified<'a> {
    /// `kind/name`.
    pub object: String,
    /// Labels and annotations that the pods get.
    pub metadata: &'a Metadata,
    /// The specification.
    pub spec: &'a PodSpec,
    /// The pod itself; `None` for a template.
    pub pod: Option<&'a Pod>,
}

impl Snapshot {
    /// What [`Self::pod_specs`] reads; units that ask for it declare these.
    pub const POD_SPECS: &'static [Source] = &[
        Source::Pods,
        Source::Deployments,
        Source::StatefulSets,
        Source::DaemonSets,
        Source::Jobs,
        Source::CronJobs,
    ];

    /// Templates first, then the pods that have not ended.
    ///
    /// # Errors
    /// When one of [`Self::POD_SPECS`] could not be read.
    pub fn pod_specs(&self) -> Result<Vec<Specified<'_>>, Unreadable> {
        let mut specified = Vec::new();
        macro_rules! templates {
            ($kind:literal, $list:expr, $($template:ident).+) => {
                specified.extend($list.iter().map(|one| Specified {
                    object: format!(concat!($kind, "/{}"), one.metadata.name),
                    metadata: &one.spec.$($template).+.metadata,
                    spec: &one.spec.$($template).+.spec,
                    pod: None,
                }));
            };
        }
        templates!("deployment", self.deployments()?, template);
        templates!("statefulset", self.stateful_sets()?, template);
        templates!("daemonset", self.daemon_sets()?, template);
        templates!("job", self.jobs()?, template);
        templates!("cronjob", self.cron_jobs()?, job_template.spec.template);
        let pods = self.pods()?.iter();
        specified.extend(pods.filter(|pod| !pod.has_ended()).map(|pod| Specified {
            object: pod.object(),
            metadata: &pod.metadata,
            spec: &pod.spec,
            pod: Some(pod),
        }));
        Ok(specified)
    }

    /// The service accounts that pods run as, each with the first who does. Probes have no identity.
    ///
    /// # Errors
    /// When one of [`Self::POD_SPECS`] could not be read.
    pub fn own_accounts(&self) -> Result<BTreeMap<&str, String>, Unreadable> {
        let mut accounts = BTreeMap::new();
        for Specified {
            object, metadata, spec, ..
        } in self.pod_specs()?
        {
            let is_probe =
                metadata.labels.contains_key(PROBE_RUN) && spec.automount_service_account_token == Some(false);
            if !is_probe {
                let name = spec.service_account_name.as_str();
                let name = if name.is_empty() { "default" } else { name };
                accounts.entry(name).or_insert(object);
            }
        }
        Ok(accounts)
    }
}
