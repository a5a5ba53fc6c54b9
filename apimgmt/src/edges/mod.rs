//! The connections of the platform: those that it needs, and those that must be closed. They follow from who plays which
//! role and from `checklist.network`; policies are evaluated on them, and probes try them.

mod ends;
mod plan;
pub(crate) mod policy;

use serde::{Deserialize, Serialize};

pub use ends::{Ends, Place};
pub use plan::{Edges, METADATA};

/// Who connects, and for whose sake a probe's pod stands there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stand {
    /// The application.
    Application,
    /// The database.
    Database,
    /// The cache.
    Cache,
    /// The Sentinels that watch over the cache.
    Sentinel,
    /// What scrapes.
    Monitoring,
    /// A pod of the namespace that plays no part.
    Stranger,
    /// A pod of another namespace.
    Outside,
}

impl Stand {
    /// Every one.
    pub const ALL: [Self; 7] = [
        Self::Application,
        Self::Database,
        Self::Cache,
        Self::Sentinel,
        Self::Monitoring,
        Self::Stranger,
        Self::Outside,
    ];

    /// Its name in values, results and messages.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Application => "application",
            Self::Database => "database",
            Self::Cache => "cache",
            Self::Sentinel => "sentinel",
            Self::Monitoring => "monitoring",
            Self::Stranger => "stranger",
            Self::Outside => "outside",
        }
    }

    /// The one of a name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|stand| stand.name() == name)
    }

    /// The value of `apimgmt.io/network` that the part's pods carry; policies select it and nothing else does.
    pub const fn network(self) -> Option<&'static str> {
        match self {
            Self::Application => Some("app"),
            Self::Database => Some("database"),
            Self::Cache | Self::Sentinel => Some("cache"),
            Self::Monitoring => Some("monitoring"),
            Self::Stranger | Self::Outside => None,
        }
    }
}

/// Whether the outcome of a try is that of an open edge: `open`, or `open` and what was seen.
pub(crate) fn is_open(outcome: &str) -> bool {
    outcome == "open" || outcome.starts_with("open ")
}

/// How a target is tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Way {
    /// A TCP connection.
    Tcp,
    /// A name is looked up.
    Name,
    /// A GET over HTTPS; an error of the gateway is no answer.
    Https,
}

/// What is connected to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Target {
    /// How.
    pub way: Way,
    /// Name or address.
    pub host: String,
    /// The address of that name where it is known: closed ends are tried without asking for names.
    pub address: Option<String>,
    /// Port of the host.
    pub port: u16,
    /// Path of a GET.
    pub path: String,
    /// The part that it is, when it is one.
    pub part: Option<Stand>,
}

impl Target {
    /// A name that is looked up.
    pub fn name(host: &str) -> Self {
        Self {
            way: Way::Name,
            host: host.into(),
            address: None,
            port: 0,
            path: String::new(),
            part: None,
        }
    }

    /// `HOST:PORT` over TCP.
    pub fn tcp(host: &str, port: u16) -> Self {
        Self {
            way: Way::Tcp,
            port,
            ..Self::name(host)
        }
    }

    /// How it is named, without who connects.
    pub fn words(&self) -> String {
        match self.way {
            Way::Tcp => format!("{}:{}", self.host, self.port),
            Way::Name => format!("name {}", self.host),
            Way::Https => format!("https://{}{}", self.host, self.path),
        }
    }

    /// The name of the edge from a stand to here: `application -> postgres.shop.svc:5432`.
    pub fn id(&self, from: Stand) -> String {
        format!("{} -> {}", from.name(), self.words())
    }
}

/// What an edge is wanted for, or against.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Purpose {
    /// The platform does not work without it.
    Needed,
    /// A public host must resolve.
    Lookup,
    /// Traffic between parts, or from strangers, that nobody needs.
    Isolation,
    /// A way out that nobody declared.
    Egress,
}

/// A connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edge {
    /// Who connects.
    pub from: Stand,
    /// To what.
    pub to: Target,
    /// What for.
    pub purpose: Purpose,
}

impl Edge {
    /// Its name in results and messages.
    pub fn id(&self) -> String {
        self.to.id(self.from)
    }

    /// Whether it must be open.
    pub const fn is_needed(&self) -> bool {
        matches!(self.purpose, Purpose::Needed | Purpose::Lookup)
    }
}
