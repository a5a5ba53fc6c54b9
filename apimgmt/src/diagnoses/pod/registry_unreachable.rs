//! The registry of an image cannot be reached from the node.

use crate::{
    diagnoses::{
        Diagnosis, Directness, Finding, Topic,
        scene::{Group, PullFailure, Scene, clean, per_key, pulls},
    },
    snapshot::{Source, Unreadable},
};

pub(in crate::diagnoses) const DIAGNOSIS: Diagnosis = Diagnosis {
    id: "registry-unreachable",
    topic: Topic::Pod,
    symptom: "Pods stay in ImagePullBackOff",
    cause: "The node gets no answer from the registry: its name, its certificate or the way to it",
    reads: &[Source::Pods, Source::ReplicaSets, Source::Jobs, Source::Events],
    look,
};

fn look<'a>(scene: &Scene<'a>) -> Result<Vec<Finding>, Unreadable> {
    let pulls = scene.pulls(PullFailure::Unreachable)?;
    let groups = per_key(
        scene,
        pulls
            .iter()
            .map(|pull| (pulls::registry(pull.image).to_owned(), pull.sighting)),
    );
    let finding = |group: Group<'a>| {
        let registry = clean(&group.key);
        let pod = group.first().pod;
        let mine = pulls
            .iter()
            .find(|pull| pull.sighting.pod.metadata.name == pod.metadata.name);
        let (why, mended) = reason(mine.map_or("", |pull| pull.message));
        let node = match pod.node_name.as_str() {
            "" => "the node",
            node => node,
        };
        Finding::new(
            DIAGNOSIS.id,
            scene.workload(pod),
            format!("{node} cannot pull from {registry} for {}: {why}", group.workload),
        )
        .shown(Directness::Said)
        .explaining(group.pods())
        .because(mine.into_iter().flat_map(|pull| scene.pull_evidence(pull)))
        .not("the image does not exist", "no registry answered whether it does")
        .mend(mended)
        .mend(format!(
            "kubectl debug node/{node} -it --image=busybox -- wget -O- https://{registry}/v2/"
        ))
    };
    Ok(groups.into_iter().map(finding).collect())
}

/// What stands in the way, and what to do about it.
fn reason(message: &str) -> (&'static str, &'static str) {
    let lower = message.to_ascii_lowercase();
    let has = |word: &str| lower.contains(word);
    if has("x509:") || has("tls:") || has("tls handshake") {
        (
            "the registry's certificate is not trusted there",
            "Trust the registry's authority on every node (containerd: `certs.d/HOST/hosts.toml` with `ca`), or give the registry a certificate that is trusted",
        )
    } else if has("no such host") {
        (
            "the registry's name does not resolve there",
            "Correct the registry's name in the image, or teach the nodes' resolver that name",
        )
    } else if has("http response to https client") {
        (
            "the registry speaks plain HTTP",
            "Serve the registry over TLS, or declare it insecure in the nodes' container runtime",
        )
    } else if has("429") || has("toomanyrequests") {
        (
            "the registry limits how often one may pull",
            "Pull with a login, or from a mirror of your own",
        )
    } else {
        (
            "the registry does not answer",
            "Open the nodes' way to the registry (firewall, proxy, egress), or pull from a mirror that they reach",
        )
    }
}
