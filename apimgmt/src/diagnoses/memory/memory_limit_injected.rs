//! The kernel kills a container at a memory limit that its workload does not ask for: something gave it on the way in.

use crate::{
    diagnoses::{
        Diagnosis, Directness, Finding, Topic, Weight,
        scene::{
            Group, Scene,
            memory::{self, Aftermath, Giver, doubled, memory_limit},
            per_workload,
        },
    },
    snapshot::{Source, Unreadable},
};

pub(in crate::diagnoses) const DIAGNOSIS: Diagnosis = Diagnosis {
    id: "memory-limit-injected",
    topic: Topic::Memory,
    symptom: "Pods are killed for memory at a limit that nobody finds in their workload",
    cause: "A LimitRange or an admission webhook gives the container a limit that is too small for it",
    reads: memory::READS,
    look,
};

fn look(scene: &Scene<'_>) -> Result<Vec<Finding>, Unreadable> {
    let mut findings = Vec::new();
    for (aftermath, weight) in [
        (Aftermath::Loop, Weight::Critical),
        (Aftermath::Recovered, Weight::Warning),
    ] {
        let seen = scene.out_of_memory(aftermath)?;
        let groups = per_workload(
            scene,
            seen.into_iter()
                .map(|sighting| (sighting.status.name.to_string(), sighting)),
        );
        findings.extend(groups.iter().filter_map(|group| {
            let giver = scene.limit_giver(group)?;
            Some(finding(scene, group, &giver)?.weighing(weight))
        }));
    }
    Ok(findings)
}

fn finding<'a>(scene: &Scene<'a>, group: &Group<'a>, giver: &Giver<'a>) -> Option<Finding> {
    let (workload, container) = (&group.workload, group.container());
    let limit = memory_limit(group)?;
    let (who, cause) = match giver {
        Giver::LimitRange(range) => {
            let named = range.map(|range| format!("limitrange/{}", range.metadata.name));
            let who = named.as_deref().unwrap_or("a LimitRange");
            let cause = format!(
                "{who} gives container {container} of {workload} a limit of {}, since it asks for none, and it needs more",
                limit.0
            );
            (named.unwrap_or_else(|| workload.clone()), cause)
        }
        Giver::Admission { by, asked, .. } => (
            workload.clone(),
            format!(
                "container {container} of {workload} runs with a limit of {} instead of {}: {by} changed it, and it needs more",
                limit.0,
                asked.map_or("none", |asked| &asked.0)
            ),
        ),
    };
    let finding = Finding::new(DIAGNOSIS.id, &who, cause)
        .shown(Directness::Compared)
        .explaining(group.pods())
        .because(group.states(scene))
        .because(scene.limit_evidence(group))
        .not(
            "its own limit is too small",
            "its pod template does not ask for this limit",
        );
    let own = format!(
        "kubectl set resources {workload} -c {container} --limits=memory={} -n {}",
        doubled(limit),
        scene.namespace()
    );
    Some(match giver {
        Giver::LimitRange(range) => {
            let default = range.map(|_| {
                let field = "spec.limits[type=Container].default.memory";
                scene.field(Source::LimitRanges, &who, field, &limit.0)
            });
            finding.because(default).mend(own)
        }
        Giver::Admission { workload, asked, .. } => {
            let field = format!("spec.template.spec.containers[{container}].resources.limits.memory");
            let asked = asked.map_or("none", |asked| &asked.0);
            finding
                .because([scene.field(workload.source, &workload.object, &field, asked)])
                .mend("kubectl get mutatingwebhookconfigurations,verticalpodautoscalers --all-namespaces")
        }
    })
}
