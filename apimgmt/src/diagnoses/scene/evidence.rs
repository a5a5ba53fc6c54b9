//! Evidence of diagnoses: a state, a field, an event or a log line, each saying where and when it was read.

use jiff::Timestamp;

use super::{Said, Scene, clean};
use crate::{
    checklist::Evidence,
    snapshot::{
        Pod, Source,
        events::Event,
        pods::{Terminated, Waiting},
        workloads::Job,
    },
};

impl Scene<'_> {
    /// A field of an object.
    pub(crate) fn field(
        &self,
        source: Source,
        object: impl Into<String>,
        field: &str,
        value: impl std::fmt::Display,
    ) -> Evidence {
        Evidence::stable(self.snapshot, source, object, field, clean(&value.to_string()))
    }

    /// What a container waits for.
    pub(crate) fn waiting_state(&self, pod: &Pod, container: &str, waiting: &Waiting) -> Evidence {
        let value = match waiting.message.as_str() {
            "" => waiting.reason.clone(),
            message => format!("{}: {message}", waiting.reason),
        };
        self.moving(
            Source::Pods,
            pod,
            &format!("{}.state.waiting", status_of(pod, container)),
            &value,
            None,
        )
    }

    /// How a container's run ended.
    pub(crate) fn ended_state(&self, pod: &Pod, container: &str, which: &str, ended: &Terminated) -> Evidence {
        let message = if ended.message.is_empty() {
            String::new()
        } else {
            format!(": {}", ended.message)
        };
        let value = format!("{} with exit code {}{message}", ended.reason, ended.exit_code);
        let field = format!("{}.{which}.terminated", status_of(pod, container));
        self.moving(Source::Pods, pod, &field, &value, ended.finished_at)
    }

    /// A condition of a pod.
    pub(crate) fn pod_condition(&self, pod: &Pod, kind: &str) -> Option<Evidence> {
        let condition = crate::snapshot::condition(&pod.status.conditions, kind)?;
        let value = format!("{} {}: {}", condition.status, condition.reason, condition.message);
        let field = format!("status.conditions[{kind}]");
        Some(self.moving(Source::Pods, pod, &field, &value, condition.last_transition_time))
    }

    /// An event about an object.
    pub(crate) fn event(&self, object: impl Into<String>, event: &Event) -> Evidence {
        let times = if event.count > 1 {
            format!(" ({} times)", event.count)
        } else {
            String::new()
        };
        Evidence {
            source: Source::Events,
            object: object.into(),
            field: clean(&event.reason),
            value: format!("{}{times}", clean(&event.message)),
            at: event.last_seen().unwrap_or(self.now()),
            stable: false,
        }
    }

    /// A line of a container's log.
    pub(crate) fn log_line(&self, pod: &Pod, container: &str, previous: bool, line: &str) -> Evidence {
        let run = if previous { "the run before" } else { "this run" };
        self.moving(Source::Logs, pod, &format!("log of {container}, {run}"), line, None)
    }

    /// The first of some lines that servers and their users said.
    pub(crate) fn said(&self, lines: &[Said<'_>]) -> Vec<Evidence> {
        let first = lines.iter().take(3);
        first
            .map(|it| self.log_line(it.pod, it.container, it.previous, it.line))
            .collect()
    }

    /// How a job failed.
    pub(crate) fn failed_job(&self, job: &Job) -> Option<Evidence> {
        let failed = job.failed()?;
        let value = format!("{} {}", failed.reason, failed.message);
        let object = format!("job/{}", job.metadata.name);
        Some(self.field(Source::Jobs, object, "status.conditions[Failed]", value))
    }

    fn moving(&self, source: Source, pod: &Pod, field: &str, value: &str, at: Option<Timestamp>) -> Evidence {
        Evidence {
            source,
            object: pod.object(),
            field: field.into(),
            value: clean(value),
            at: at.unwrap_or(self.now()),
            stable: false,
        }
    }
}

/// Where the status of a container stands.
fn status_of(pod: &Pod, container: &str) -> String {
    let initial = pod.spec.init_containers.iter().any(|it| it.name == container);
    let list = if initial {
        "initContainerStatuses"
    } else {
        "containerStatuses"
    };
    format!("status.{list}[{container}]")
}
