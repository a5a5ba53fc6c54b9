//! Diagnoses: each recognises the signature of one fault and names its root cause, or stays silent.

mod finding;
mod fold;
mod narrow;
mod scene;

pub mod database;
pub mod memory;
pub mod network;
pub mod pod;
pub mod release;
pub mod tls;

use std::collections::BTreeSet;

pub use finding::{Directness, Finding, RuledOut, Symptom, Weight};
pub use fold::{Diagnosed, diagnose};
pub use scene::Scene;

use crate::snapshot::{Source, Unreadable};

/// One fault that can be recognised.
pub struct Diagnosis {
    /// Stable id in kebab-case; it names the bad state.
    pub id: &'static str,
    /// The topic of `troubleshoot` that asks for it first.
    pub topic: Topic,
    /// What a user sees.
    pub symptom: &'static str,
    /// The cause in general words, one sentence.
    pub cause: &'static str,
    /// What it reads; nothing else is fetched for it.
    pub reads: &'static [Source],
    /// Recognises it, from what was read alone. Only what it cannot do without makes it unreadable.
    pub look: fn(&Scene<'_>) -> Result<Vec<Finding>, Unreadable>,
}

/// The topics of `troubleshoot`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Topic {
    /// Pods that do not start or do not become ready.
    Pod,
    /// PostgreSQL and Redis.
    Database,
    /// Memory.
    Memory,
    /// Certificates and ingress.
    Tls,
    /// Services, endpoints and policies.
    Network,
    /// Helm's release.
    Release,
}

/// Every diagnosis; the last one looks at what the others left unexplained.
pub const ALL: &[&Diagnosis] = &[
    &pod::IMAGE_ABSENT,
    &pod::PULL_SECRET_ABSENT,
    &pod::REGISTRY_LOGIN_REFUSED,
    &pod::REGISTRY_UNREACHABLE,
    &pod::IMAGE_PLATFORM_WRONG,
    &pod::COMMAND_NOT_FOUND,
    &pod::ENV_SOURCE_ABSENT,
    &pod::ENV_KEY_ABSENT,
    &pod::VOLUME_SOURCE_ABSENT,
    &pod::ROOT_IMAGE_REFUSED,
    &pod::NODE_ROOM_INSUFFICIENT,
    &pod::NO_NODE_MATCHES,
    &pod::ANTI_AFFINITY_UNSATISFIABLE,
    &pod::STORAGE_CLASS_ABSENT,
    &pod::SERVICE_ACCOUNT_ABSENT,
    &pod::QUOTA_EXCEEDED,
    &pod::POD_SECURITY_REFUSED,
    &pod::WORKLOAD_SCALED_TO_ZERO,
    &pod::INIT_CONTAINER_WAITS,
    &pod::READINESS_PROBE_WRONG,
    &pod::LIVENESS_PROBE_WRONG,
    &pod::LIVENESS_KILLS_SLOW_START,
    &memory::MEMORY_LIMIT_INJECTED,
    &memory::HEAP_EXCEEDS_LIMIT,
    &memory::OUT_OF_MEMORY_LOOP,
    &memory::OUT_OF_MEMORY_RECOVERED,
    &memory::KILLED_BY_LIVENESS,
    &memory::POD_EVICTED,
    &pod::POD_STUCK_TERMINATING,
    &pod::NODE_LOST,
    &pod::WEBHOOK_FAILS,
    &pod::VOLUME_HELD_ELSEWHERE,
    &pod::VOLUME_BOUND_ELSEWHERE,
    &pod::VOLUME_RESIZE_WAITS,
    &pod::ENV_VARIABLE_REPEATED,
    &pod::SECRET_VALUE_MALFORMED,
    &pod::SECRET_VALUE_PLACEHOLDER,
    &pod::CONFIGURATION_OUTDATED,
    &pod::PERMISSION_MISSING,
    &network::SERVICE_SELECTS_NOTHING,
    &network::NETWORK_POLICY_BLOCKS,
    &network::DEPENDENCY_ELSEWHERE,
    &network::DEPENDENCY_REFUSED,
    &network::DEPENDENCY_HOST_UNKNOWN,
    &network::TARGET_PORT_ABSENT,
    &network::DNS_POLICY_BYPASSES_CLUSTER,
    &network::LOAD_BALANCER_PENDING,
    &network::TRAFFIC_POLICY_LOCAL,
    &database::CONNECTIONS_EXHAUSTED,
    &database::DATABASE_LOGIN_REFUSED,
    &database::LOCK_PILE_UP,
    &database::DATABASE_VOLUME_FULL,
    &database::CACHE_MEMORY_FULL,
    &database::CACHE_SAVE_FAILING,
    &database::CACHE_LOGIN_REFUSED,
    &database::WRITES_REACH_STANDBY,
    &database::CACHE_WRITES_REACH_REPLICA,
    &database::CACHE_REPLICA_LINK_DOWN,
    &database::REPLICATION_SLOT_INACTIVE,
    &database::ARCHIVING_FAILING,
    &database::DATA_FILES_INCOMPATIBLE,
    &database::SCHEMA_BEHIND,
    &database::CACHE_CLIENTS_EXHAUSTED,
    &database::CACHE_MEMORY_UNBOUNDED,
    &database::TRANSACTION_IDS_RUNNING_OUT,
    &database::BACKUP_FAILING,
    &database::BACKUP_UNUSABLE,
    &database::CONNECTION_UNENCRYPTED,
    &database::DURABILITY_OFF,
    &database::COLLATION_VERSION_CHANGED,
    &database::VACUUM_BEHIND,
    &database::CACHE_EVICTING,
    &database::CACHE_COMMANDS_SLOW,
    &database::CACHE_LOADING,
    &database::SHARED_MEMORY_FULL,
    &database::REPLICA_LAGGING,
    &database::ROLLOUT_EXHAUSTS_CONNECTIONS,
    &tls::TLS_SECRET_ABSENT,
    &tls::CERTIFICATE_NOT_ISSUED,
    &tls::CERTIFICATE_EXPIRED,
    &tls::CERTIFICATE_KEY_MISMATCH,
    &tls::CERTIFICATE_NAMES_WRONG,
    &tls::CERTIFICATE_CHAIN_BROKEN,
    &tls::CERTIFICATE_NOT_SERVED,
    &tls::CERTIFICATE_ENDS_SOON,
    &tls::INGRESS_CLASS_ABSENT,
    &tls::INGRESS_BACKEND_ABSENT,
    &tls::INGRESS_CONFLICT,
    &tls::NODE_CLOCK_SKEWED,
    &release::RELEASE_PENDING,
    &release::RELEASE_FAILED,
    &release::DEPLOYMENT_PAUSED,
    &release::HOOK_FAILED,
    &release::AUTOSCALER_BLIND,
    &release::METRICS_API_DOWN,
    &release::BUDGET_FORBIDS_DRAIN,
    &release::FORMER_REVISIONS_DROPPED,
    &pod::UNEXPLAINED,
];

/// What has to be read for some diagnoses and for folding what they find.
pub fn reads(diagnoses: &[&'static Diagnosis]) -> BTreeSet<Source> {
    diagnoses
        .iter()
        .flat_map(|diagnosis| diagnosis.reads)
        .chain(fold::READS)
        .copied()
        .collect()
}
