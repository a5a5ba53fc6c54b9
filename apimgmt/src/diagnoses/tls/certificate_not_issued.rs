//! cert-manager does not get the certificate that it was asked for.

use crate::{
    checklist::Evidence,
    diagnoses::{
        Diagnosis, Directness, Finding, Topic, Weight,
        scene::{Scene, clean},
    },
    snapshot::{
        Condition, Metadata, Source, Unreadable,
        cert_manager::{AcmeStep, CertificateRequest, CertificateResource},
        condition,
    },
};

pub(in crate::diagnoses) const DIAGNOSIS: Diagnosis = Diagnosis {
    id: "certificate-not-issued",
    topic: Topic::Tls,
    symptom: "A Certificate of cert-manager is not ready, stays in issuing, or is ready though its time is over",
    cause: "The issuer does not sign: the last step of cert-manager says why",
    reads: &[
        Source::Certificates,
        Source::CertificateRequests,
        Source::Orders,
        Source::Challenges,
    ],
    look,
};

/// An order at an ACME server takes a minute or two when all is well.
const PATIENCE: jiff::SignedDuration = jiff::SignedDuration::from_mins(5);

fn look(scene: &Scene<'_>) -> Result<Vec<Finding>, Unreadable> {
    let certificates = scene.snapshot.certificates()?;
    let _ = (
        scene.snapshot.certificate_requests(),
        scene.snapshot.orders(),
        scene.snapshot.challenges(),
    );
    let mut certificates: Vec<_> = certificates.iter().collect();
    certificates.sort_by_key(|certificate| &certificate.metadata.name);
    Ok(certificates
        .into_iter()
        .filter_map(|certificate| finding(scene, certificate))
        .collect())
}

fn finding(scene: &Scene<'_>, certificate: &CertificateResource) -> Option<Finding> {
    let object = format!("certificate/{}", certificate.metadata.name);
    let conditions = &certificate.status.conditions;
    let ready = condition(conditions, "Ready");
    let is_over = certificate.status.not_after.is_some_and(|until| until <= scene.now());
    let issuing = condition(conditions, "Issuing").filter(|one| one.status == "True");
    let waits = |one: &Condition| {
        one.last_transition_time
            .is_none_or(|at| scene.now().duration_since(at) >= PATIENCE)
    };
    let is_ready = ready.is_some_and(|ready| ready.status == "True");
    let how = match certificate.status.not_after {
        Some(until) if is_over && is_ready => format!("says that it is ready, and its time was over at {until}"),
        _ if issuing.is_some_and(waits) => "has been in issuing for minutes".to_owned(),
        _ if ready.is_some_and(|ready| ready.status == "False" && waits(ready)) => "is not ready".to_owned(),
        _ => return None,
    };
    let steps = Steps::of(scene, &certificate.metadata);
    let told = steps.told(scene);
    let why = told.as_ref().map_or_else(
        || {
            ready
                .or(issuing)
                .map(|one| clean(&one.message))
                .filter(|message| !message.is_empty())
        },
        |(_, why)| Some(why.clone()),
    );
    let why = why.map_or(String::new(), |why| format!(": {why}"));
    let weight = if is_over || !is_ready {
        Weight::Critical
    } else {
        Weight::Warning
    };
    let namespace = scene.namespace();
    let stuck = told
        .as_ref()
        .map_or_else(|| object.clone(), |(evidence, _)| evidence.object.clone());
    let finding = Finding::new(DIAGNOSIS.id, &object, format!("{object} {how}{why}"))
        .weighing(weight)
        .shown(Directness::Said)
        .explaining([format!("secret/{}", certificate.spec.secret_name)])
        .because(ready.map(|one| {
            let value = format!("{} {}: {}", one.status, one.reason, one.message);
            scene.field(Source::Certificates, &object, "status.conditions[Ready]", value)
        }))
        .because(told.map(|(evidence, _)| evidence))
        .mend(format!("kubectl describe {stuck} -n {namespace}"));
    // A step that is under way is not begun anew by asking again.
    Some(if issuing.is_none() && is_ready {
        finding.mend(scene.reissue(&certificate.metadata.name))
    } else {
        finding
    })
}

/// The newest steps towards a certificate.
struct Steps<'a> {
    request: Option<&'a CertificateRequest>,
    order: Option<&'a AcmeStep>,
    challenges: Vec<&'a AcmeStep>,
}

impl<'a> Steps<'a> {
    fn of(scene: &Scene<'a>, certificate: &Metadata) -> Self {
        let requests = scene.snapshot.certificate_requests().into_iter().flatten();
        let orders = scene.snapshot.orders().into_iter().flatten();
        let challenges = scene.snapshot.challenges().into_iter().flatten();
        let newest = |metadata: &'a Metadata| (metadata.creation_timestamp, &metadata.name);
        let request = requests
            .filter(|one| one.metadata.is_controlled_by("Certificate", &certificate.name))
            .max_by_key(|one| newest(&one.metadata));
        let order = request.and_then(|request| {
            let own = orders.filter(|one| {
                one.metadata
                    .is_controlled_by("CertificateRequest", &request.metadata.name)
            });
            own.max_by_key(|one| newest(&one.metadata))
        });
        let is_own =
            |one: &&AcmeStep| order.is_some_and(|order| one.metadata.is_controlled_by("Order", &order.metadata.name));
        let mut challenges: Vec<_> = challenges.filter(is_own).collect();
        challenges.sort_by_key(|one| &one.metadata.name);
        Self {
            request,
            order,
            challenges,
        }
    }

    /// The last step that says why, and its words.
    fn told(&self, scene: &Scene<'_>) -> Option<(Evidence, String)> {
        let speaks = |one: &&&AcmeStep| one.status.state != "valid" && !one.status.reason.is_empty();
        if let Some(challenge) = self.challenges.iter().find(speaks) {
            let why = format!(
                "the {} challenge for {} is {}: {}",
                challenge.spec.kind, challenge.spec.dns_name, challenge.status.state, challenge.status.reason
            );
            let object = format!("challenge/{}", challenge.metadata.name);
            let evidence = scene.field(Source::Challenges, object, "status.reason", &challenge.status.reason);
            return Some((evidence, clean(&why)));
        }
        if let Some(order) = self.order.filter(|order| speaks(&order)) {
            let object = format!("order/{}", order.metadata.name);
            let why = format!("its order is {}: {}", order.status.state, order.status.reason);
            return Some((
                scene.field(Source::Orders, object, "status.reason", &order.status.reason),
                clean(&why),
            ));
        }
        let request = self.request?;
        let refused = ["Denied", "InvalidRequest"]
            .iter()
            .find_map(|kind| condition(&request.status.conditions, kind).filter(|one| one.status == "True"));
        let ready = condition(&request.status.conditions, "Ready").filter(|one| one.status != "True");
        let said = refused.or(ready).filter(|one| !one.message.is_empty())?;
        let issuer = &request.spec.issuer_ref;
        let kind = if issuer.kind.is_empty() {
            "Issuer"
        } else {
            issuer.kind.as_str()
        };
        let object = format!("certificaterequest/{}", request.metadata.name);
        let evidence = scene.field(Source::CertificateRequests, object, "status.conditions", &said.message);
        Some((
            evidence,
            clean(&format!("{kind} `{}` did not sign: {}", issuer.name, said.message)),
        ))
    }
}
