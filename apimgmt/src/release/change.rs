//! `install` and `upgrade`: one Helm operation between a look before and six gates after, with the way back.

use std::{sync::Arc, time::Duration};

use serde::{Deserialize, Serialize};

use super::{
    Reader,
    cause::Cause,
    difference::{Difference, Migration, Rendered, SavedPlan},
    environment::Environment,
    helm::Helm,
    hooks::Hooks,
    namespace::{self, Made},
    phases::{Gate, SetAside},
    rendered::facts,
    rules,
    store::{Entry, Status, Store},
    values::{self, Chosen},
    work::Work,
};
use crate::{
    Boxed, Error, ExitCode,
    connection::Connected,
    operation::{Consent, Interrupt, Lease, Plan, Step},
    report::progress::Progress,
    values::Profile,
};

/// What is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verb {
    /// A first install.
    Install,
    /// An upgrade of what is there.
    Upgrade,
}

impl Verb {
    /// Helm's word.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Install => "install",
            Self::Upgrade => "upgrade",
        }
    }
}

/// Flags of Helm that only an upgrade knows.
pub(super) const OF_UPGRADE: [&str; 5] = [
    "--cleanup-on-fail",
    "--history-max",
    "--reset-values",
    "--reuse-values",
    "--reset-then-reuse-values",
];

/// A wanted change.
#[derive(Debug, Clone)]
pub struct Change {
    /// Install or upgrade.
    pub verb: Verb,
    /// Release.
    pub release: String,
    /// Chart: a folder, an archive or a reference.
    pub chart: String,
    /// Helm's own flags, passed through.
    pub helm: Vec<String>,
    /// Profiles that some of them name.
    pub profiles: Arc<[Profile]>,
    /// Ours.
    pub options: Options,
}

/// Our own options.
#[derive(Debug, Clone)]
pub struct Options {
    /// `upgrade --install`: what is absent is installed.
    pub install_if_absent: bool,
    /// Items set aside, with the reason.
    pub aside: SetAside,
    /// Longest wait for a place on a node where something may add nodes.
    pub schedule_grace: Duration,
    /// Whether a failure is undone; by default for an upgrade only.
    pub rollback_on_failure: Option<bool>,
    /// Longest wait for items that are not good yet.
    pub gate_timeout: Duration,
    /// Unknown rows make the exit code 4.
    pub strict: bool,
    /// Where Helm keeps its records: `HELM_DRIVER`.
    pub driver: Option<String>,
    /// What users want done around it.
    pub hooks: Hooks,
    /// Whether the release's own tests are the last gate.
    pub test: bool,
    /// The plan that must still hold, when one was saved.
    pub saved: Option<Box<SavedPlan>>,
}

/// What a change would change, before anything is changed.
pub struct Compared {
    /// The change, as it would be made.
    change: Change,
    /// The difference.
    pub difference: Difference,
    wanted: Rendered,
    newest: Option<Entry>,
}

impl Compared {
    /// The plan that can be saved and applied later.
    ///
    /// # Errors
    /// When Helm or the cluster can't be asked again.
    pub async fn plan(self, environment: &Environment, connected: &Connected, helm: &Helm) -> Result<SavedPlan, Error> {
        let Self {
            change,
            difference,
            wanted,
            newest,
        } = self;
        let place = (&change, environment.namespace.as_str());
        SavedPlan::of(place, newest, (&wanted, difference), helm, &connected.client).await
    }
}

/// How it ended.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Outcome {
    /// Version of this shape.
    pub schema: &'static str,
    /// What was done.
    pub verb: Verb,
    /// Release.
    pub release: String,
    /// Namespace.
    pub namespace: String,
    /// The revision that was made; 0 when none was.
    pub revision: u32,
    /// Its state.
    pub status: Status,
    /// The gates; empty when Helm itself did not succeed.
    pub gates: Vec<Gate>,
    /// Why it failed.
    pub cause: Option<Cause>,
    /// The revision that serves again, when the change was undone.
    pub returned_to: Option<u32>,
    /// One line.
    pub message: String,
    /// The exit code.
    pub exit_code: u8,
    /// How long it took, milliseconds.
    pub wall_ms: u64,
    /// What Helm said in the end: its status and the chart's notes.
    #[serde(skip)]
    pub notes: String,
    #[serde(skip)]
    pub(super) code: ExitCode,
}

impl Outcome {
    /// The exit code.
    pub fn code(&self) -> ExitCode {
        self.code
    }
}

impl Change {
    /// What chooses the values.
    pub fn chosen(&self) -> Chosen<'_> {
        Chosen {
            flags: &self.helm,
            profiles: &self.profiles,
        }
    }

    /// The plan: one Helm operation, six gates, the way back.
    pub fn plan(&self, namespace: &str, former: u32) -> Plan {
        let (release, verb) = (&self.release, self.verb.word());
        let mut steps = vec![];
        if self.verb == Verb::Install {
            steps.push(Step::new(
                "namespace",
                format!("make namespace {namespace} if it is not there, with Pod Security `restricted`"),
                "Helm makes namespaces without labels",
                "it is deleted again when nothing was installed",
            ));
        } else {
            steps.push(Step::new(
                "before",
                "judge every item",
                "a gate compares with what held before",
                "",
            ));
        }
        steps.extend(self.options.hooks.steps(true));
        let undo = match self.verb {
            Verb::Install => format!("helm uninstall {release}"),
            Verb::Upgrade => format!("helm rollback {release} {former}"),
        };
        steps.push(Step::new(
            "helm",
            format!("helm {verb} {release} {} --wait", self.chart),
            "Helm does Helm's work; the cluster is watched beside it",
            undo,
        ));
        steps.push(Step::new(
            "gates",
            "judge each phase's items, in order",
            "a gate passes only when every gate before it has",
            "",
        ));
        steps.extend(self.options.hooks.steps(false));
        if self.options.test {
            let what = format!("helm test {release} --logs");
            steps.push(Step::new(
                "test",
                what,
                "asked for: the release's own tests are the last gate",
                "",
            ));
        }
        Plan {
            title: format!("{verb} release/{release}"),
            namespace: namespace.into(),
            object: format!("release/{release}"),
            from: former,
            to: former + 1,
            steps,
            warnings: Vec::new(),
        }
    }

    /// Compares what is deployed with what is wanted; nothing is changed.
    ///
    /// # Errors
    /// When there is nothing to upgrade, somebody is at work on the release, or Helm can't render it.
    pub fn compare<'a>(
        mut self,
        environment: &'a Environment,
        connected: &'a Connected,
        helm: &'a Helm,
    ) -> Boxed<'a, Compared> {
        Box::pin(async move {
            let namespace = &environment.namespace;
            let driver = self.options.driver.as_deref();
            let store = Store::of(connected.client.clone(), namespace, &self.release, driver)?;
            let history = store.history().await?;
            self.prepare(&history, namespace)?;
            let ((from, before), wanted) =
                futures::try_join!(self.deployed(&store, &history), Rendered::wanted(helm, &self))?;
            let subject = (self.verb, self.release.as_str(), namespace.as_str(), from);
            let difference = Difference::of(subject, before.as_ref(), &wanted);
            Ok(Compared {
                change: self,
                difference,
                wanted,
                newest: history.last().copied(),
            })
        })
    }

    /// What an upgrade begins with, and its revision; 0 for an install.
    async fn deployed(&self, store: &Store, history: &[Entry]) -> Result<(u32, Option<Rendered>), Error> {
        // Helm, too, compares with the revision that is deployed, and only without one with the newest.
        let deployed = history
            .iter()
            .rfind(|entry| entry.status == Status::Deployed)
            .or(history.last());
        match deployed.filter(|_| self.verb == Verb::Upgrade) {
            None => Ok((0, None)),
            Some(entry) => {
                let rendered = Rendered::of(store.record_as(entry.revision).await?)?;
                Ok((entry.revision, Some(rendered)))
            }
        }
    }

    /// Runs it.
    ///
    /// # Errors
    /// When it could not be begun, or stopped midway. What failed and was undone, or was kept as failed, is an outcome.
    pub fn run<'a>(
        mut self,
        environment: &'a Environment,
        connected: &'a Connected,
        helm: &'a Helm,
        consent: Consent,
        (progress, interrupt): (&'a Progress, &'a Interrupt),
    ) -> Boxed<'a, Outcome> {
        Box::pin(async move {
            let namespace = environment.namespace.clone();
            let client = connected.client.clone();
            let store = Store::of(
                client.clone(),
                &namespace,
                &self.release,
                self.options.driver.as_deref(),
            )?;
            let (version, history) = futures::try_join!(helm.version(), store.history())?;
            let former = self.prepare(&history, &namespace)?;
            progress.say(&format!(
                "{} of release/{} in namespace {namespace}, by Helm {version} on {}",
                self.verb.word(),
                self.release,
                connected.server
            ));

            let migration = interrupt
                .or(Box::pin(self.examined(helm, &store, &history, (&client, progress))))
                .await?;

            let made = namespace::ensure(&client, &namespace).await?;
            match made {
                Made::Created => progress.say(&format!("namespace {namespace} made, Pod Security `restricted`")),
                Made::Labelled => progress.say(&format!("namespace {namespace} given back its Pod Security labels")),
                Made::Found => {}
            }
            let lease = Lease::take(&client, &namespace, self.verb.word(), progress).await?;
            let plan = self.plan(&namespace, former);
            let reader = Reader::of(connected, &namespace);
            let mut work = Work {
                change: self,
                namespace,
                client,
                helm,
                store,
                reader,
                progress,
                interrupt,
                former,
                before: None,
                migration,
                consent,
            };
            let result = Box::pin(work.journaled(&plan, &lease)).await;
            lease.give_back().await;
            if made == Made::Created && work.store.history().await.is_ok_and(|history| history.is_empty()) {
                // Nothing was installed, so nothing of ours may stay.
                namespace::delete(&work.client, &work.namespace).await?;
                progress.say(&format!(
                    "namespace {} deleted again, as nothing was installed",
                    work.namespace
                ));
            }
            result
        })
    }

    /// Looks at the values and at what they render to before anything is changed: the migration they bring.
    async fn examined(
        &self,
        helm: &Helm,
        store: &Store,
        history: &[Entry],
        (client, progress): (&kube::Client, &Progress),
    ) -> Result<Option<Migration>, Error> {
        let (mistakes, wanted, deployed) = futures::join!(
            values::check(helm, &self.chart, self.chosen()),
            Rendered::wanted(helm, self),
            self.deployed(store, history)
        );
        // Helm refuses wrong values too, in words that name no line.
        if let Some(error) = values::refusal(&mistakes?.unwrap_or_default()) {
            return Err(error);
        }
        let wanted = wanted?;
        if let Some(saved) = &self.options.saved {
            saved.still_holds(history.last().copied(), &wanted, client).await?;
        }
        let (_, before) = deployed?;
        let migration = before.and_then(|before| Migration::between(&before, &wanted));
        let objects = wanted.objects.into_values().map(|object| object.body);
        rules::hold(&facts(objects, &self.helm), &self.options.aside, progress)?;
        Ok(migration)
    }

    /// What the history says of this change: whether it is a first install, and what to return to.
    fn prepare(&mut self, history: &[Entry], namespace: &str) -> Result<u32, Error> {
        let release = &self.release;
        let last = history.last().filter(|last| last.status != Status::Uninstalled);
        if self.verb == Verb::Upgrade && last.is_none() {
            if !self.options.install_if_absent {
                return Err(
                    Error::usage(format!("there is no release `{release}` in `{namespace}` to upgrade"))
                        .hint(format!("`helm apimgmt install {release}`, or add `--install`")),
                );
            }
            self.verb = Verb::Install;
            self.helm
                .retain(|word| !OF_UPGRADE.contains(&word.split('=').next().unwrap_or_default()));
        }
        let Some(last) = last else {
            return Ok(history.last().map_or(0, |last| last.revision));
        };
        if last.status.is_pending() {
            let hint = format!("`helm apimgmt rescue {release} -n {namespace}` tells which, and mends it");
            return Err(Error::could_not(format!(
                "release `{release}` in `{namespace}` is {}: a Helm is at work on revision {}, or died at it",
                last.status.word(),
                last.revision
            ))
            .hint(hint));
        }
        if self.verb == Verb::Install {
            return Err(Error::usage(format!(
                "release `{release}` is already there in `{namespace}`, revision {} ({})",
                last.revision,
                last.status.word()
            ))
            .hint(format!(
                "`helm apimgmt upgrade {release}` goes on from there; another name or namespace makes another release"
            )));
        }
        Ok(last.revision)
    }
}
