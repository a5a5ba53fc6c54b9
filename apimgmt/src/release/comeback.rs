//! The way back: `helm rollback` as a process that is never signalled, what Helm leaves stuck set free, and the result verified.

use std::{collections::BTreeSet, time::Duration};

use k8s_openapi::api::{batch::v1::Job, core::v1::Pod};
use kube::{
    Api,
    api::{DeleteParams, Preconditions},
};
use tokio::time::{Instant, MissedTickBehavior, interval};

use super::{
    attempt::Stage,
    helm::Helm,
    judge::Reader,
    phases::{Looked, SetAside, Verdicts, look},
};
use crate::{
    Error, ExitCode,
    operation::{Interrupt, api::maybe},
    report::progress::seconds,
};

/// Longest wait for a hook that still runs: a migration may be in the middle of something.
const HOOKS: Duration = Duration::from_mins(1);

/// The way back to a revision.
pub(crate) struct Comeback<'a> {
    /// Helm.
    pub helm: &'a Helm,
    /// Reads and judges.
    pub reader: &'a Reader,
    /// Release.
    pub release: &'a str,
    /// Revision to return to.
    pub target: u32,
    /// Helm's own limit for each of its waits.
    pub timeout: &'a str,
    /// What held before.
    pub before: Option<&'a Verdicts>,
    /// Items set aside.
    pub aside: &'a SetAside,
    /// Longest wait for items to hold again.
    pub patience: Duration,
}

/// Helm's own limit for each of its waits, when it is not told.
pub(crate) const TIMEOUT: &str = "5m0s";

impl Comeback<'_> {
    /// Goes back, and proves it.
    ///
    /// # Errors
    /// When Helm fails, or something that held before does not hold again.
    pub(crate) async fn run(&self, stage: &mut Stage<'_>) -> Result<(), Error> {
        let began = Instant::now();
        self.end_hooks(stage).await?;
        self.roll_back(stage).await?;
        self.verify(stage).await?;
        stage.progress.say(&format!(
            "revision {} serves again, verified, after {}",
            self.target,
            seconds(began.elapsed())
        ));
        Ok(())
    }

    /// Awaits hook jobs that still work, and ends those that only wait.
    async fn end_hooks(&self, stage: &mut Stage<'_>) -> Result<(), Error> {
        let began = Instant::now();
        loop {
            let (working, idle): (Vec<_>, Vec<_>) = stage.scene.running_hooks().into_iter().partition(|job| {
                let of_job = |pod: &&crate::snapshot::Pod| {
                    pod.metadata
                        .controller()
                        .is_some_and(|owner| owner.name == job.metadata.name)
                };
                stage
                    .scene
                    .pods
                    .values()
                    .filter(of_job)
                    .any(|pod| pod.statuses().any(|status| status.state.running.is_some()))
            });
            let is_over = began.elapsed() > HOOKS;
            let doomed: Vec<_> = idle
                .into_iter()
                .chain(working.iter().copied().filter(|_| is_over))
                .map(|job| job.metadata.name.clone())
                .collect();
            for job in doomed {
                stage
                    .progress
                    .say(&format!("ending hook job/{job}, which would go on by itself"));
                let jobs: Api<Job> = Api::namespaced(self.reader.client().clone(), self.reader.namespace());
                let params = DeleteParams::background();
                maybe(
                    jobs.delete(&job, &params),
                    "delete",
                    &format!("job/{job}"),
                    self.reader.namespace(),
                )
                .await?;
            }
            if working.is_empty() || is_over {
                return Ok(());
            }
            stage.progress.spin("a hook still works; waiting for its end");
            if let Ok(sight) = tokio::time::timeout(Duration::from_secs(1), stage.watches.next()).await {
                stage.scene.apply(sight);
            }
        }
    }

    async fn roll_back(&self, stage: &mut Stage<'_>) -> Result<(), Error> {
        stage
            .progress
            .say(&format!("helm rollback {} {} --wait", self.release, self.target));
        let (target, timeout) = (self.target.to_string(), format!("--timeout={}", self.timeout));
        let mut running = self
            .helm
            .start("rollback", [self.release, &target, "--wait", &timeout])?;
        let mut ticks = interval(Duration::from_millis(200));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut freed = BTreeSet::new();
        loop {
            tokio::select! {
                ended = running.wait() => { ended?; break }
                sight = stage.watches.next() => stage.scene.apply(sight),
                _ = ticks.tick() => {
                    for line in stage.scene.news() {
                        stage.progress.say(&line);
                    }
                    stage.progress.spin(&stage.scene.waiting_for());
                    self.free_stuck(stage, &mut freed).await;
                }
            }
        }
        let ended = running.end().await?;
        stage.progress.still();
        if ended.success {
            return Ok(());
        }
        Err(Error::new(
            ExitCode::Midway,
            format!("`helm rollback {} {}` failed", self.release, self.target),
        )
        .because(ended.errors)
        .hint(format!(
            "`kubectl apimgmt troubleshoot -n {}` names what stands in the way; then run it again",
            self.reader.namespace()
        )))
    }

    /// A stateful set waits for ever for a pod of the bad revision to become ready: only its deletion lets the good one come.
    async fn free_stuck(&self, stage: &Stage<'_>, freed: &mut BTreeSet<crate::snapshot::Uid>) {
        let pods: Api<Pod> = Api::namespaced(self.reader.client().clone(), self.reader.namespace());
        for pod in stage.scene.stuck_pods() {
            if freed.insert(pod.metadata.uid.clone()) {
                stage
                    .progress
                    .say(&format!("deleting {}, stuck on the revision that failed", pod.object()));
                let params = DeleteParams {
                    preconditions: Some(Preconditions {
                        uid: Some(pod.metadata.uid.to_string()),
                        resource_version: None,
                    }),
                    ..DeleteParams::default()
                };
                let deleted = maybe(
                    pods.delete(&pod.metadata.name, &params),
                    "delete",
                    &pod.object(),
                    self.reader.namespace(),
                )
                .await;
                if let Err(error) = deleted {
                    stage.progress.say(&format!("{error}: delete it by hand"));
                }
            }
        }
    }

    /// Every item that held before holds again. The way back is not interrupted, and neither is its proof.
    async fn verify(&self, stage: &Stage<'_>) -> Result<(), Error> {
        let Some(before) = self.before else { return Ok(()) };
        let looked = look(
            self.reader,
            Some(before),
            self.aside,
            self.patience,
            &Interrupt::never(),
            stage.progress,
        )
        .await?;
        let Looked::Told(after) = looked else { return Ok(()) };
        let shut: Vec<_> = after
            .gates(Some(before))
            .into_iter()
            .flat_map(|gate| gate.shut_by)
            .collect();
        if shut.is_empty() {
            return Ok(());
        }
        let details: Vec<_> = shut
            .iter()
            .filter_map(|id| after.get(id))
            .map(|it| format!("{}: {}", it.id, it.detail))
            .collect();
        Err(Error::new(
            ExitCode::Midway,
            format!(
                "revision {} is back, but what held before does not hold: {}",
                self.target,
                shut.join(", ")
            ),
        )
        .because(details.join("; "))
        .hint(format!("`kubectl apimgmt troubleshoot -n {}`", self.reader.namespace())))
    }
}
