//! A pod asks the node's name servers, which know no service of the cluster.

use crate::{
    diagnoses::{
        Diagnosis, Directness, Finding, Topic, Weight,
        scene::{Scene, clean},
    },
    snapshot::{Source, Unreadable},
};

pub(in crate::diagnoses) const DIAGNOSIS: Diagnosis = Diagnosis {
    id: "dns-policy-bypasses-cluster",
    topic: Topic::Network,
    symptom: "A pod does not find a service by its name, and others do",
    cause: "The pod's dnsPolicy sends its questions to the node's name servers",
    reads: &[
        Source::Pods,
        Source::ReplicaSets,
        Source::Jobs,
        Source::Services,
        Source::EndpointSlices,
        Source::Secrets,
        Source::ConfigMaps,
        Source::Logs,
    ],
    look,
};

fn look(scene: &Scene<'_>) -> Result<Vec<Finding>, Unreadable> {
    scene.ask_dependencies();
    let mut findings: Vec<Finding> = Vec::new();
    for pod in scene.current()?.iter().copied().filter(|pod| !pod.is_ready()) {
        // On the node's network `ClusterFirst` means the node's name servers, too.
        let policy = pod.spec.dns_policy.as_str();
        let by_node = policy == "Default" || (pod.spec.host_network && policy == "ClusterFirst");
        let is_name = |host: &str| host.parse::<std::net::IpAddr>().is_err();
        let needed = scene.addresses(&pod.spec).into_iter().find_map(|(target, place)| {
            let backing = scene.service_at(&target.host).filter(|_| is_name(&target.host))?;
            Some((target.host.clone(), place, backing.object()))
        });
        let Some((host, place, service)) = needed.filter(|_| by_node) else {
            continue;
        };
        let workload = scene.workload(pod);
        if let Some(known) = findings.iter_mut().find(|known| known.object == workload) {
            known.explains.push(pod.object());
            continue;
        }
        let why = if policy == "Default" {
            "its dnsPolicy is `Default`"
        } else {
            "it is on the node's network with dnsPolicy `ClusterFirst`"
        };
        findings.push(
            Finding::new(
                DIAGNOSIS.id,
                &workload,
                format!("{workload} needs {service} by the name `{}` (in {place}) and asks the node's name servers, which do not know it: {why}", clean(&host)),
            )
            .weighing(Weight::Critical)
            .shown(Directness::Compared)
            .explaining([pod.object()])
            .because([scene.field(Source::Pods, pod.object(), "spec.dnsPolicy", policy)])
            .not("the service is not there", format!("{service} is"))
            .mend(format!(
                "kubectl patch {workload} -n {} --type=strategic -p '{{\"spec\":{{\"template\":{{\"spec\":{{\"dnsPolicy\":\"{}\"}}}}}}}}'",
                scene.namespace(),
                if pod.spec.host_network { "ClusterFirstWithHostNet" } else { "ClusterFirst" }
            )),
        );
    }
    Ok(findings)
}
