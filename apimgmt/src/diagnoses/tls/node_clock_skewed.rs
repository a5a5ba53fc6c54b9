//! The clock of a node is wrong, and with it every judgement about time that is made there.

use crate::{
    diagnoses::{Diagnosis, Directness, Finding, Topic, Weight, scene::Scene},
    snapshot::{Source, Unreadable},
};

pub(in crate::diagnoses) const DIAGNOSIS: Diagnosis = Diagnosis {
    id: "node-clock-skewed",
    topic: Topic::Tls,
    symptom: "Certificates and tokens are refused on one node and accepted on others",
    cause: "The clock of the node differs from that of the API server",
    reads: &[Source::Nodes, Source::NodeLeases, Source::Expectations],
    look,
};

fn look(scene: &Scene<'_>) -> Result<Vec<Finding>, Unreadable> {
    let leases = scene.snapshot.node_leases()?;
    let limit = scene.snapshot.expectations()?.clock_skew.0;
    let findings = scene.nodes().into_iter().filter_map(|node| {
        let name = &node.metadata.name;
        let lease = leases
            .iter()
            .find(|lease| lease.metadata.name == *name && lease.metadata.namespace == "kube-node-lease")?;
        let renewed = lease.spec.renew_time?;
        let skew = lease.skew(renewed, scene.now());
        let way = if skew.is_positive() { "ahead of" } else { "behind" };
        let object = format!("node/{name}");
        (skew.unsigned_abs() > limit).then(|| {
            Finding::new(
                DIAGNOSIS.id,
                &object,
                format!(
                    "the clock of {object} is {} s {way} the API server's",
                    skew.unsigned_abs().as_secs()
                ),
            )
            .weighing(Weight::Warning)
            .shown(Directness::Compared)
            .because([scene.field(Source::NodeLeases, &object, "spec.renewTime", renewed)])
            .because(
                lease
                    .metadata
                    .written_at()
                    .map(|at| scene.field(Source::NodeLeases, &object, "metadata.managedFields time", at)),
            )
            .mend(format!(
                "kubectl debug {object} -it --image=busybox -- chroot /host timedatectl"
            ))
            .mend("Let a time service run on the node: chrony, systemd-timesyncd")
        })
    });
    Ok(findings.collect())
}
