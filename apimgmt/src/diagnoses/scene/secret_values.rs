//! The values of secrets that pods take into their environment, by what is known of them.

use std::collections::{BTreeMap, BTreeSet};

use super::{Scene, clean, list};
use crate::{
    checklist::Evidence,
    snapshot::{
        Pod, Source, Unreadable,
        sensitive::{ValueFacts, named},
    },
};

/// One value and the current pods that take it.
pub(crate) struct TakenValue<'a> {
    name: &'a str,
    key: String,
    /// What is known of the value.
    pub(crate) facts: &'a ValueFacts,
    pods: Vec<&'a Pod>,
}

impl<'a> Scene<'a> {
    /// The values by secret and key; those that are not there have diagnoses of their own.
    pub(crate) fn taken_values(&self) -> Result<Vec<TakenValue<'a>>, Unreadable> {
        let secrets = self.snapshot.secrets()?;
        let _ = self.snapshot.config_maps();
        let mut used: BTreeMap<(&str, &str), Vec<&Pod>> = BTreeMap::new();
        for pod in self.current()?.iter().copied() {
            for container in pod.spec.containers.iter().chain(&pod.spec.init_containers) {
                let sources = container.env.iter();
                let keys = sources.filter_map(|variable| variable.value_from.as_ref()?.secret_key_ref.as_ref());
                for key in keys {
                    used.entry((&key.name, &key.key)).or_default().push(pod);
                }
            }
        }
        let taken = used.into_iter().filter_map(|((name, key), pods)| {
            Some(TakenValue {
                name,
                key: clean(key),
                facts: named(secrets, name)?.facts.get(key)?,
                pods,
            })
        });
        Ok(taken.collect())
    }
}

impl TakenValue<'_> {
    /// `secret/NAME`.
    pub(crate) fn object(&self) -> String {
        format!("secret/{}", self.name)
    }

    /// The value and who takes it, in words.
    pub(crate) fn words(&self, scene: &Scene<'_>) -> String {
        let workloads: BTreeSet<_> = self.pods.iter().map(|pod| scene.workload(pod)).collect();
        let workloads: Vec<_> = workloads.into_iter().collect();
        format!(
            "the value of `{}` in {}, which {} takes,",
            self.key,
            self.object(),
            list(&workloads)
        )
    }

    /// The pods that take it and are not ready.
    pub(crate) fn ill(&self) -> BTreeSet<String> {
        let ill = self.pods.iter().filter(|pod| !pod.is_ready());
        ill.map(|pod| pod.object()).collect()
    }

    /// What its form shows.
    pub(crate) fn form(&self, scene: &Scene<'_>, shown: &str) -> Evidence {
        let field = format!("{} (its form; the value is not kept)", self.key);
        scene.field(Source::Secrets, self.object(), &field, shown)
    }

    /// The command that sets it anew and leaves the secret's other keys.
    pub(crate) fn setting(&self, scene: &Scene<'_>) -> String {
        format!(
            "kubectl create secret generic {} --from-literal={}=VALUE -n {} --dry-run=client -o yaml | kubectl apply --server-side --force-conflicts -f -",
            self.name,
            self.key,
            scene.namespace()
        )
    }
}
