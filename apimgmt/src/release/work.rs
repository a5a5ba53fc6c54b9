//! The steps of one change, each in the journal: what held before, Helm, the gates, and what follows a failure.

use std::time::Duration;

use k8s_openapi::api::core::v1::ConfigMap;
use kube::{Api, Client};

use super::{
    Reader,
    attempt::{Attempt, Stage, Stop},
    backup,
    cause::{self, Cause},
    change::{Change, Outcome, Verb},
    comeback::{Comeback, TIMEOUT},
    difference::Migration,
    helm::Helm,
    hooks::{self, Hook, Surroundings},
    hopeless::Patience,
    phases::{Gate, Looked, Standing, Verdicts, look},
    scene::Scene,
    store::{Entry, Status, Store, last_good},
};
use crate::{
    Error, ExitCode,
    checklist::Phase,
    operation::{Consent, Interrupt, Journal, Lease, Plan, Process},
    report::progress::{Progress, seconds},
};

const NOTHING_YET: &str = "interrupted before anything was changed";

/// What the steps of one change share.
pub(super) struct Work<'a> {
    pub(super) change: Change,
    pub(super) namespace: String,
    pub(super) client: Client,
    pub(super) helm: &'a Helm,
    pub(super) store: Store,
    pub(super) reader: Reader,
    pub(super) progress: &'a Progress,
    pub(super) interrupt: &'a Interrupt,
    /// Newest revision before.
    pub(super) former: u32,
    /// What held before; nothing on a first install.
    pub(super) before: Option<Verdicts>,
    /// What it does to the database's schema.
    pub(super) migration: Option<Migration>,
    pub(super) consent: Consent,
}

/// What a failed change leaves behind.
struct Failure {
    entry: Entry,
    gates: Vec<Gate>,
    /// Nothing when somebody interrupted it.
    cause: Option<Cause>,
}

impl Work<'_> {
    /// Does everything, and writes down how far it came.
    pub(super) async fn journaled(&mut self, plan: &Plan, lease: &Lease) -> Result<Outcome, Error> {
        let mut journal = Journal::open(&self.client, &self.namespace).await?;
        if let Some(left) = journal.unfinished() {
            self.progress.say(&format!(
                "an earlier {} by {} never ended; going on from what the release's own history says",
                left.verb, left.by
            ));
            journal.end("given up: its operator is gone").await?;
        }
        journal.begin(self.change.verb.word(), plan).await?;
        let result = Box::pin(self.steps(lease, &mut journal)).await;
        let outcome = match &result {
            Ok(outcome) => outcome.message.clone(),
            Err(error) => error.to_string(),
        };
        if lease.is_lost().is_none() {
            journal.end(&outcome).await?;
        }
        result
    }

    async fn steps(&mut self, lease: &Lease, journal: &mut Journal) -> Result<Outcome, Error> {
        if self.change.verb == Verb::Upgrade {
            self.progress.spin("judging what holds before the upgrade");
            journal.before("before").await?;
            match self.look(Duration::ZERO).await? {
                Looked::Told(verdicts) => {
                    // Whoever rescues this change compares with it.
                    journal.after("before", &verdicts.others().join(", ")).await?;
                    self.before = Some(verdicts);
                }
                Looked::Interrupted => return Ok(self.unchanged(NOTHING_YET)),
            }
        }
        Box::pin(self.prelude(journal)).await?;
        let mut stage = Stage::open(
            &self.client,
            &self.namespace,
            Scene::of(&self.change.release),
            self.progress,
        )
        .await;
        if self.interrupt.is_asked() {
            return Ok(self.unchanged(NOTHING_YET));
        }
        let attempt = self.attempt(&mut stage, lease, journal).await?;
        let newest = self.store.history().await?.last().copied();
        let Some(entry) = newest.filter(|newest| newest.revision > self.former) else {
            if matches!(attempt.stop, Some(Stop::Interrupted)) {
                return Ok(self.unchanged("interrupted; Helm had recorded nothing yet"));
            }
            return Err(refused(self.change.verb, attempt.ended.errors));
        };
        if let Some(Stop::LeaseLost(error)) = attempt.stop {
            return Err(error);
        }
        if attempt.ended.success {
            return Box::pin(self.gates(entry, attempt.ended.output, &mut stage, journal)).await;
        }
        let elapsed = seconds(self.progress.elapsed());
        self.progress
            .say(&format!("helm {} failed after {elapsed}", self.change.verb.word()));
        let cause = match attempt.stop {
            Some(Stop::Interrupted) => None,
            _ => Some(cause::of_attempt(&attempt, &self.reader, self.progress).await),
        };
        let failure = Failure {
            entry,
            gates: Vec::new(),
            cause,
        };
        Box::pin(self.failed(failure, &mut stage, journal)).await
    }

    /// What comes before Helm: the hooks of the user, and a proven backup of what will be migrated.
    async fn prelude(&self, journal: &mut Journal) -> Result<(), Error> {
        for hook in self.change.options.hooks.before() {
            self.hook(hook, journal).await?;
        }
        let Some(migration) = &self.migration else {
            return Ok(());
        };
        let (from, to) = (&migration.from, &migration.to);
        self.progress
            .say(&format!("the database's schema goes from {from} to {to}"));
        if let Some(reason) = self.change.options.aside.get("database/backup") {
            self.progress.say(&format!("no backup is made before: {reason}"));
            return Ok(());
        }
        journal.before("backup").await?;
        let told = (&self.consent, self.interrupt, self.progress);
        Box::pin(backup::before_migration(&self.reader, self.former + 1, told)).await?;
        journal.after("backup", "proven").await
    }

    async fn hook(&self, hook: &Hook, journal: &mut Journal) -> Result<(), Error> {
        let step = format!("hook {}", hook.name);
        journal.before(&step).await?;
        Box::pin(hooks::run(hook, &self.surroundings())).await?;
        journal.after(&step, "done").await
    }

    fn surroundings(&self) -> Surroundings<'_> {
        Surroundings {
            reader: &self.reader,
            release: &self.change.release,
            verb: self.change.verb.word(),
            progress: self.progress,
            interrupt: self.interrupt,
        }
    }

    /// What comes after the gates that passed: the hooks of their phases, and the release's own tests.
    async fn postlude(&self, gates: &[Gate], journal: &mut Journal) -> Result<(), Error> {
        for (gate, phase) in gates
            .iter()
            .zip(Phase::ALL)
            .take_while(|(gate, _)| gate.standing == Standing::Passed)
        {
            debug_assert_eq!(gate.phase, phase as u8);
            for hook in self.change.options.hooks.after(phase) {
                self.hook(hook, journal).await?;
            }
        }
        if !self.change.options.test || gates.iter().any(|gate| gate.standing != Standing::Passed) {
            return Ok(());
        }
        journal.before("test").await?;
        self.progress.say(&format!("helm test {} --logs", self.change.release));
        let ended = self
            .helm
            .start("test", [self.change.release.as_str(), "--logs"])?
            .end()
            .await?;
        for line in ended.output.lines() {
            self.progress.say(&format!("test| {line}"));
        }
        if !ended.success {
            return Err(Error::new(ExitCode::Wrong, "the release's own tests failed").because(ended.errors));
        }
        journal.after("test", "passed").await
    }

    /// Helm, watched.
    async fn attempt(&self, stage: &mut Stage<'_>, lease: &Lease, journal: &mut Journal) -> Result<Attempt, Error> {
        let change = &self.change;
        let mut arguments = vec![change.release.clone(), change.chart.clone()];
        arguments.extend(change.helm.iter().cloned());
        if !change
            .helm
            .iter()
            .any(|word| word == "--wait" || word.starts_with("--wait="))
        {
            arguments.push("--wait".into());
        }
        let patience = Patience {
            schedule_grace: change.options.schedule_grace,
            autoscaler: has_autoscaler(&self.client).await,
        };
        journal.before("helm").await?;
        let running = self.helm.start(change.verb.word(), &arguments)?;
        if let Some(id) = running.id() {
            journal
                .by(&Process::child(&format!("helm {}", change.verb.word()), id))
                .await?;
        }
        let attempt = Box::pin(stage.attempt((running, change.verb), patience, lease, &self.surroundings())).await?;
        let note = if attempt.ended.success {
            "deployed"
        } else {
            &attempt.ended.errors
        };
        journal.after("helm", note).await?;
        Ok(attempt)
    }

    /// The gates, over what Helm deployed.
    async fn gates(
        &mut self,
        entry: Entry,
        notes: String,
        stage: &mut Stage<'_>,
        journal: &mut Journal,
    ) -> Result<Outcome, Error> {
        journal.before("gates").await?;
        // An item says whether there is a backup; that the first one could not be made undoes nothing here.
        if let Err(error) = Box::pin(backup::first(
            &self.reader,
            &self.consent,
            self.interrupt,
            self.progress,
        ))
        .await
        {
            self.progress.say(&format!("no first backup: {error}"));
        }
        // What could not be probed stays unknown, which is said at the gates and undoes nothing.
        if let Err(error) = Box::pin(self.reader.probe(&self.consent, self.interrupt, self.progress)).await {
            self.progress.say(&format!("not probed: {error}"));
        }
        let looked = self.look(self.change.options.gate_timeout).await?;
        self.progress.still();
        let Looked::Told(verdicts) = looked else {
            let failure = Failure {
                entry,
                gates: Vec::new(),
                cause: None,
            };
            return self.failed(failure, stage, journal).await;
        };
        let gates = verdicts.gates(self.before.as_ref());
        let stood: Vec<_> = gates
            .iter()
            .map(|gate| format!("{} {}", gate.phase, gate.standing.words()))
            .collect();
        journal.after("gates", &stood.join(", ")).await?;
        let asked = Box::pin(self.postlude(&gates, journal)).await;
        if gates.iter().any(|gate| gate.standing != Standing::Passed) {
            // What follows is told as it happens; gates that all pass are the result, and told with it.
            for gate in &gates {
                self.progress.say(&gate.to_string());
            }
            let cause = cause::of_gates(&gates, &self.reader, self.progress).await;
            return self.failed(Failure { entry, gates, cause }, stage, journal).await;
        }
        if let Err(error) = asked {
            let is_interrupted = error.code() == ExitCode::Interrupted;
            let cause = (!is_interrupted).then(|| Cause::of_error(&self.change.release, &error));
            return self.failed(Failure { entry, gates, cause }, stage, journal).await;
        }
        let unknown = verdicts
            .all()
            .iter()
            .filter(|judged| judged.verdict == "unknown")
            .count();
        let code = if self.change.options.strict && unknown > 0 {
            ExitCode::CannotTell
        } else {
            ExitCode::Done
        };
        let rest = if unknown > 0 {
            format!("; {unknown} items are unknown")
        } else {
            String::new()
        };
        let (release, revision) = (&self.change.release, entry.revision);
        let message = format!("release/{release} revision {revision} is deployed and every gate passed{rest}");
        Ok(Outcome {
            gates,
            notes,
            ..self.outcome(entry, code, message)
        })
    }

    async fn look(&self, patience: Duration) -> Result<Looked, Error> {
        let aside = &self.change.options.aside;
        look(
            &self.reader,
            self.before.as_ref(),
            aside,
            patience,
            self.interrupt,
            self.progress,
        )
        .await
    }

    /// What follows a failure: the way back for an upgrade, a truthful record for a first install.
    async fn failed(&self, failure: Failure, stage: &mut Stage<'_>, journal: &mut Journal) -> Result<Outcome, Error> {
        let Failure { entry, gates, cause } = failure;
        let told = |cause: &Cause| format!("{}: {}", cause.object, cause.text);
        let why = cause.as_ref().map_or_else(|| "interrupted".to_owned(), told);
        self.progress.say(&format!("cause: {why}"));
        if entry.status == Status::Deployed {
            // Helm is content, the gates are not: without this, the history would call the revision good.
            self.store
                .mark_failed(entry.revision, &format!("apimgmt: {why}"))
                .await?;
        }
        let history = self.store.history().await?;
        let is_upgrade = self.change.verb == Verb::Upgrade;
        let undo = self.change.options.rollback_on_failure.unwrap_or(is_upgrade);
        let target = last_good(&history, entry.revision);
        let (release, revision) = (&self.change.release, entry.revision);
        let code = |code| if cause.is_none() { ExitCode::Interrupted } else { code };
        let failed = Entry {
            status: Status::Failed,
            ..entry
        };
        let outcome = match (undo, target) {
            (true, Some(target)) => {
                journal.before("return").await?;
                self.come_back(target, stage).await?;
                journal.after("return", "verified").await?;
                let message = format!(
                    "revision {revision} of release/{release} failed; revision {target} serves again, verified"
                );
                let returned_to = Some(target);
                Outcome {
                    returned_to,
                    ..self.outcome(failed, code(ExitCode::Returned), message)
                }
            }
            (true, None) if !is_upgrade => {
                journal.before("return").await?;
                self.helm
                    .output("uninstall", [release.as_str(), "--wait"])
                    .await
                    .map_err(|error| {
                        let what = format!("the failed install of release/{release} could not be undone");
                        Error::new(ExitCode::Midway, what).because(error)
                    })?;
                journal.after("return", "uninstalled").await?;
                let message = format!("the install of release/{release} failed and was undone");
                Outcome {
                    returned_to: Some(0),
                    ..self.outcome(failed, code(ExitCode::Returned), message)
                }
            }
            _ if entry.status.is_pending() => {
                let what = format!("Helm died and left release/{release} {}", entry.status.word());
                let hint = format!("`helm apimgmt rescue {release} -n {}` mends it", self.namespace);
                return Err(Error::new(ExitCode::Midway, what).hint(hint));
            }
            _ => {
                let message = format!("revision {revision} of release/{release} failed and is kept as `failed`");
                self.outcome(failed, code(ExitCode::Wrong), message)
            }
        };
        Ok(Outcome {
            gates,
            cause,
            ..outcome
        })
    }

    async fn come_back(&self, target: u32, stage: &mut Stage<'_>) -> Result<(), Error> {
        let timeout = self
            .change
            .helm
            .iter()
            .rev()
            .find_map(|word| word.strip_prefix("--timeout="));
        let comeback = Comeback {
            helm: self.helm,
            reader: &self.reader,
            release: &self.change.release,
            target,
            timeout: timeout.unwrap_or(TIMEOUT),
            before: self.before.as_ref(),
            aside: &self.change.options.aside,
            patience: self.change.options.gate_timeout,
        };
        Box::pin(comeback.run(stage)).await
    }

    fn unchanged(&self, message: &str) -> Outcome {
        let entry = Entry {
            revision: self.former,
            status: Status::Unknown,
        };
        self.outcome(entry, ExitCode::Interrupted, message.into())
    }

    fn outcome(&self, entry: Entry, code: ExitCode, message: String) -> Outcome {
        Outcome {
            schema: "apimgmt.change/v1",
            verb: self.change.verb,
            release: self.change.release.clone(),
            namespace: self.namespace.clone(),
            revision: entry.revision,
            status: entry.status,
            gates: Vec::new(),
            cause: None,
            returned_to: None,
            message,
            exit_code: code as u8,
            wall_ms: u64::try_from(self.progress.elapsed().as_millis()).unwrap_or(u64::MAX),
            notes: String::new(),
            code,
        }
    }
}

/// Helm's own refusal, from before it recorded or did anything.
fn refused(verb: Verb, errors: String) -> Error {
    // In the API server's words for a Secret.
    let too_large = errors.contains("Too long: ");
    let error = Error::could_not(format!("`helm {}` refused, and nothing was changed", verb.word())).because(errors);
    if too_large {
        return error.hint(
            "Helm keeps the chart's files, its values and what it renders in one Secret of at most 1 MiB: leave large files out by `.helmignore`",
        );
    }
    error
}

/// Whether something that adds nodes was seen. What can't be read counts as seen: patience does less harm than haste.
async fn has_autoscaler(client: &Client) -> bool {
    let status: Api<ConfigMap> = Api::namespaced(client.clone(), "kube-system");
    let by_cluster_autoscaler = status.get_metadata_opt("cluster-autoscaler-status");
    let (status, groups) = futures::join!(by_cluster_autoscaler, client.list_api_groups());
    let by_karpenter = groups.map_or(true, |groups| {
        groups.groups.iter().any(|group| group.name == "karpenter.sh")
    });
    by_karpenter || !matches!(status, Ok(None))
}

#[cfg(test)]
mod tests {
    use super::{Verb, refused};

    #[test]
    fn a_release_too_large_for_a_secret_is_told_what_to_leave_out() {
        let said = "Error: UPGRADE FAILED: create: failed to create: Secret \"sh.helm.release.v1.shop.v2\" is invalid: data: Too long: may not be more than 1048576 bytes";
        let error = refused(Verb::Upgrade, said.into());
        assert_eq!(error.to_string(), "`helm upgrade` refused, and nothing was changed");
        assert!(error.next_step().is_some_and(|hint| hint.contains(".helmignore")));
        assert!(refused(Verb::Upgrade, "Error: no".into()).next_step().is_none());
    }
}
