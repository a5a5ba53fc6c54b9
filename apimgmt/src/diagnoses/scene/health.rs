//! Whether something is visibly wrong with a pod, or whether it is starting and still may become ready.

use jiff::{SignedDuration, Timestamp};

use crate::snapshot::{
    Pod, condition,
    pods::{Container, ContainerStatus, Probe},
};

/// Creating containers takes this long when images are large.
const CREATION: SignedDuration = SignedDuration::from_mins(5);
/// A container that was never ready may take this long when it declares no startup probe.
const START: SignedDuration = SignedDuration::from_mins(5);
/// A container that was ready and no longer is has trouble after this long.
const LAPSE: SignedDuration = SignedDuration::from_secs(30);
/// An init container that works for longer than this waits for something.
const INITIALISATION: SignedDuration = SignedDuration::from_mins(2);

/// How long ago something was; zero when it is unknown.
pub(crate) fn since(then: Option<Timestamp>, now: Timestamp) -> SignedDuration {
    then.map_or(SignedDuration::ZERO, |then| now.duration_since(then))
}

/// `40 s`, `7 min`, `3 h`.
pub(crate) fn minutes(duration: SignedDuration) -> String {
    match duration.as_secs() {
        seconds @ ..120 => format!("{seconds} s"),
        seconds @ 120..7200 => format!("{} min", seconds / 60),
        seconds => format!("{} h", seconds / 3600),
    }
}

/// What is visibly wrong with a pod; `None` when it is well, or starting and may still become ready.
pub(crate) fn trouble(pod: &Pod, now: Timestamp) -> Option<String> {
    if let Some(scheduled) = condition(&pod.status.conditions, "PodScheduled").filter(|it| it.status == "False") {
        return Some(format!("not scheduled: {}", super::clean(&scheduled.message)));
    }
    if pod.status.phase == "Failed" && pod.statuses().all(|status| status.state.terminated.is_none()) {
        return Some(format!(
            "failed: {} {}",
            pod.status.reason,
            super::clean(&pod.status.message)
        ));
    }
    let stopped = pod.statuses().find_map(|status| stopped(pod, status));
    stopped
        .or_else(|| slow_initialisation(pod, now))
        .or_else(|| unready(pod, now))
        .or_else(|| unready_as_a_whole(pod, now))
        .or_else(|| slow_creation(pod, now))
}

/// A container that waits for a reason other than its turn, or ended and should not have.
fn stopped(pod: &Pod, status: &ContainerStatus) -> Option<String> {
    if let Some(waiting) = &status.state.waiting {
        let its_turn = matches!(waiting.reason.as_str(), "" | "ContainerCreating" | "PodInitializing");
        return (!its_turn).then(|| {
            let restarts = match status.restart_count {
                0 => String::new(),
                1 => " after 1 restart".into(),
                restarts => format!(" after {restarts} restarts"),
            };
            format!("container {} waits in {}{restarts}", status.name, waiting.reason)
        });
    }
    let ended = status.state.terminated.as_ref()?;
    let done = ended.exit_code == 0 && (is_initial(pod, &status.name) || pod.status.phase == "Failed");
    (!done).then(|| {
        format!(
            "container {} ended with exit code {} ({})",
            status.name, ended.exit_code, ended.reason
        )
    })
}

/// Whether a container runs before the others and ends; a sidecar does not end.
pub(crate) fn is_initial(pod: &Pod, name: &str) -> bool {
    let container = pod.spec.init_containers.iter().find(|container| container.name == name);
    container.is_some_and(|container| container.restart_policy.as_deref() != Some("Always"))
}

fn slow_initialisation(pod: &Pod, now: Timestamp) -> Option<String> {
    pod.status.init_container_statuses.iter().find_map(|status| {
        let runs_for = since(status.state.running.as_ref()?.started_at, now);
        (is_initial(pod, &status.name) && runs_for > INITIALISATION).then(|| {
            format!(
                "init container {} has been running for {}",
                status.name,
                minutes(runs_for)
            )
        })
    })
}

fn unready(pod: &Pod, now: Timestamp) -> Option<String> {
    pod.status
        .container_statuses
        .iter()
        .filter(|status| !status.ready)
        .find_map(|status| {
            let started_at = status.state.running.as_ref()?.started_at?;
            let lapsed_at = condition(&pod.status.conditions, "ContainersReady")
                .or_else(|| condition(&pod.status.conditions, "Ready"))
                .and_then(|ready| ready.last_transition_time)
                .filter(|lapsed| lapsed.duration_since(started_at) > SignedDuration::from_secs(5));
            let (from, patience) = match lapsed_at {
                Some(lapsed_at) => (lapsed_at, LAPSE),
                None => (started_at, pod.container(&status.name).map_or(START, start_allowance)),
            };
            let unready_for = now.duration_since(from);
            (unready_for > patience).then(|| {
                format!(
                    "container {} has not been ready for {}",
                    status.name,
                    minutes(unready_for)
                )
            })
        })
}

/// Every container is ready and the pod is not: a readiness gate, or a node that no longer reports.
fn unready_as_a_whole(pod: &Pod, now: Timestamp) -> Option<String> {
    let ready = condition(&pod.status.conditions, "Ready").filter(|it| it.status == "False")?;
    let containers = &pod.status.container_statuses;
    let unready_for = since(ready.last_transition_time, now);
    let all_ready = !containers.is_empty() && containers.iter().all(|status| status.ready);
    (all_ready && unready_for > LAPSE).then(|| {
        let why = super::clean(&format!("{} {}", ready.reason, ready.message));
        format!(
            "its containers are ready, and it has not been for {} ({why})",
            minutes(unready_for)
        )
    })
}

/// How long a container may take until it is ready, by its own probes.
fn start_allowance(container: &Container) -> SignedDuration {
    let window = |probe: &Probe| {
        SignedDuration::from_secs(probe.initial_delay_seconds + probe.period_seconds * probe.failure_threshold)
    };
    let startup = container.startup_probe.as_ref().map_or(SignedDuration::ZERO, window);
    let readiness = container.readiness_probe.as_ref().map_or(SignedDuration::ZERO, window);
    (startup + readiness).max(START)
}

fn slow_creation(pod: &Pod, now: Timestamp) -> Option<String> {
    let creating_for = since(pod.status.start_time.or(pod.metadata.creation_timestamp), now);
    (pod.status.phase == "Pending"
        && pod.statuses().all(|status| status.state.running.is_none())
        && creating_for > CREATION)
        .then(|| format!("its containers have been in creation for {}", minutes(creating_for)))
}
