//! The issuer's public keys, found by discovery, kept, and fetched again when a token names an unknown one.
use std::{
    sync::{PoisonError, RwLock, RwLockReadGuard},
    time::Duration,
};

use jsonwebtoken::jwk::{Jwk, PublicKeyUse};
use reqwest::Client;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;
use tokio::{sync::Mutex, time::Instant};
use tracing::{info, warn};

use crate::dependencies;

/// Keys are asked for again after this time, so that a withdrawn one stops counting.
const MAXIMUM_AGE: Duration = Duration::from_mins(10);
/// Unknown keys don't make this application ask more often than this.
const PAUSE: Duration = Duration::from_secs(1);
const LIMIT: Duration = Duration::from_secs(5);

/// Why a key can't be had.
#[derive(Debug, thiserror::Error)]
pub(crate) enum KeyError {
    #[error("the token names no key of the issuer")]
    Unknown,
    #[error("the issuer's keys can't be had")]
    Issuer,
}

#[derive(Default)]
struct Known {
    keys: Vec<Jwk>,
    fetched_at: Option<Instant>,
    asked_at: Option<Instant>,
}

/// The keys of one issuer.
pub(crate) struct Keys {
    issuer: String,
    client: Client,
    known: RwLock<Known>,
    // One request fetches for all; those with a known key don't wait for it.
    fetching: Mutex<()>,
}

#[derive(Deserialize)]
struct Discovery {
    issuer: String,
    jwks_uri: String,
}

#[derive(Deserialize)]
struct KeySet {
    keys: Vec<Value>,
}

impl Keys {
    pub(crate) fn new(issuer: String, client: Client) -> Self {
        Self {
            issuer,
            client,
            known: RwLock::default(),
            fetching: Mutex::default(),
        }
    }

    /// The key with this id; without an id, the only key there is.
    pub(crate) async fn find(&self, id: Option<&str>) -> Result<Jwk, KeyError> {
        if let Some(key) = self.fresh(id) {
            return Ok(key);
        }
        let _fetching = self.fetching.lock().await;
        // Another request may have fetched meanwhile.
        if let Some(key) = self.fresh(id) {
            return Ok(key);
        }
        let asked_just_now = self.read().asked_at.is_some_and(|at| at.elapsed() < PAUSE);
        if !asked_just_now {
            self.refresh().await;
        }
        let known = self.read();
        // A key that is known stays good while the issuer can't be asked.
        match pick(&known.keys, id) {
            Some(key) => Ok(key),
            None if known.fetched_at == known.asked_at => Err(KeyError::Unknown),
            None => Err(KeyError::Issuer),
        }
    }

    fn read(&self) -> RwLockReadGuard<'_, Known> {
        self.known.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn fresh(&self, id: Option<&str>) -> Option<Jwk> {
        let known = self.read();
        let is_fresh = known.fetched_at.is_some_and(|at| at.elapsed() < MAXIMUM_AGE);
        is_fresh.then(|| pick(&known.keys, id)).flatten()
    }

    async fn refresh(&self) {
        let result = self.fetch().await;
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        known.asked_at = Some(Instant::now());
        match result {
            Ok(keys) => {
                info!(issuer = self.issuer, keys = keys.len(), "fetched the issuer's keys");
                (known.keys, known.fetched_at) = (keys, known.asked_at);
            }
            Err(why) => warn!(issuer = self.issuer, error = why, "issuer's keys can't be fetched"),
        }
    }

    async fn fetch(&self) -> Result<Vec<Jwk>, String> {
        let url = format!("{}/.well-known/openid-configuration", self.issuer.trim_end_matches('/'));
        let discovery: Discovery = self.get(&url).await?;
        if discovery.issuer != self.issuer {
            return Err(format!(
                "the discovery document names another issuer, `{}`",
                discovery.issuer
            ));
        }
        let set: KeySet = self.get(&discovery.jwks_uri).await?;
        // A kind of key that is unknown here is left out, not an error.
        let keys = set
            .keys
            .into_iter()
            .filter_map(|key| serde_json::from_value::<Jwk>(key).ok());
        Ok(keys
            .filter(|key| key.common.public_key_use != Some(PublicKeyUse::Encryption))
            .collect())
    }

    async fn get<T: DeserializeOwned>(&self, url: &str) -> Result<T, String> {
        let describe = |error: reqwest::Error| format!("{url}: {}", dependencies::describe(&error.without_url()));
        let answer = self.client.get(url).timeout(LIMIT).send().await.map_err(describe)?;
        answer
            .error_for_status()
            .map_err(describe)?
            .json()
            .await
            .map_err(describe)
    }
}

fn pick(keys: &[Jwk], id: Option<&str>) -> Option<Jwk> {
    match (id, keys) {
        (Some(id), _) => keys
            .iter()
            .find(|key| key.common.key_id.as_deref() == Some(id))
            .cloned(),
        (None, [only]) => Some(only.clone()),
        (None, _) => None,
    }
}
