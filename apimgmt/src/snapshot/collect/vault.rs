//! The values of this run's secrets and config maps, for sessions and for masking alone: wiped with the run, never shown.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use super::trouble::Trouble;
use crate::snapshot::{
    Reading, Source, Why,
    reduce::{Arrived, SecretValue},
    sensitive::Sensitive,
};

/// Values by object and key.
#[derive(Default)]
pub(crate) struct Vault {
    secrets: Objects,
    config_maps: Objects,
    /// Secrets and keys whose values are no secret.
    public: BTreeSet<(String, String)>,
    /// What could not be read, so that a value which is missing here may exist.
    blind: Option<Source>,
}

type Objects = BTreeMap<String, BTreeMap<String, SecretValue>>;

impl fmt::Debug for Vault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "<{} secrets, {} config maps>",
            self.secrets.len(),
            self.config_maps.len()
        )
    }
}

/// Takes the values of one kind out of what arrived, and leaves the facts.
fn sort(arrived: Reading<Vec<Arrived>>) -> (Reading<Vec<Sensitive>>, Objects) {
    match arrived {
        Reading::NotRead => (Reading::NotRead, Objects::new()),
        Reading::Unreadable(why) => (Reading::Unreadable(why), Objects::new()),
        Reading::Read(arrived) => {
            let facts = arrived.iter().map(Arrived::facts).collect();
            let values = arrived
                .into_iter()
                .map(|object| (object.name().to_owned(), object.values))
                .collect();
            (Reading::Read(facts), values)
        }
    }
}

impl Vault {
    /// Reduces what arrived to facts, and keeps the values.
    pub(super) fn fill(
        secrets: Reading<Vec<Arrived>>,
        config_maps: Reading<Vec<Arrived>>,
        public: BTreeSet<(String, String)>,
    ) -> (Reading<Vec<Sensitive>>, Reading<Vec<Sensitive>>, Self) {
        let is_blind = |reading: &Reading<Vec<Arrived>>| matches!(reading, Reading::Unreadable(_));
        let blind = match (is_blind(&secrets), is_blind(&config_maps)) {
            (true, _) => Some(Source::Secrets),
            (_, true) => Some(Source::ConfigMaps),
            _ => None,
        };
        let (secret_facts, secrets) = sort(secrets);
        let (config_map_facts, config_maps) = sort(config_maps);
        (
            secret_facts,
            config_map_facts,
            Self {
                secrets,
                config_maps,
                public,
                blind,
            },
        )
    }

    /// Fails with what could not be read: then nobody knows what the application's credentials are.
    pub(super) fn must_be_whole(&self) -> Result<(), Trouble> {
        self.blind
            .map_or(Ok(()), |source| Err(Trouble::Unreadable(Why::Needs(source))))
    }

    /// The value of a key of a secret.
    pub(crate) fn secret(&self, name: &str, key: &str) -> Option<&SecretValue> {
        self.secrets.get(name)?.get(key)
    }

    /// The value of a key of a config map.
    pub(crate) fn config_map(&self, name: &str, key: &str) -> Option<&SecretValue> {
        self.config_maps.get(name)?.get(key)
    }

    /// Every key of a secret with its value.
    pub(crate) fn secret_keys(&self, name: &str) -> impl Iterator<Item = (&String, &SecretValue)> {
        self.secrets.get(name).into_iter().flatten()
    }

    /// Every key of a config map with its value.
    pub(crate) fn config_map_keys(&self, name: &str) -> impl Iterator<Item = (&String, &SecretValue)> {
        self.config_maps.get(name).into_iter().flatten()
    }

    /// Every value that is secret, with the secret's name and its key.
    pub(super) fn named_values(&self) -> impl Iterator<Item = (&str, &str, &SecretValue)> {
        let all = self
            .secrets
            .iter()
            .flat_map(|(name, keys)| keys.iter().map(move |(key, value)| (name, key, value)));
        all.filter(|(name, key, _)| !self.public.contains(&((*name).clone(), (*key).clone())))
            .map(|(name, key, value)| (name.as_str(), key.as_str(), value))
    }

    /// Every value that is secret, with the key that names it.
    pub(crate) fn secret_values(&self) -> impl Iterator<Item = (&str, &SecretValue)> {
        self.named_values().map(|(_, key, value)| (key, value))
    }
}
