//! One run of `helm install` or `helm upgrade`, with the namespace watched beside it and stopped early when it is hopeless.

use std::time::Duration;

use kube::Client;
use tokio::time::{Instant, MissedTickBehavior, interval};

use super::{
    change::Verb,
    helm::{Ended, Running},
    hook_logs::HookLogs,
    hooks::Surroundings,
    hopeless::{Hopeless, Patience, Watchfulness},
    scene::Scene,
    watch::Watches,
};
use crate::{Error, operation::Lease, report::progress::Progress};

const TICK: Duration = Duration::from_millis(200);
/// Longest wait for the first lists; without them Helm runs unwatched.
const FIRST_LISTS: Duration = Duration::from_secs(10);
/// A Helm that was asked to stop records `failed` within milliseconds; a hung API server may keep it.
const STOPPING: Duration = Duration::from_mins(1);

/// Why Helm was asked to stop.
#[derive(Debug)]
pub(super) enum Stop {
    /// The cluster says that it can't come about.
    Hopeless(Hopeless),
    /// Somebody asked.
    Interrupted,
    /// Somebody else may be at work.
    LeaseLost(Error),
}

/// How it went.
pub(super) struct Attempt {
    /// How Helm ended.
    pub ended: Ended,
    /// Why it was asked to stop, when it was.
    pub stop: Option<Stop>,
}

/// What the watch needs.
pub(crate) struct Stage<'a> {
    /// The watches.
    pub watches: Watches,
    /// What they have seen.
    pub scene: Scene,
    /// Progress.
    pub progress: &'a Progress,
}

impl<'a> Stage<'a> {
    /// Watches a namespace, once everything that is there was seen: only then can new be told from old.
    pub(crate) async fn open(client: &Client, namespace: &str, scene: Scene, progress: &'a Progress) -> Self {
        let mut stage = Self {
            watches: Watches::start(client, namespace),
            scene,
            progress,
        };
        stage.set().await;
        stage
    }

    /// Waits until everything that is there now was seen once.
    async fn set(&mut self) {
        let began = Instant::now();
        while !self.scene.is_whole() {
            let left = FIRST_LISTS.saturating_sub(began.elapsed());
            let Ok(sight) = tokio::time::timeout(left, self.watches.next()).await else {
                return self
                    .progress
                    .say("the namespace can't be watched: failures will be named late, when Helm itself gives up");
            };
            self.scene.apply(sight);
        }
    }

    /// Watches Helm to its end, whoever ends it.
    ///
    /// # Errors
    /// When Helm can't be waited for.
    pub(super) async fn attempt(
        &mut self,
        (mut running, verb): (Running, Verb),
        patience: Patience,
        lease: &Lease,
        surroundings: &Surroundings<'_>,
    ) -> Result<Attempt, Error> {
        let interrupt = surroundings.interrupt;
        let mut hook_logs = HookLogs::of(surroundings);
        let began = Instant::now();
        let mut ticks = interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut watchfulness = Watchfulness::of(verb == Verb::Upgrade);
        let mut stop: Option<(Stop, Instant)> = None;
        loop {
            tokio::select! {
                ended = running.wait() => { ended?; break }
                sight = self.watches.next() => {
                    self.scene.apply(sight);
                    hook_logs.look(&self.scene);
                }
                line = hook_logs.next() => hook_logs.show(line).await,
                _ = ticks.tick() => {
                    for line in self.scene.news() {
                        self.progress.say(&line);
                    }
                    self.progress.spin(&self.scene.waiting_for());
                    let hopeless = watchfulness.look(&self.scene, patience, began.elapsed());
                    if let (Some(hopeless), None) = (hopeless, &stop) {
                        self.progress.say(&format!("hopeless: {}: {}", hopeless.object, hopeless.text));
                        stop = Some((Stop::Hopeless(hopeless), Instant::now()));
                        running.ask_to_stop();
                    }
                    if stop.as_ref().is_some_and(|(_, since)| since.elapsed() > STOPPING) {
                        return Err(Error::new(crate::ExitCode::Midway, format!("`helm {}` was asked to stop and did not", verb.word()))
                            .hint("it is left alone; look at `helm history` when it has ended"));
                    }
                }
                () = interrupt.asked(), if stop.is_none() => {
                    self.progress.say("interrupted: Helm is asked to stop; please wait");
                    stop = Some((Stop::Interrupted, Instant::now()));
                    running.ask_to_stop();
                }
                lost = lease.lost(), if stop.is_none() => {
                    stop = Some((Stop::LeaseLost(lost), Instant::now()));
                    running.ask_to_stop();
                }
            }
        }
        hook_logs.rest().await;
        for line in self.scene.news() {
            self.progress.say(&line);
        }
        self.progress.still();
        let ended = running.end().await?;
        let mut stop = stop.map(|(stop, _)| stop);
        if !ended.success && stop.is_none() {
            // Helm gave up by itself, on a failed hook or at its time limit: what we saw may name the object.
            stop = watchfulness
                .look(&self.scene, patience, began.elapsed())
                .map(Stop::Hopeless);
        }
        Ok(Attempt { ended, stop })
    }
}
