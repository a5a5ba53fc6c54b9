//! Who may do what in Redis: never a password or its hash.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// What Redis tells of access.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct RedisAccess {
    /// What a client that did not log in got for a PING: `PONG`, or the server's refusal.
    pub stranger: String,
    /// The application's user as `ACL GETUSER` shows it.
    pub user: Option<AclUser>,
    /// What the server says when the application's user would call a command, by `ACL DRYRUN`, which executes nothing.
    pub commands: BTreeMap<String, Permission>,
    /// Users other than the application's that are on and need no password.
    pub open_users: Vec<String>,
    /// Why the list of users could not be read.
    pub error: Option<String>,
}

/// Whether a command would be let through.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Permission {
    /// It would be executed.
    Allowed,
    /// The user may not call it.
    Denied,
    /// The server does not know it, so that nobody can call it.
    #[default]
    Absent,
}

/// A user of Redis.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct AclUser {
    /// Name.
    pub name: String,
    /// `on`, `nopass`, `allkeys`, `allcommands`, …
    pub flags: Vec<String>,
    /// How many passwords it has.
    pub passwords: usize,
    /// Rules of commands.
    pub commands: String,
    /// Patterns of keys.
    pub keys: String,
    /// Patterns of channels.
    pub channels: String,
}
