//! A certificate is not for the host that is served by it.

use crate::{
    diagnoses::{
        Diagnosis, Directness, Finding, Topic,
        scene::{Scene, certificates::Stored, clean, list},
    },
    snapshot::{Source, Unreadable},
};

pub(in crate::diagnoses) const DIAGNOSIS: Diagnosis = Diagnosis {
    id: "certificate-names-wrong",
    topic: Topic::Tls,
    symptom: "Clients refuse the host: the certificate is for another one",
    cause: "The names in the certificate do not cover the host of the ingress; a wildcard covers exactly one label",
    reads: &[Source::Ingresses, Source::Secrets, Source::Certificates],
    look,
};

fn look(scene: &Scene<'_>) -> Result<Vec<Finding>, Unreadable> {
    let _ = scene.snapshot.certificates();
    let stored = scene.stored_certificates()?;
    Ok(stored.iter().filter_map(|stored| finding(scene, stored)).collect())
}

fn finding(scene: &Scene<'_>, stored: &Stored<'_>) -> Option<Finding> {
    let leaf = stored.chain().first()?;
    // An ingress for `*.example.com` needs a certificate that covers any label there.
    let is_left_out = |host: &str| !leaf.covers(&host.replacen('*', "any", 1));
    let missed: Vec<_> = stored.users.iter().filter(|(_, host)| is_left_out(host)).collect();
    let mut hosts: Vec<_> = missed.iter().map(|(_, host)| clean(host)).collect();
    hosts.dedup();
    let mut ingresses: Vec<_> = missed.iter().map(|(ingress, _)| ingress.object()).collect();
    ingresses.dedup();
    let (object, names) = (stored.object(), clean(&leaf.names.join(", ")));
    let names = if names.is_empty() {
        "no name at all".to_owned()
    } else {
        names
    };
    (!missed.is_empty()).then(|| {
        let finding = Finding::new(
            DIAGNOSIS.id,
            &object,
            format!(
                "the certificate in {object} is for {names}, and {} serves {} by it",
                list(&ingresses),
                list(&hosts)
            ),
        )
        .shown(Directness::Compared)
        .explaining(ingresses.clone())
        .because([scene.field(Source::Secrets, &object, "tls.crt names", &names)])
        .because(
            missed
                .iter()
                .take(3)
                .map(|(ingress, host)| scene.field(Source::Ingresses, ingress.object(), "spec.tls host", host)),
        );
        match scene.keeper(stored.name) {
            Some(keeper) => finding.mend(format!(
                "kubectl edit certificate/{} -n {}",
                keeper.metadata.name,
                scene.namespace()
            )),
            None => finding.mend(scene.replace_certificate(stored.name)).mend(format!(
                "kubectl edit {} -n {}",
                ingresses[0],
                scene.namespace()
            )),
        }
    })
}
