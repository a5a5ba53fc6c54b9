//! The issuer's public keys, found by discovery, kept, and fetched again when a token names an unknown one.
use std::time::Duration;

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
const MINIMUM_AGE: Duration = Duration::from_secs(1);
const LIMIT: Duration = Duration::from_secs(5);

/// Why a key can't be had.
#[derive(Debug, thiserror::Error)]
pub(crate) enum KeyError {
    #[error("the token names no key of the issuer")]
    Unknown,
    #[error("the issuer's keys can't be had: {0}")]
    Issuer(String),
}

struct Fetched {
    keys: Vec<Jwk>,
    at: Instant,
}

/// The keys of one issuer.
pub(crate) struct Keys {
    issuer: String,
    client: Client,
    // Held while fetching, so that many requests with an unknown key fetch once.
    fetched: Mutex<Option<Fetched>>,
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
            fetched: Mutex::default(),
        }
    }

    /// The key with this id; without an id, the only key there is.
    pub(crate) async fn find(&self, id: Option<&str>) -> Result<Jwk, KeyError> {
        let mut fetched = self.fetched.lock().await;
        let known = fetched
            .as_ref()
            .and_then(|fetched| pick(&fetched.keys, id).map(|key| (key, fetched.at.elapsed())));
        let age = fetched.as_ref().map(|fetched| fetched.at.elapsed());
        match (known, age) {
            (Some((key, age)), _) if age < MAXIMUM_AGE => return Ok(key),
            (None, Some(age)) if age < MINIMUM_AGE => return Err(KeyError::Unknown),
            _ => {}
        }
        let keys = self.fetch().await.map_err(|why| {
            warn!(issuer = self.issuer, error = why, "issuer's keys can't be fetched");
            KeyError::Issuer(why)
        })?;
        info!(issuer = self.issuer, keys = keys.len(), "fetched the issuer's keys");
        let found = pick(&keys, id).ok_or(KeyError::Unknown);
        *fetched = Some(Fetched {
            keys,
            at: Instant::now(),
        });
        found
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
