//! Infrastructure Readiness: cluster, nodes, network, storage, load balancer, DNS, certificates.

mod amounts;
mod cluster;
mod dns;
mod load_balancer;
mod neighbours;
mod network;
mod node_capacity;
mod packing;
mod renewal;
mod storage_classes;
mod tls_certificates;

pub use cluster::ITEM as CLUSTER;
pub use dns::ITEM as DNS;
pub use load_balancer::ITEM as LOAD_BALANCER;
pub use network::ITEM as NETWORK;
pub use node_capacity::ITEM as NODE_CAPACITY;
pub use storage_classes::ITEM as STORAGE_CLASSES;
pub use tls_certificates::ITEM as TLS_CERTIFICATES;
