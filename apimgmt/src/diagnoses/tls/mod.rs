//! Certificates, and the ingresses that serve by them.

mod certificate_chain_broken;
mod certificate_ends_soon;
mod certificate_expired;
mod certificate_key_mismatch;
mod certificate_names_wrong;
mod certificate_not_issued;
mod certificate_not_served;
mod ingress_backend_absent;
mod ingress_class_absent;
mod ingress_conflict;
mod node_clock_skewed;
mod tls_secret_absent;

pub(super) use certificate_chain_broken::DIAGNOSIS as CERTIFICATE_CHAIN_BROKEN;
pub(super) use certificate_ends_soon::DIAGNOSIS as CERTIFICATE_ENDS_SOON;
pub(super) use certificate_expired::DIAGNOSIS as CERTIFICATE_EXPIRED;
pub(super) use certificate_key_mismatch::DIAGNOSIS as CERTIFICATE_KEY_MISMATCH;
pub(super) use certificate_names_wrong::DIAGNOSIS as CERTIFICATE_NAMES_WRONG;
pub(super) use certificate_not_issued::DIAGNOSIS as CERTIFICATE_NOT_ISSUED;
pub(super) use certificate_not_served::DIAGNOSIS as CERTIFICATE_NOT_SERVED;
pub(super) use ingress_backend_absent::DIAGNOSIS as INGRESS_BACKEND_ABSENT;
pub(super) use ingress_class_absent::DIAGNOSIS as INGRESS_CLASS_ABSENT;
pub(super) use ingress_conflict::DIAGNOSIS as INGRESS_CONFLICT;
pub(super) use node_clock_skewed::DIAGNOSIS as NODE_CLOCK_SKEWED;
pub(super) use tls_secret_absent::DIAGNOSIS as TLS_SECRET_ABSENT;
