//! Secrets and config maps: only those that pods, their templates, ingresses and expectations name, one request each.

use std::collections::BTreeSet;

use futures::{StreamExt, TryStreamExt, stream};

use super::{Run, list::path, trouble::Trouble, vault::Vault};
use crate::{
    Error,
    snapshot::{PodSpec, Reading, Readings, Source, Why, reduce::Arrived, sensitive::Sensitive},
    values::Expectations,
};

/// Requests for named objects that are made ready at once; the API server's door lets fewer through.
const AT_ONCE: usize = 8;
/// Most objects of one kind that are asked for: far above what a release names, far below what would be a flood.
const MOST: usize = 200;

/// The names that a release refers to.
#[derive(Default, Debug, PartialEq)]
struct Names {
    secrets: BTreeSet<String>,
    config_maps: BTreeSet<String>,
    /// Keys of secrets that are declared to hold who somebody is, which is no secret.
    public: BTreeSet<(String, String)>,
}

impl Run {
    /// Reads what is named, reduces it, and keeps the values for the sessions of this run.
    pub(super) async fn named(
        &self,
        readings: &Readings,
    ) -> Result<(Reading<Vec<Sensitive>>, Reading<Vec<Sensitive>>, Vault), Error> {
        let names = Names::of(readings);
        let read = |source: Source, resource: &'static str, names: Result<BTreeSet<String>, Source>| {
            self.source(source, async move {
                match names {
                    Ok(names) => self.objects(resource, names).await,
                    Err(missing) => Err(Trouble::Unreadable(Why::Needs(missing))),
                }
            })
        };
        let (secrets, config_maps, public) = match names {
            Ok(names) => (Ok(names.secrets), Ok(names.config_maps), names.public),
            Err(missing) => (Err(missing), Err(missing), BTreeSet::new()),
        };
        let (secrets, config_maps) = futures::try_join!(
            read(Source::Secrets, "secrets", secrets),
            read(Source::ConfigMaps, "configmaps", config_maps),
        )?;
        Ok(Vault::fill(secrets, config_maps, public))
    }

    /// The objects of these names; those that do not exist are left out.
    async fn objects(&self, resource: &str, names: BTreeSet<String>) -> Result<Vec<Arrived>, Trouble> {
        if names.len() > MOST {
            return Err(Trouble::failed(format!(
                "{} {resource} are named, more than {MOST}",
                names.len()
            )));
        }
        let get = |name: String| async move {
            let path = path("", "v1", Some(self.namespace()), &format!("{resource}/{name}"));
            self.api.object::<Arrived>(&path).await
        };
        stream::iter(names.into_iter().map(get))
            .buffered(AT_ONCE)
            .try_filter_map(|object| async { Ok(object) })
            .try_collect()
            .await
    }
}

impl Names {
    /// Every name in what was read; the source that is missing when nothing was.
    fn of(readings: &Readings) -> Result<Self, Source> {
        let mut names = Self::default();
        let mut anything = false;
        macro_rules! templates {
            ($($field:ident),*) => {
                $(if let Reading::Read(workloads) = &readings.$field {
                    anything = true;
                    for workload in workloads {
                        names.pod(&workload.spec.template.spec);
                    }
                })*
            };
        }
        templates!(deployments, stateful_sets, jobs);
        if let Reading::Read(cron_jobs) = &readings.cron_jobs {
            anything = true;
            for cron_job in cron_jobs {
                names.pod(&cron_job.spec.job_template.spec.template.spec);
            }
        }
        if let Reading::Read(pods) = &readings.pods {
            anything = true;
            for pod in pods {
                names.pod(&pod.spec);
            }
        }
        if let Reading::Read(accounts) = &readings.service_accounts {
            let pull_secrets = accounts.iter().flat_map(|account| &account.image_pull_secrets);
            pull_secrets.for_each(|secret| insert(&mut names.secrets, &secret.name));
        }
        if let Reading::Read(ingresses) = &readings.ingresses {
            anything = true;
            let tls = ingresses.iter().flat_map(|ingress| &ingress.spec.tls);
            tls.for_each(|tls| insert(&mut names.secrets, &tls.secret_name));
        }
        if let Reading::Read(expectations) = &readings.expectations {
            names.expected(expectations);
        }
        if anything { Ok(names) } else { Err(Source::Pods) }
    }

    /// Credentials that no pod has, which the tools are told to use.
    fn expected(&mut self, expectations: &Expectations) {
        insert(&mut self.secrets, &expectations.database.monitor_secret);
        let authentication = &expectations.authentication;
        let clients = authentication
            .clients
            .iter()
            .map(|client| (&client.secret, &client.id_key));
        let people = authentication.code_flow.iter();
        let people = people.flat_map(|flow| [(&flow.secret, &flow.id_key), (&flow.secret, &flow.username_key)]);
        for (secret, key) in clients.chain(people) {
            insert(&mut self.secrets, secret);
            self.public.insert((secret.clone(), key.clone()));
        }
    }

    fn pod(&mut self, spec: &PodSpec) {
        let Self {
            secrets, config_maps, ..
        } = self;
        for reference in &spec.image_pull_secrets {
            insert(secrets, &reference.name);
        }
        for container in spec.init_containers.iter().chain(&spec.containers) {
            for source in container.env.iter().filter_map(|variable| variable.value_from.as_ref()) {
                source.secret_key_ref.iter().for_each(|key| insert(secrets, &key.name));
                source
                    .config_map_key_ref
                    .iter()
                    .for_each(|key| insert(config_maps, &key.name));
            }
            for source in &container.env_from {
                source
                    .secret_ref
                    .iter()
                    .for_each(|object| insert(secrets, &object.name));
                source
                    .config_map_ref
                    .iter()
                    .for_each(|object| insert(config_maps, &object.name));
            }
        }
        for volume in &spec.volumes {
            volume
                .secret
                .iter()
                .for_each(|secret| insert(secrets, &secret.secret_name));
            volume.config_map.iter().for_each(|map| insert(config_maps, &map.name));
            for source in volume.projected.iter().flat_map(|projected| &projected.sources) {
                source.secret.iter().for_each(|secret| insert(secrets, &secret.name));
                source.config_map.iter().for_each(|map| insert(config_maps, &map.name));
            }
        }
    }
}

/// Names come from the cluster and become part of a path: only what may be a name is asked for.
fn insert(names: &mut BTreeSet<String>, name: &str) {
    let may_be_a_name = name
        .bytes()
        .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-.".contains(&byte));
    if !name.is_empty() && name.len() <= 253 && may_be_a_name && !name.starts_with('.') {
        names.insert(name.to_owned());
    }
}

#[cfg(test)]
mod tests {
    use super::Names;
    use crate::snapshot::Snapshot;

    #[test]
    fn every_place_that_names_a_secret_or_config_map_counts() {
        let snapshot = Snapshot::from_recording(
            "takenAt: 2026-11-23T08:00:00Z
objects:
- kind: Pod
  metadata: {name: a}
  spec:
    imagePullSecrets: [{name: pull}]
    initContainers: [{name: i, env: [{name: A, valueFrom: {secretKeyRef: {name: from-init, key: k}}}]}]
    containers: [{name: c, envFrom: [{secretRef: {name: whole}}, {configMapRef: {name: map-whole}}], env: [{name: B, valueFrom: {configMapKeyRef: {name: map-key, key: k}}}]}]
    volumes: [{name: v, secret: {secretName: mounted}}, {name: w, projected: {sources: [{secret: {name: projected}}, {configMap: {name: map-projected}}]}}, {name: x, configMap: {name: map-mounted}}]
- {kind: Deployment, metadata: {name: d}, spec: {replicas: 0, template: {spec: {volumes: [{name: v, secret: {secretName: asleep}}]}}}}
- {kind: CronJob, metadata: {name: n}, spec: {jobTemplate: {spec: {template: {spec: {volumes: [{name: v, secret: {secretName: at-night}}]}}}}}}
- {kind: Ingress, metadata: {name: i}, spec: {tls: [{secretName: tls}, {secretName: '../nodes'}]}}
facts:
  expectations:
    database: {monitorSecret: monitor}
    authentication:
      clients: [{role: admin, secret: oidc, idKey: admin, secretKey: word}]
      codeFlow: {secret: people, idKey: browser, usernameKey: who, passwordKey: word}",
        )
        .unwrap();
        let names = Names::of(&snapshot.readings).unwrap();
        assert_eq!(
            names.secrets.into_iter().collect::<Vec<_>>(),
            [
                "asleep",
                "at-night",
                "from-init",
                "monitor",
                "mounted",
                "oidc",
                "people",
                "projected",
                "pull",
                "tls",
                "whole"
            ]
        );
        assert_eq!(
            names.config_maps.into_iter().collect::<Vec<_>>(),
            ["map-key", "map-mounted", "map-projected", "map-whole"]
        );
        let public = [("oidc", "admin"), ("people", "browser"), ("people", "who")];
        let public = public.map(|(secret, key)| (secret.to_owned(), key.to_owned()));
        assert_eq!(names.public, public.into());
    }
}
