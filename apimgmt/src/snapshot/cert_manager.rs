//! What cert-manager does about certificates: the certificate asked for, and the steps towards it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Condition, Metadata};

/// A certificate of cert-manager.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct CertificateResource {
    /// Identity.
    pub metadata: Metadata,
    /// What was asked for.
    pub spec: CertificateSpec,
    /// What is.
    pub status: CertificateStatus,
}

/// What a certificate of cert-manager asks for.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct CertificateSpec {
    /// Secret that it keeps.
    pub secret_name: String,
}

/// What a certificate of cert-manager reports.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct CertificateStatus {
    /// Conditions.
    pub conditions: Vec<Condition>,
    /// End of validity.
    pub not_after: Option<Timestamp>,
    /// When it will be renewed.
    pub renewal_time: Option<Timestamp>,
}

/// One try to have a certificate signed.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct CertificateRequest {
    /// Identity; the certificate owns it.
    pub metadata: Metadata,
    /// What was asked for.
    pub spec: CertificateRequestSpec,
    /// What is.
    pub status: CertificateRequestStatus,
}

/// What a request asks for.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct CertificateRequestSpec {
    /// Who is to sign.
    pub issuer_ref: IssuerReference,
}

/// Who signs.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct IssuerReference {
    /// `Issuer` or `ClusterIssuer`; empty means `Issuer`.
    pub kind: String,
    /// Name.
    pub name: String,
}

/// What became of a request.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct CertificateRequestStatus {
    /// Conditions.
    pub conditions: Vec<Condition>,
}

/// An order at an ACME server, or one of its challenges: a step with a state and a reason.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct AcmeStep {
    /// Identity; the request owns the order, the order its challenges.
    pub metadata: Metadata,
    /// What was asked for.
    pub spec: AcmeSpec,
    /// What is.
    pub status: AcmeStatus,
}

/// What a challenge is to prove.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct AcmeSpec {
    /// The name that is to be proven; empty for orders.
    pub dns_name: String,
    /// `HTTP-01` or `DNS-01`; empty for orders.
    #[serde(rename = "type")]
    pub kind: String,
}

/// What became of a step.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct AcmeStatus {
    /// `pending`, `processing`, `valid`, `ready`, `invalid`, `expired`, `errored`.
    pub state: String,
    /// Why, in words of the server or of cert-manager.
    pub reason: String,
}
