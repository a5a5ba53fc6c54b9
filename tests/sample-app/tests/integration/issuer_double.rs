//! A double of an issuer of tokens: discovery, keys that can be changed, and tokens good and bad.
use std::{
    process::Command,
    sync::{Arc, Mutex},
};

use axum::{Json, Router, extract::State, routing::get};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::{
    rand::SystemRandom,
    signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair, RSA_PKCS1_SHA256, RsaKeyPair, RsaPublicKeyComponents,
    },
};
use serde_json::{Value, json};
use tokio::{net::TcpListener, task::JoinHandle};

pub(crate) const AUDIENCE: &str = "api-management";

/// A key pair with its id.
pub(crate) struct Key {
    id: &'static str,
    pair: Pair,
}

enum Pair {
    Rsa(RsaKeyPair),
    Ecdsa(EcdsaKeyPair),
}

impl Key {
    pub(crate) fn rsa(id: &'static str) -> Self {
        // ring signs with RSA keys but makes none.
        let arguments = [
            "genpkey",
            "-algorithm",
            "RSA",
            "-pkeyopt",
            "rsa_keygen_bits:2048",
            "-outform",
            "DER",
        ];
        let output = Command::new("openssl").args(arguments).output().unwrap();
        assert!(output.status.success());
        // OpenSSL 3.0 writes PKCS #1 here, later ones PKCS #8.
        let pair = RsaKeyPair::from_pkcs8(&output.stdout).or_else(|_| RsaKeyPair::from_der(&output.stdout));
        Self {
            id,
            pair: Pair::Rsa(pair.unwrap()),
        }
    }

    pub(crate) fn ecdsa(id: &'static str) -> Self {
        let (random, algorithm) = (SystemRandom::new(), &ECDSA_P256_SHA256_FIXED_SIGNING);
        let document = EcdsaKeyPair::generate_pkcs8(algorithm, &random).unwrap();
        let pair = EcdsaKeyPair::from_pkcs8(algorithm, document.as_ref(), &random).unwrap();
        Self {
            id,
            pair: Pair::Ecdsa(pair),
        }
    }

    fn public(&self) -> Value {
        match &self.pair {
            Pair::Rsa(pair) => {
                let RsaPublicKeyComponents::<Vec<u8>> { n, e } = pair.public().into();
                json!({"kty": "RSA", "use": "sig", "kid": self.id, "alg": "RS256", "n": encode(n), "e": encode(e)})
            }
            Pair::Ecdsa(pair) => {
                let point = pair.public_key().as_ref();
                let (x, y) = (encode(&point[1..33]), encode(&point[33..]));
                json!({"kty": "EC", "use": "sig", "kid": self.id, "alg": "ES256", "crv": "P-256", "x": x, "y": y})
            }
        }
    }

    /// A signed token.
    pub(crate) fn token(&self, claims: &Value) -> String {
        let algorithm = match self.pair {
            Pair::Rsa(_) => "RS256",
            Pair::Ecdsa(_) => "ES256",
        };
        let message = unsigned(&json!({"alg": algorithm, "typ": "JWT", "kid": self.id}), claims);
        let random = SystemRandom::new();
        let signature = match &self.pair {
            Pair::Rsa(pair) => {
                let mut signature = vec![0; pair.public().modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &random, message.as_bytes(), &mut signature)
                    .unwrap();
                signature
            }
            Pair::Ecdsa(pair) => pair.sign(&random, message.as_bytes()).unwrap().as_ref().to_vec(),
        };
        format!("{message}.{}", encode(signature))
    }
}

/// The first two parts of a token.
pub(crate) fn unsigned(header: &Value, claims: &Value) -> String {
    format!("{}.{}", encode(header.to_string()), encode(claims.to_string()))
}

fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

struct Published {
    issuer: String,
    keys: Mutex<Vec<Value>>,
    fetches: Mutex<usize>,
}

/// A running issuer.
pub(crate) struct IssuerDouble {
    published: Arc<Published>,
    task: JoinHandle<std::io::Result<()>>,
}

impl IssuerDouble {
    pub(crate) async fn start(keys: &[&Key]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let issuer = format!("http://{}/realms/test", listener.local_addr().unwrap());
        let published = Arc::new(Published {
            issuer,
            keys: Mutex::default(),
            fetches: Mutex::default(),
        });
        let router = Router::new()
            .route("/realms/test/.well-known/openid-configuration", get(discovery))
            .route("/realms/test/keys", get(key_set))
            .with_state(published.clone());
        let task = tokio::spawn(axum::serve(listener, router).into_future());
        let double = Self { published, task };
        double.publish(keys);
        double
    }

    pub(crate) fn publish(&self, keys: &[&Key]) {
        *self.published.keys.lock().unwrap() = keys.iter().map(|key| key.public()).collect();
    }

    pub(crate) fn fetches(&self) -> usize {
        *self.published.fetches.lock().unwrap()
    }

    pub(crate) fn url(&self) -> &str {
        &self.published.issuer
    }

    pub(crate) fn stop(&self) {
        self.task.abort();
    }

    /// Claims that are good for an hour.
    pub(crate) fn claims(&self, scope: &str) -> Value {
        let now = jiff::Timestamp::now().as_second();
        json!({"iss": self.url(), "aud": AUDIENCE, "sub": "tester", "iat": now, "exp": now + 3600, "scope": scope})
    }
}

async fn discovery(State(published): State<Arc<Published>>) -> Json<Value> {
    let issuer = &published.issuer;
    Json(json!({"issuer": issuer, "jwks_uri": format!("{issuer}/keys")}))
}

async fn key_set(State(published): State<Arc<Published>>) -> Json<Value> {
    *published.fetches.lock().unwrap() += 1;
    let mut keys = published.keys.lock().unwrap().clone();
    // Kinds that the application does not know are common in real sets.
    keys.push(json!({"kty": "AKP", "kid": "of-the-future", "alg": "ML-DSA-44", "pub": "AAAA"}));
    Json(json!({"keys": keys}))
}
