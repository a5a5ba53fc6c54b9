//! Which Secret a workload's pods take a password from, and whether they started before it was changed.

use jiff::Timestamp;

use super::Scene;
use crate::snapshot::{
    Pod, PodSpec,
    collect::Words,
    sensitive::{Sensitive, named},
};

/// The key of a Secret that holds a password.
pub(crate) struct PasswordKey<'a> {
    /// The Secret; `None` where it could not be read or does not exist.
    pub(crate) object: Option<&'a Sensitive>,
    /// Its name.
    pub(crate) secret: &'a str,
    /// The key.
    pub(crate) key: &'a str,
    /// The key holds a whole address, of which the password is a part.
    pub(crate) is_address: bool,
}

impl PasswordKey<'_> {
    /// When the Secret was changed last.
    pub(crate) fn changed_at(&self) -> Option<Timestamp> {
        self.object?.changed_at
    }
}

impl<'a> Scene<'a> {
    /// Where pods of a specification take their password for a server from, as applications usually call it.
    pub(crate) fn password_key(&self, spec: &'a PodSpec, words: &Words) -> Option<PasswordKey<'a>> {
        self.key_of(spec, words.dsn, true)
            .or_else(|| self.key_of(spec, words.password, false))
    }

    /// The first key of a Secret that a variable of one of some names is taken from.
    pub(crate) fn key_of(&self, spec: &'a PodSpec, names: &[&str], is_address: bool) -> Option<PasswordKey<'a>> {
        let secrets = self.snapshot.secrets().map(Vec::as_slice).unwrap_or_default();
        let found = |secret: &'a str, key: &'a str| PasswordKey {
            object: named(secrets, secret),
            secret,
            key,
            is_address,
        };
        let by_variable = spec
            .containers
            .iter()
            .flat_map(|container| &container.env)
            .find_map(|variable| {
                let reference = variable.value_from.as_ref()?.secret_key_ref.as_ref()?;
                let is_it = names.contains(&variable.name.as_str());
                is_it.then(|| found(&reference.name, &reference.key))
            });
        by_variable.or_else(|| {
            let sources = spec.containers.iter().flat_map(|container| &container.env_from);
            sources
                .filter_map(|source| source.secret_ref.as_ref())
                .find_map(|reference| {
                    let object = named(secrets, &reference.name)?;
                    let (key, _) = object.facts.iter().find(|(key, _)| names.contains(&key.as_str()))?;
                    Some(found(&reference.name, key))
                })
        })
    }
}

/// When the containers of a pod that run now were started: their environment is of then.
pub(crate) fn started_at(pod: &Pod) -> Option<Timestamp> {
    let running = pod
        .status
        .container_statuses
        .iter()
        .filter_map(|status| status.state.running.as_ref());
    running.filter_map(|running| running.started_at).min()
}
