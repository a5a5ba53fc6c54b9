//! When waiting on makes no sense: decided from what was seen and how long, with patience for what mends itself.

mod refused;

use std::{collections::BTreeMap, time::Duration};

use super::scene::{NewPod, Scene};
use crate::{
    checklist::Phase,
    snapshot::{
        condition,
        pods::{ContainerStatus, Terminated},
    },
};

/// A refused pull is tried once more: the pull secret may be on its way.
const DENIED: Duration = Duration::from_secs(12);
/// A missing Secret or ConfigMap may be on its way.
const CONFIGURATION: Duration = Duration::from_secs(5);
/// A pod of before may mend when what it needs comes with the change; its crashes are none of the change's.
const FORMER: Duration = Duration::from_secs(30);
/// The scheduler looks again when pods leave and volumes bind.
const UNSCHEDULABLE: Duration = Duration::from_secs(10);

/// How long to wait for nodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// Longest wait for a place on a node, where something may add nodes.
    pub schedule_grace: Duration,
    /// Whether something that adds nodes was seen.
    pub autoscaler: bool,
}

/// Why waiting on makes no sense.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hopeless {
    /// `pod/api-management-7d9c`.
    pub object: String,
    /// Phase of its workload.
    pub phase: Phase,
    /// One sentence.
    pub text: String,
}

/// What was seen since when: the memory between two looks.
#[derive(Debug, Default)]
pub struct Watchfulness {
    since: BTreeMap<String, Duration>,
    /// Kinds of pull failures: some kubelets name the reason only once.
    pulls: BTreeMap<String, Pull>,
    /// Whether this is an upgrade: what the pods need was there before them.
    others_ran_before: bool,
    /// Restarts that don't count: they happened while something earlier was not ready.
    excused: BTreeMap<String, i64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pull {
    Absent,
    Denied,
    /// Time-outs, rate limits, servers that are down: tried again by the kubelet.
    MayMend,
}

impl Watchfulness {
    /// For an upgrade, or for a first install, where pods may crash until what they need has come.
    pub fn of(upgrade: bool) -> Self {
        Self {
            others_ran_before: upgrade,
            ..Self::default()
        }
    }

    /// Looks at the scene, `now` after the change began.
    pub fn look(&mut self, scene: &Scene, patience: Patience, now: Duration) -> Option<Hopeless> {
        if !scene.is_whole() {
            return None;
        }
        if let Some((job, phase, reason)) = scene.failed_jobs().into_iter().next() {
            return Some(Hopeless {
                object: format!("job/{}", job.metadata.name),
                phase,
                text: format!("the job failed: {reason}"),
            });
        }
        let mut present = Vec::new();
        let mut found = None;
        for new in scene.new_pods() {
            let excused = !scene.is_ready_before(new.phase);
            for status in new.pod.statuses() {
                let key = format!("{}/{}", new.pod.metadata.uid, status.name);
                if let Some((kind, after, text)) = self.of_container(&new, status, &key, excused)
                    && self.lasted(
                        &mut present,
                        format!("{key}/{kind}"),
                        after.max(new.least_patience()),
                        now,
                    )
                {
                    found.get_or_insert_with(|| hopeless(&new, text));
                }
            }
            let key = format!("{}/unschedulable", new.pod.metadata.uid);
            if let Some((after, text)) = unschedulable(&new, scene, patience)
                && self.lasted(&mut present, key, after, now)
            {
                found.get_or_insert_with(|| hopeless(&new, text));
            }
        }
        let refused = self.of_refused(scene, &mut present, patience, now);
        found = found.or(refused);
        self.since.retain(|key, _| present.contains(key));
        found
    }

    /// Notes a state, and tells whether it has lasted.
    fn lasted(&mut self, present: &mut Vec<String>, key: String, after: Duration, now: Duration) -> bool {
        let since = *self.since.entry(key.clone()).or_insert(now);
        present.push(key);
        now.saturating_sub(since) >= after
    }

    fn of_container(
        &mut self,
        new: &NewPod<'_>,
        status: &ContainerStatus,
        key: &str,
        excused: bool,
    ) -> Option<(&'static str, Duration, String)> {
        let image = new
            .pod
            .container(&status.name)
            .map_or(status.image.as_str(), |container| container.image.as_str());
        let waiting = status.state.waiting.as_ref();
        let reason = waiting.map_or("", |waiting| waiting.reason.as_str());
        let message = waiting.map_or("", |waiting| waiting.message.as_str());
        match reason {
            "InvalidImageName" | "ErrImageNeverPull" => {
                return Some((
                    "pull",
                    Duration::ZERO,
                    format!("image `{image}` of container `{}` can't be used: {reason}", status.name),
                ));
            }
            "ErrImagePull" | "ImagePullBackOff" => {
                let pull = pull(message)
                    .or_else(|| self.pulls.get(key).copied())
                    .unwrap_or(Pull::MayMend);
                self.pulls.insert(key.into(), pull);
                return match pull {
                    Pull::Absent => Some(("pull", Duration::ZERO, format!("image `{image}` is not found"))),
                    Pull::Denied => Some((
                        "pull",
                        DENIED,
                        format!("the registry of image `{image}` refuses, or is not trusted"),
                    )),
                    Pull::MayMend => None,
                };
            }
            "CreateContainerConfigError" | "CreateContainerError" => {
                return Some((
                    "configuration",
                    CONFIGURATION,
                    format!("container `{}` can't be made: {message}", status.name),
                ));
            }
            _ => {}
        }
        if new.of_job || new.former {
            return None;
        }
        if excused {
            self.excused.insert(key.into(), status.restart_count);
        }
        let restarts = status.restart_count - self.excused.get(key).copied().unwrap_or(0);
        // The first back-off comes after the second crash. Two are enough where everything else was running before and
        // neither run lasted: the kubelet's third try would come up to 25 s later.
        let ending = status
            .last_state
            .terminated
            .as_deref()
            .or(status.state.terminated.as_deref());
        let enough = if self.others_ran_before && ending.is_some_and(is_quick) {
            1
        } else {
            2
        };
        let crashes = restarts >= 3 || (restarts >= enough && reason == "CrashLoopBackOff");
        let how = ending.map_or(String::new(), |ending| match ending.reason.as_str() {
            "" | "Error" => format!(", last with exit code {}", ending.exit_code),
            reason => format!(", last with {reason} ({})", ending.exit_code),
        });
        crashes.then(|| {
            (
                "crash",
                Duration::ZERO,
                format!("container `{}` crashed {} times{how}", status.name, restarts + 1),
            )
        })
    }
}

fn is_quick(ending: &Terminated) -> bool {
    let lasted = ending
        .finished_at
        .zip(ending.started_at)
        .map(|(end, start)| end.duration_since(start));
    lasted.is_some_and(|lasted| lasted.as_secs() < 10)
}

impl NewPod<'_> {
    fn least_patience(&self) -> Duration {
        if self.former { FORMER } else { Duration::ZERO }
    }
}

/// What a pull failed of, in the words of containerd, CRI-O and registries; nothing when the message names no reason.
fn pull(message: &str) -> Option<Pull> {
    let message = message.to_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| message.contains(word));
    if has(&[
        "toomanyrequests",
        "too many requests",
        "timeout",
        "timed out",
        "deadline exceeded",
        "no such host",
        "connection refused",
        "connection reset",
        "service unavailable",
        "bad gateway",
        "internal server error",
        "unexpected eof",
    ]) {
        Some(Pull::MayMend)
    } else if has(&[
        "denied",
        "unauthorized",
        "authorization failed",
        "authentication required",
        "no basic auth credentials",
        "insufficient_scope",
        "403 forbidden",
        "x509",
    ]) {
        Some(Pull::Denied)
    } else if has(&["not found", "manifest unknown", "name unknown", "no match for platform"]) {
        Some(Pull::Absent)
    } else {
        None
    }
}

fn unschedulable(new: &NewPod<'_>, scene: &Scene, patience: Patience) -> Option<(Duration, String)> {
    let scheduled = condition(&new.pod.status.conditions, "PodScheduled")?;
    if new.former || scheduled.status != "False" || scheduled.reason != "Unschedulable" {
        return None;
    }
    // A volume that is being made, or room that is being freed, comes by itself.
    let may_mend = patience.autoscaler
        || scene.has_leaving_pods()
        || scheduled.message.contains("unbound immediate PersistentVolumeClaims");
    let after = if may_mend {
        patience.schedule_grace
    } else {
        UNSCHEDULABLE.min(patience.schedule_grace)
    };
    Some((after, format!("no node takes the pod: {}", scheduled.message)))
}

fn hopeless(new: &NewPod<'_>, text: String) -> Hopeless {
    Hopeless {
        object: new.pod.object(),
        phase: new.phase,
        text,
    }
}

#[cfg(test)]
mod tests;
