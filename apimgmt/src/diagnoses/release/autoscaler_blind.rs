//! An autoscaler does not know what its pods use, so it does not scale.

use crate::{
    diagnoses::{
        Diagnosis, Finding, Topic, Weight,
        scene::{Scene, clean, minutes, since},
    },
    snapshot::{Source, Unreadable, condition, workloads::HorizontalPodAutoscaler},
};

pub(in crate::diagnoses) const DIAGNOSIS: Diagnosis = Diagnosis {
    id: "autoscaler-blind",
    topic: Topic::Release,
    symptom: "Load grows and the number of pods does not",
    cause: "The autoscaler gets no metric: pods request nothing that it could compare with, or the metrics API is silent",
    reads: &[Source::HorizontalPodAutoscalers],
    look,
};

/// Metrics of new pods take a minute or two to come.
const PATIENCE: jiff::SignedDuration = jiff::SignedDuration::from_mins(2);

fn look(scene: &Scene<'_>) -> Result<Vec<Finding>, Unreadable> {
    let mut autoscalers: Vec<_> = scene.snapshot.horizontal_pod_autoscalers()?.iter().collect();
    autoscalers.sort_by_key(|it| &it.metadata.name);
    Ok(autoscalers.into_iter().filter_map(|it| finding(scene, it)).collect())
}

fn finding(scene: &Scene<'_>, autoscaler: &HorizontalPodAutoscaler) -> Option<Finding> {
    let active = condition(&autoscaler.status.conditions, "ScalingActive").filter(|it| it.status == "False")?;
    let blind_for = since(active.last_transition_time, scene.now());
    if active.reason == "ScalingDisabled" || blind_for < PATIENCE {
        return None;
    }
    let target = &autoscaler.spec.scale_target_ref;
    let target = format!("{}/{}", target.kind.to_ascii_lowercase(), target.name);
    let object = format!("horizontalpodautoscaler/{}", autoscaler.metadata.name);
    let why = clean(&active.message);
    let finding = Finding::new(
        DIAGNOSIS.id,
        &object,
        format!("{object} has not scaled {target} for {}: {why}", minutes(blind_for)),
    )
    .weighing(Weight::Warning)
    .because([scene.field(
        Source::HorizontalPodAutoscalers,
        &object,
        "status.conditions[ScalingActive]",
        format!("{} {}: {}", active.status, active.reason, active.message),
    )]);
    Some(match active.message.split_once("missing request for ") {
        Some((_, rest)) => {
            let resource = rest.split_whitespace().next().unwrap_or("cpu");
            finding
                .not(
                    "the metrics API is silent",
                    "it was asked, and the pods' requests are what is missing",
                )
                .mend(format!(
                    "kubectl set resources {target} -n {} --requests={resource}=AMOUNT",
                    scene.namespace()
                ))
        }
        None => finding
            .following(["apiservice/v1beta1.metrics.k8s.io".to_owned()])
            .mend("kubectl get apiservice v1beta1.metrics.k8s.io -o yaml"),
    })
}
