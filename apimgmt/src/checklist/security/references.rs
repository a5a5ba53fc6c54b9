//! Which secrets and keys pods refer to: running ones and those that workloads would make.

use std::collections::BTreeMap;

use crate::{
    checklist::clauses::Clauses,
    snapshot::{PodSpec, Snapshot},
};

/// What is referred to of one secret.
#[derive(Default)]
pub(super) struct Reference<'a> {
    /// Every key is taken.
    pub(super) whole: bool,
    /// A pod does not start without it.
    pub(super) required: bool,
    /// Single keys: whether a pod does not start without it, and who refers to it.
    pub(super) keys: BTreeMap<&'a str, (bool, String)>,
    /// Who refers to it.
    pub(super) by: String,
}

/// Everything that is referred to, by the secret's name.
#[derive(Default)]
pub(super) struct Referenced<'a>(BTreeMap<&'a str, Reference<'a>>);

impl<'a> Referenced<'a> {
    /// Gathers them.
    pub(super) fn of(row: &mut Clauses<'_>, snapshot: &'a Snapshot) -> Self {
        let mut referenced = Self::default();
        for one in row.read(snapshot.deployments()).into_iter().flatten() {
            referenced.take(&one.spec.template.spec, &format!("deployment/{}", one.metadata.name));
        }
        for one in row.read(snapshot.stateful_sets()).into_iter().flatten() {
            referenced.take(&one.spec.template.spec, &format!("statefulset/{}", one.metadata.name));
        }
        for one in row.read(snapshot.jobs()).into_iter().flatten() {
            referenced.take(&one.spec.template.spec, &format!("job/{}", one.metadata.name));
        }
        for one in row.read(snapshot.cron_jobs()).into_iter().flatten() {
            let template = &one.spec.job_template.spec.template;
            referenced.take(&template.spec, &format!("cronjob/{}", one.metadata.name));
        }
        for pod in row.read(snapshot.pods()).into_iter().flatten() {
            // What has ended needs its secrets no more.
            if !pod.has_ended() {
                referenced.take(&pod.spec, &pod.object());
            }
        }
        referenced
    }

    /// By name.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&'a str, &Reference<'a>)> {
        self.0.iter().map(|(name, reference)| (*name, reference))
    }

    /// How many secrets.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether nothing is referred to.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn take(&mut self, spec: &'a PodSpec, by: &str) {
        for container in spec.init_containers.iter().chain(&spec.containers) {
            for variable in &container.env {
                let source = variable.value_from.as_ref();
                if let Some(reference) = source.and_then(|source| source.secret_key_ref.as_ref()) {
                    self.key(&reference.name, &reference.key, !reference.optional, by);
                }
            }
            for source in &container.env_from {
                if let Some(reference) = &source.secret_ref {
                    self.whole(&reference.name, !reference.optional, by);
                }
            }
        }
        for volume in &spec.volumes {
            if let Some(secret) = &volume.secret {
                let items = secret.items.iter().map(|item| item.key.as_str());
                self.volume(&secret.secret_name, items, !secret.optional, by);
            }
            for source in volume.projected.iter().flat_map(|projected| &projected.sources) {
                if let Some(secret) = &source.secret {
                    let items = secret.items.iter().map(|item| item.key.as_str());
                    self.volume(&secret.name, items, !secret.optional, by);
                }
            }
        }
        for pull_secret in &spec.image_pull_secrets {
            self.whole(&pull_secret.name, true, by);
        }
    }

    fn volume(&mut self, name: &'a str, items: impl Iterator<Item = &'a str>, required: bool, by: &str) {
        let mut items = items.peekable();
        if items.peek().is_none() {
            self.whole(name, required, by);
        }
        for key in items {
            self.key(name, key, required, by);
        }
    }

    fn secret(&mut self, name: &'a str, required: bool, by: &str) -> &mut Reference<'a> {
        let reference = self.0.entry(name).or_default();
        if reference.by.is_empty() || (required && !reference.required) {
            by.clone_into(&mut reference.by);
        }
        reference.required |= required;
        reference
    }

    fn whole(&mut self, name: &'a str, required: bool, by: &str) {
        self.secret(name, required, by).whole = true;
    }

    fn key(&mut self, name: &'a str, key: &'a str, required: bool, by: &str) {
        let entry = self.secret(name, required, by).keys.entry(key);
        let (needed, who) = entry.or_insert_with(|| (required, by.to_owned()));
        if required && !*needed {
            by.clone_into(who);
        }
        *needed |= required;
    }
}
