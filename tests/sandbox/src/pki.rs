//! The sandbox's certificates: one authority, ECDSA P-256 everywhere, a year of validity.
use std::{fs, net::IpAddr, path::Path};

use anyhow::{Context, Result};
use jiff::{ToSpan, Zoned, civil::Date};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    SanType, date_time_ymd,
};

use crate::{file, site::NODE_ADDRESS};

/// Who a certificate is for.
struct Subject {
    /// The file's name without `.crt` and `.key`.
    file: &'static str,
    name: &'static str,
    organization: Option<&'static str>,
    names: &'static [&'static str],
    addresses: &'static [&'static str],
}

const SUBJECTS: &[Subject] = &[
    Subject {
        file: "apiserver",
        name: "kube-apiserver",
        organization: None,
        names: &[
            "kubernetes",
            "kubernetes.default",
            "kubernetes.default.svc",
            "kubernetes.default.svc.cluster.local",
            "localhost",
        ],
        addresses: &["127.0.0.1", "10.96.0.1", NODE_ADDRESS],
    },
    Subject {
        organization: Some("system:masters"),
        ..client("admin", "sandbox-admin")
    },
    client("controller-manager", "system:kube-controller-manager"),
    client("scheduler", "system:kube-scheduler"),
    client("proxy", "system:kube-proxy"),
    client("front-proxy", "front-proxy"),
    Subject {
        organization: Some("system:nodes"),
        names: &["node1"],
        addresses: &[NODE_ADDRESS],
        ..client("kubelet", "system:node:node1")
    },
    Subject {
        names: &["registry.sandbox.test"],
        addresses: &[NODE_ADDRESS],
        ..client("registry", "registry.sandbox.test")
    },
    Subject {
        names: &["*.sandbox.test", "sandbox.test"],
        ..client("ingress", "*.sandbox.test")
    },
];

const fn client(file: &'static str, name: &'static str) -> Subject {
    Subject {
        file,
        name,
        organization: None,
        names: &[],
        addresses: &[],
    }
}

/// How long a certificate of the ingress counts, and when it is issued anew.
#[derive(Clone, Copy)]
pub(crate) struct Validity {
    pub(crate) from: Date,
    pub(crate) until: Date,
    pub(crate) renewal: Date,
}

/// Days after which `sandbox up` issues all of them anew.
const RENEWED_AFTER: i64 = 200;
const STAMP: &str = "renew-after";

/// The validity of what is there.
pub(crate) fn validity(folder: &Path) -> Result<Validity> {
    let stamp = folder.join(STAMP);
    let text = fs::read_to_string(&stamp).with_context(|| format!("can't read {}", stamp.display()))?;
    let renewal: Date = text.trim().parse()?;
    let made = renewal - RENEWED_AFTER.days();
    Ok(Validity {
        from: made - 1.day(),
        until: made + 1.year(),
        renewal,
    })
}

/// Makes the certificates, unless all are there and have most of their time left.
pub(crate) fn ensure(folder: &Path) -> Result<()> {
    let today = Zoned::now().date();
    let stamp = folder.join(STAMP);
    let fresh = fs::read_to_string(&stamp)
        .ok()
        .and_then(|text| text.trim().parse::<Date>().ok())
        .is_some_and(|renew_after| today < renew_after);
    if fresh
        && SUBJECTS
            .iter()
            .all(|subject| folder.join(subject.file).with_extension("key").exists())
    {
        return Ok(());
    }
    make(folder, today)?;
    write(&stamp, &(today + RENEWED_AFTER.days()).to_string())
}

fn make(folder: &Path, today: Date) -> Result<()> {
    fs::create_dir_all(folder).with_context(|| format!("can't make {}", folder.display()))?;
    let key = KeyPair::generate()?;
    let mut authority = parameters(today, 10)?;
    authority
        .distinguished_name
        .push(DnType::CommonName, "apimgmt sandbox authority");
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    authority.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let certificate = authority.self_signed(&key)?.pem();
    write_pair(folder, "ca", &certificate, &key)?;
    let issuer = Issuer::new(authority, key);
    for subject in SUBJECTS {
        let key = KeyPair::generate()?;
        let leaf = subject.parameters(today)?.signed_by(&key, &issuer)?.pem();
        write_pair(folder, subject.file, &leaf, &key)?;
    }
    // What servers present: the leaf and its issuer.
    let chain = fs::read_to_string(folder.join("ingress.crt"))? + &certificate;
    write(&folder.join("ingress-chain.crt"), &chain)?;
    let service_accounts = KeyPair::generate()?;
    write(&folder.join("service-accounts.key"), &service_accounts.serialize_pem())?;
    write(&folder.join("service-accounts.pub"), &service_accounts.public_key_pem())?;
    self_signed_default(folder, today)
}

/// The certificate of an ingress that knows no better: signed by nobody, for no host.
fn self_signed_default(folder: &Path, today: Date) -> Result<()> {
    let key = KeyPair::generate()?;
    let mut fallback = parameters(today, 1)?;
    fallback
        .distinguished_name
        .push(DnType::CommonName, "Sandbox Ingress Controller Fake Certificate");
    fallback
        .subject_alt_names
        .push(SanType::DnsName("ingress.local".try_into()?));
    let certificate = fallback.self_signed(&key)?.pem();
    write_pair(folder, "fallback", &certificate, &key)
}

impl Subject {
    fn parameters(&self, today: Date) -> Result<CertificateParams> {
        let mut parameters = parameters(today, 1)?;
        parameters.distinguished_name.push(DnType::CommonName, self.name);
        if let Some(organization) = self.organization {
            parameters
                .distinguished_name
                .push(DnType::OrganizationName, organization);
        }
        parameters.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        parameters.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        for name in self.names {
            parameters.subject_alt_names.push(SanType::DnsName((*name).try_into()?));
        }
        for address in self.addresses {
            parameters
                .subject_alt_names
                .push(SanType::IpAddress(address.parse::<IpAddr>()?));
        }
        parameters.use_authority_key_identifier_extension = true;
        Ok(parameters)
    }
}

/// A certificate from yesterday (clocks differ) for a number of years.
fn parameters(today: Date, years: i32) -> Result<CertificateParams> {
    let moment = |date: Date| -> Result<_> {
        Ok(date_time_ymd(
            date.year().into(),
            date.month().try_into()?,
            date.day().try_into()?,
        ))
    };
    let mut parameters = CertificateParams::new(Vec::new())?;
    parameters.distinguished_name = rcgen::DistinguishedName::new();
    parameters.not_before = moment(today - 1.day())?;
    parameters.not_after = moment(today + years.years())?;
    Ok(parameters)
}

fn write_pair(folder: &Path, file: &str, certificate: &str, key: &KeyPair) -> Result<()> {
    write(&folder.join(file).with_extension("crt"), certificate)?;
    write(&folder.join(file).with_extension("key"), &key.serialize_pem())
}

/// Keys are for their owner alone.
fn write(path: &Path, text: &str) -> Result<()> {
    if path.extension().is_some_and(|extension| extension == "key") {
        file::write_private(path, text)
    } else {
        file::write(path, text)
    }
}

#[cfg(test)]
mod tests {
    use rustls::pki_types::{CertificateDer, ServerName, UnixTime, pem::PemObject};
    use webpki::{ALL_VERIFICATION_ALGS, EndEntityCert, KeyUsage, anchor_from_trusted_cert};

    use super::*;

    fn certificate(folder: &Path, file: &str) -> CertificateDer<'static> {
        CertificateDer::from_pem_file(folder.join(file)).unwrap()
    }

    fn accepts(folder: &Path, file: &str, host: &str) -> Result<(), webpki::Error> {
        let authority = certificate(folder, "ca.crt");
        let anchor = anchor_from_trusted_cert(&authority).unwrap();
        let leaf = certificate(folder, file);
        let leaf = EndEntityCert::try_from(&leaf).unwrap();
        leaf.verify_for_usage(
            ALL_VERIFICATION_ALGS,
            &[anchor],
            &[],
            UnixTime::now(),
            KeyUsage::server_auth(),
            None,
            None,
        )?;
        leaf.verify_is_valid_for_subject_name(&ServerName::try_from(host).unwrap())
    }

    #[test]
    fn servers_are_accepted_for_their_names_alone() {
        let folder = tempfile::tempdir().unwrap();
        ensure(folder.path()).unwrap();
        for (file, host) in [
            ("apiserver.crt", "127.0.0.1"),
            ("apiserver.crt", "kubernetes.default.svc"),
            ("kubelet.crt", NODE_ADDRESS),
            ("registry.crt", "registry.sandbox.test"),
            ("ingress-chain.crt", crate::site::HOST),
        ] {
            accepts(folder.path(), file, host).unwrap_or_else(|error| panic!("{file} for {host}: {error}"));
        }
        assert!(accepts(folder.path(), "ingress.crt", "deeper.api.sandbox.test").is_err());
        assert!(accepts(folder.path(), "fallback.crt", "ingress.local").is_err());
    }

    #[test]
    fn certificates_stay_until_they_age() {
        let folder = tempfile::tempdir().unwrap();
        ensure(folder.path()).unwrap();
        let first = fs::read(folder.path().join("ca.crt")).unwrap();
        ensure(folder.path()).unwrap();
        assert_eq!(fs::read(folder.path().join("ca.crt")).unwrap(), first);
        fs::write(folder.path().join("renew-after"), "2020-01-01").unwrap();
        ensure(folder.path()).unwrap();
        assert_ne!(fs::read(folder.path().join("ca.crt")).unwrap(), first);
    }

    #[test]
    fn keys_are_for_their_owner() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        ensure(folder.path()).unwrap();
        let mode = fs::metadata(folder.path().join("admin.key"))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}
