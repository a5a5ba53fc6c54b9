//! Services and the way to what stands behind them.

mod dependency_elsewhere;
mod dependency_host_unknown;
mod dependency_refused;
mod dns_policy_bypasses_cluster;
mod load_balancer_pending;
mod network_policy_blocks;
mod service_selects_nothing;
mod target_port_absent;
mod traffic_policy_local;

pub(super) use dependency_elsewhere::DIAGNOSIS as DEPENDENCY_ELSEWHERE;
pub(super) use dependency_host_unknown::DIAGNOSIS as DEPENDENCY_HOST_UNKNOWN;
pub(super) use dependency_refused::DIAGNOSIS as DEPENDENCY_REFUSED;
pub(super) use dns_policy_bypasses_cluster::DIAGNOSIS as DNS_POLICY_BYPASSES_CLUSTER;
pub(super) use load_balancer_pending::DIAGNOSIS as LOAD_BALANCER_PENDING;
pub(super) use network_policy_blocks::DIAGNOSIS as NETWORK_POLICY_BLOCKS;
pub(super) use service_selects_nothing::DIAGNOSIS as SERVICE_SELECTS_NOTHING;
pub(super) use target_port_absent::DIAGNOSIS as TARGET_PORT_ABSENT;
pub(super) use traffic_policy_local::DIAGNOSIS as TRAFFIC_POLICY_LOCAL;
