//! Public hosts and their TLS.

use serde::{Deserialize, Serialize};

/// A public host.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ExpectedHost {
    /// Name.
    pub host: String,
    /// Where to connect instead, `HOST:PORT` for HTTPS, as curl's `--connect-to`; empty for the name itself.
    pub connect_to: String,
    /// The same for plain HTTP.
    pub connect_to_http: String,
    /// From where the name must resolve: `here`, `cluster`.
    pub vantage_points: Vec<String>,
}

impl Default for ExpectedHost {
    fn default() -> Self {
        Self {
            host: String::new(),
            connect_to: String::new(),
            connect_to_http: String::new(),
            vantage_points: vec!["here".into(), "cluster".into()],
        }
    }
}

/// What is expected of TLS.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ExpectedTls {
    /// Authorities trusted beside the system's, PEM.
    pub ca_bundle: String,
    /// Oldest version, `1.2` or `1.3`.
    pub minimum_version: String,
    /// `Strict-Transport-Security` is sent.
    pub hsts: bool,
    /// Plain HTTP redirects.
    pub redirect_http: bool,
    /// How certificates are renewed where cert-manager does not.
    pub renewal: Renewal,
}

impl Default for ExpectedTls {
    fn default() -> Self {
        Self {
            ca_bundle: String::new(),
            minimum_version: "1.2".into(),
            hsts: true,
            redirect_http: true,
            renewal: Renewal::default(),
        }
    }
}

/// A declared way of renewal.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Renewal {
    /// What renews: `acme on the load balancer`.
    pub mechanism: String,
    /// Where that can be seen.
    pub evidence: String,
}
