//! The checklist: 52 items, each a value with its own file, judged purely on a Snapshot.

mod clauses;
mod connections;
mod edges;
mod exporter;
mod login;
mod probe;
mod run;
mod standing;
mod verdict;
mod version;
mod visitor;
mod workload;

pub mod cache;
pub mod database;
pub mod functional;
pub mod infrastructure;
pub mod monitoring;
pub mod performance;
pub mod security;

pub use run::{Row, Section, Status, Summary, judge, select, sources};
pub use verdict::{Evidence, Proof, Verdict};

use crate::snapshot::{Snapshot, Source, Unreadable};

/// One line of the checklist.
pub struct Item {
    /// Stable id, `section/slug`; it names the good state.
    pub id: &'static str,
    /// One line for the table, at most 60 characters.
    pub title: &'static str,
    /// Whether it was asked before or after the deployment.
    pub stage: Stage,
    /// The deployment phase whose gate judges it first.
    pub phase: Phase,
    /// What a failure means for the status.
    pub severity: Severity,
    /// Why it matters: what happens to users when it does not hold.
    pub why: &'static str,
    /// What to do when it fails: a real command or a sentence.
    pub fix: &'static str,
    /// What it reads; nothing else is fetched for it.
    pub reads: &'static [Source],
    /// Decides, from what was read alone.
    pub judge: fn(&Snapshot) -> Result<Verdict, Unreadable>,
}

impl Item {
    /// The section, the part of the id before the slash.
    pub fn section(&self) -> &'static str {
        self.id.split_once('/').map_or(self.id, |(section, _)| section)
    }
}

/// The two halves of the document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// Pre-deployment validation.
    Pre,
    /// Post-deployment validation.
    Post,
}

/// What a failure means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Shown as a warning; the status stays.
    Advisory,
    /// Not ready for production.
    Blocking,
}

/// The six phases of the deployment, in order; hooks name them by their lowercase words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// Namespace, quotas, secrets, configuration.
    Infrastructure = 1,
    /// PostgreSQL.
    Database,
    /// Redis.
    Cache,
    /// The application.
    Application,
    /// Services and ingress.
    Ingress,
    /// Monitoring.
    Monitoring,
}

impl Phase {
    /// Every phase, in order.
    pub const ALL: [Self; 6] = [
        Self::Infrastructure,
        Self::Database,
        Self::Cache,
        Self::Application,
        Self::Ingress,
        Self::Monitoring,
    ];

    /// The title in the document.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Infrastructure => "Infrastructure Setup",
            Self::Database => "Database Deployment",
            Self::Cache => "Cache Deployment",
            Self::Application => "Application Deployment",
            Self::Ingress => "Service and Ingress",
            Self::Monitoring => "Monitoring Setup",
        }
    }
}

/// A section of the document: its id, its title, its half.
pub struct SectionTitle {
    /// Id, the first part of its items' ids.
    pub id: &'static str,
    /// Half of the document.
    pub stage: Stage,
    /// Title in the document.
    pub title: &'static str,
}

/// The sections in the document's order.
pub const SECTIONS: &[SectionTitle] = &[
    SectionTitle {
        id: "infrastructure",
        stage: Stage::Pre,
        title: "Infrastructure Readiness",
    },
    SectionTitle {
        id: "security",
        stage: Stage::Pre,
        title: "Security Prerequisites",
    },
    SectionTitle {
        id: "database",
        stage: Stage::Pre,
        title: "Database Preparation",
    },
    SectionTitle {
        id: "cache",
        stage: Stage::Pre,
        title: "Cache Preparation",
    },
    SectionTitle {
        id: "functional",
        stage: Stage::Post,
        title: "Functional Testing",
    },
    SectionTitle {
        id: "performance",
        stage: Stage::Post,
        title: "Performance Validation",
    },
    SectionTitle {
        id: "security",
        stage: Stage::Post,
        title: "Security Validation",
    },
    SectionTitle {
        id: "monitoring",
        stage: Stage::Post,
        title: "Monitoring Validation",
    },
];

/// Every item, in the document's order.
pub const ALL: &[&Item] = &[
    // Infrastructure Readiness
    &infrastructure::CLUSTER,
    &infrastructure::NODE_CAPACITY,
    &infrastructure::NETWORK,
    &infrastructure::STORAGE_CLASSES,
    &infrastructure::LOAD_BALANCER,
    &infrastructure::DNS,
    &infrastructure::TLS_CERTIFICATES,
    // Security Prerequisites
    &security::NAMESPACE_ISOLATION,
    &security::RBAC,
    &security::NETWORK_POLICIES,
    &security::SECRETS,
    &security::IMAGES,
    &security::FIREWALL,
    &security::COMPLIANCE,
    // Database Preparation
    &database::INSTANCE,
    &database::DATABASE,
    &database::USER,
    &database::BACKUP,
    &database::MONITORING,
    &database::TUNING,
    &database::POOLING,
    // Cache Preparation
    &cache::INSTANCE,
    &cache::HIGH_AVAILABILITY,
    &cache::MEMORY,
    &cache::PERSISTENCE,
    &cache::ACCESS_CONTROL,
    &cache::MONITORING,
    // Functional Testing
    &functional::HEALTH,
    &functional::API,
    &functional::GATEWAY,
    &functional::AUTHENTICATION,
    &functional::DATABASE,
    &functional::CACHE,
    &functional::FILES,
    // Performance Validation
    &performance::RESPONSE_TIME,
    &performance::THROUGHPUT,
    &performance::RESOURCE_USAGE,
    &performance::AUTO_SCALING,
    &performance::CONNECTION_POOLING,
    &performance::CACHE_HIT_RATE,
    // Security Validation
    &security::HTTPS,
    &security::ACCESS_CONTROL,
    &security::AUTHORIZATION,
    &security::TRAFFIC_ISOLATION,
    &security::SECRET_EXPOSURE,
    &security::VULNERABILITIES,
    // Monitoring Validation
    &monitoring::METRICS,
    &monitoring::DASHBOARDS,
    &monitoring::ALERTS,
    &monitoring::LOGS,
    &monitoring::APM,
    &monitoring::SYNTHETIC,
];
