//! Security Prerequisites and Security Validation.

mod access_control;
mod authorization;
mod compliance;
mod destination;
mod firewall;
mod grants;
mod https;
mod image;
mod images;
mod namespace_isolation;
mod network_policies;
mod pod_security;
mod rbac;
mod references;
mod scans;
mod secret_exposure;
mod secrets;
mod traffic_isolation;
mod vulnerabilities;

pub use access_control::ITEM as ACCESS_CONTROL;
pub use authorization::ITEM as AUTHORIZATION;
pub use compliance::ITEM as COMPLIANCE;
pub use firewall::ITEM as FIREWALL;
pub use https::ITEM as HTTPS;
pub use images::ITEM as IMAGES;
pub use namespace_isolation::ITEM as NAMESPACE_ISOLATION;
pub use network_policies::ITEM as NETWORK_POLICIES;
pub use rbac::ITEM as RBAC;
pub use secret_exposure::ITEM as SECRET_EXPOSURE;
pub use secrets::ITEM as SECRETS;
pub use traffic_isolation::ITEM as TRAFFIC_ISOLATION;
pub use vulnerabilities::ITEM as VULNERABILITIES;
