//! Calls over HTTP that are declared, and what must come back.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Span;

/// One call. In path, headers and body `{unique}` stands for a word of this run, and `{NAME}` for what an earlier call
/// captured.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ExpectedCall {
    /// Method.
    pub method: String,
    /// Public host; empty: the first of `checklist.hosts`.
    pub host: String,
    /// Path with its query.
    pub path: String,
    /// Headers that are sent.
    pub headers: BTreeMap<String, String>,
    /// JSON that is sent.
    pub body: Option<Value>,
    /// Whose token is sent: a role of `checklist.authentication.clients`; empty: none.
    pub role: String,
    /// Expected status.
    pub status: u16,
    /// Expected JSON by JSON pointer (RFC 6901); `*` is anything that is there.
    pub fields: BTreeMap<String, Value>,
    /// Expected headers of the answer; `*` is any value, and an empty one means that the header must not be there.
    pub response_headers: BTreeMap<String, String>,
    /// What later calls need of the answer: a name for a JSON pointer.
    pub capture: BTreeMap<String, String>,
}

impl Default for ExpectedCall {
    fn default() -> Self {
        Self {
            method: "GET".into(),
            host: String::new(),
            path: String::new(),
            headers: BTreeMap::new(),
            body: None,
            role: String::new(),
            status: 200,
            fields: BTreeMap::new(),
            response_headers: BTreeMap::new(),
            capture: BTreeMap::new(),
        }
    }
}

impl ExpectedCall {
    /// Its first line, for messages.
    pub fn title(&self) -> String {
        format!("{} {}", self.method, self.path)
    }
}

/// The core calls of the API, in their order.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ExpectedApi {
    /// Calls; those that create come with those that take away again.
    pub calls: Vec<ExpectedCall>,
}

/// What the gateway does with what comes in.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ExpectedGateway {
    /// `HOST:PORT` that pods of this cluster connect to for the public hosts; empty: as names resolve.
    pub connect_to: String,
    /// Paths that reach a backend, with what only that backend answers.
    pub routes: Vec<ExpectedCall>,
    /// Paths that lead nowhere and must answer 404.
    pub unknown: Vec<String>,
    /// Headers that every routed answer has; `*` is any value, an empty one means that it must not be there.
    pub headers: BTreeMap<String, String>,
    /// Where too many requests answer 429.
    pub rate_limit: Option<ExpectedRateLimit>,
    /// Where too large a body answers 413.
    pub size_limit: Option<ExpectedSizeLimit>,
}

/// A limit of requests.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ExpectedRateLimit {
    /// Path that is asked for.
    pub path: String,
    /// Most requests that are made until one is refused: above the limit times the pods that count for themselves.
    pub requests: u32,
}

impl Default for ExpectedRateLimit {
    fn default() -> Self {
        Self {
            path: "/".into(),
            requests: 2000,
        }
    }
}

/// A limit of bodies.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ExpectedSizeLimit {
    /// Method.
    pub method: String,
    /// Path.
    pub path: String,
    /// Whose token is sent; empty: none.
    pub role: String,
    /// Largest body that is taken.
    pub bytes: u64,
}

impl Default for ExpectedSizeLimit {
    fn default() -> Self {
        Self {
            method: "POST".into(),
            path: "/".into(),
            role: String::new(),
            bytes: 1 << 20,
        }
    }
}

/// Who issues tokens, to whom, and what a token opens.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ExpectedAuthentication {
    /// `OpenID` issuer, as tokens name it; empty: none is declared.
    pub issuer: String,
    /// Audience that tokens for this API name.
    pub audience: String,
    /// A call that takes a token.
    pub call: ExpectedCall,
    /// Who gets tokens by client credentials.
    pub clients: Vec<ExpectedClient>,
    /// Role whose tokens open the call.
    pub role: String,
    /// Role whose tokens live for seconds, so that an expired one can be tried.
    pub expiring: String,
    /// Role whose tokens are for another audience.
    pub foreign: String,
    /// How far clocks may differ before an expired token is refused.
    pub leeway: Span,
    /// A person who logs in with a browser.
    pub code_flow: Option<ExpectedCodeFlow>,
}

impl Default for ExpectedAuthentication {
    fn default() -> Self {
        Self {
            issuer: String::new(),
            audience: String::new(),
            call: ExpectedCall::default(),
            clients: Vec::new(),
            role: "admin".into(),
            expiring: String::new(),
            foreign: String::new(),
            leeway: Span(std::time::Duration::from_secs(10)),
            code_flow: None,
        }
    }
}

/// A confidential client: its id and secret are keys of a Secret of the namespace.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ExpectedClient {
    /// Role that calls refer to.
    pub role: String,
    /// Secret.
    pub secret: String,
    /// Key of the id.
    pub id_key: String,
    /// Key of the secret.
    pub secret_key: String,
    /// Scope that is asked for; empty: what the issuer gives by default.
    pub scope: String,
}

/// The authorization code flow with PKCE: a public client and a person, by keys of a Secret of the namespace.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ExpectedCodeFlow {
    /// Secret.
    pub secret: String,
    /// Key of the client's id.
    pub id_key: String,
    /// Key of the person's name.
    pub username_key: String,
    /// Key of the person's password.
    pub password_key: String,
    /// Where the issuer sends the code; nothing is asked there.
    pub redirect_uri: String,
    /// Scope that is asked for.
    pub scope: String,
}

/// Who may do what.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ExpectedAuthorization {
    /// Calls with the token of a role.
    pub calls: Vec<AuthorizedCall>,
    /// What service accounts may do in the cluster.
    pub service_accounts: Vec<AuthorizedAccess>,
}

/// Whether something is permitted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Allowance {
    /// It is.
    Allowed,
    /// It is not.
    #[default]
    Refused,
}

/// A call that a role may make or not.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct AuthorizedCall {
    /// Whether it may.
    pub expect: Allowance,
    /// The call; its status is not looked at, only whether it is refused.
    #[serde(flatten)]
    pub call: ExpectedCall,
}

/// What a service account may do or not.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct AuthorizedAccess {
    /// Name in the namespace; empty: the application's.
    pub account: String,
    /// RBAC verb.
    pub verb: String,
    /// API group.
    pub group: String,
    /// Plural resource, with a subresource after `/`.
    pub resource: String,
    /// Whether it may.
    pub expect: Allowance,
}

/// Routes that take a good token.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ExpectedAccessControl {
    /// Calls that must be refused without a good token; they name what does not exist, lest one is carried out.
    pub routes: Vec<ExpectedCall>,
}

/// Where large files go up and come back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ExpectedFiles {
    /// Path of a file, with `{unique}` in its name; empty: files are not transferred.
    pub path: String,
    /// Whose token is sent; empty: none.
    pub role: String,
    /// Size of the file that is transferred.
    pub bytes: u64,
    /// Largest file that is taken.
    pub limit: u64,
}

impl Default for ExpectedFiles {
    fn default() -> Self {
        Self {
            path: String::new(),
            role: String::new(),
            bytes: 16 << 20,
            limit: 100 << 20,
        }
    }
}

/// The load that `--load` makes, against the application's own service.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ExpectedLoad {
    /// Path that is asked for; a GET, so that nothing is left behind.
    pub path: String,
    /// How long.
    pub duration: Span,
    /// Pods that share the rate.
    pub workers: u32,
    /// Connections of each pod.
    pub connections: u32,
}

impl Default for ExpectedLoad {
    fn default() -> Self {
        Self {
            path: "/api/v1/apis".into(),
            // Autoscalers learn of it within 30 s: the metrics' resolution, and their own period.
            duration: Span(std::time::Duration::from_mins(1)),
            workers: 2,
            connections: 16,
        }
    }
}

/// A digest of what is declared: a result proves only what was declared when it was made.
pub fn fingerprint(declared: &impl Serialize) -> String {
    use sha2::{Digest, Sha256};
    use std::fmt::Write as _;
    let text = serde_json::to_string(declared).unwrap_or_default();
    Sha256::digest(text.as_bytes())
        .iter()
        .take(6)
        .fold(String::new(), |mut digest, byte| {
            let _ = write!(digest, "{byte:02x}");
            digest
        })
}
