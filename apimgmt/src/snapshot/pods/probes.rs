//! How a container is asked whether it is well, and the ports that it is asked on.

use serde::{Deserialize, Serialize};

use crate::snapshot::Literal;

/// A probe.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Probe {
    /// HTTP request.
    pub http_get: Option<HttpGet>,
    /// TCP connection.
    pub tcp_socket: Option<TcpSocket>,
    /// A command inside the container.
    pub exec: Option<ExecAction>,
    /// Seconds before the first try.
    pub initial_delay_seconds: i64,
    /// Seconds between tries.
    pub period_seconds: i64,
    /// Seconds one try may take.
    pub timeout_seconds: i64,
    /// Failures in a row that count.
    pub failure_threshold: i64,
}

impl Default for Probe {
    /// The API's own defaults.
    fn default() -> Self {
        Self {
            http_get: None,
            tcp_socket: None,
            exec: None,
            initial_delay_seconds: 0,
            period_seconds: 10,
            timeout_seconds: 1,
            failure_threshold: 3,
        }
    }
}

/// The request of an HTTP probe.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default)]
pub struct HttpGet {
    /// Host; empty for the pod itself.
    pub host: String,
    /// Path.
    pub path: String,
    /// Port by number or name.
    pub port: Port,
    /// `HTTP` or `HTTPS`.
    pub scheme: String,
}

/// The port of a TCP probe.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default)]
pub struct TcpSocket {
    /// Host; empty for the pod itself.
    pub host: String,
    /// Port by number or name.
    pub port: Port,
}

/// The command of an exec probe.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default)]
pub struct ExecAction {
    /// Command line; secrets reduced.
    pub command: Vec<Literal>,
}

/// A port by number or by name.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Port {
    /// Number.
    Number(u16),
    /// Name of a container port.
    Name(String),
}

impl Default for Port {
    fn default() -> Self {
        Self::Number(0)
    }
}

impl std::fmt::Display for Port {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Number(number) => write!(formatter, "{number}"),
            Self::Name(name) => formatter.write_str(name),
        }
    }
}
