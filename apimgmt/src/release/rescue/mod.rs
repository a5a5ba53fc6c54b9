//! `rescue`: a release whose Helm or whose operator died midway, brought to a state from which plain Helm goes on.
//!
//! Nothing is done before it is proven that nobody works on it any more: by our lease, by the process that the journal
//! names, or by a silence that is longer than any wait of Helm.

mod signs;

use std::time::Duration;

use jiff::SignedDuration;
use serde::Serialize;

use self::signs::{Proof, Signs};
use super::{
    Comeback, Environment, Helm, Reader, Stage, TIMEOUT,
    phases::{Looked, SetAside, Verdicts, look},
    scene::Scene,
    store::{Entry, Status, Store, last_good},
};
use crate::{
    Boxed, Error, ExitCode,
    connection::Connected,
    operation::{Consent, Entry as Operation, Interrupt, Journal, Lease, Plan, Step},
    report::progress::Progress,
};

/// Helm waits five minutes for one thing unless it is told otherwise; half a minute more is for slow writes.
pub const QUIET: Duration = Duration::from_secs(330);

/// What is to be rescued, and how patiently.
#[derive(Debug, Clone)]
pub struct Rescue {
    /// Release.
    pub release: String,
    /// Silence after which a Helm is taken for dead.
    pub quiet: Duration,
    /// Longest wait for items to hold again.
    pub patience: Duration,
    /// Where Helm keeps its records: `HELM_DRIVER`.
    pub driver: Option<String>,
}

/// What was found, before anything is done.
#[derive(Debug)]
pub struct Found {
    /// What will be done; nothing when the release needs no rescue.
    pub plan: Option<Plan>,
    /// Why nobody is at work, or what the release is like when it needs nothing.
    pub told: String,
    way: Way,
}

/// How it ended.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Outcome {
    /// Version of this shape.
    pub schema: &'static str,
    /// Release.
    pub release: String,
    /// What was done; nothing when nothing was to be done.
    pub plan: Option<Plan>,
    /// One line.
    pub message: String,
    /// The exit code.
    pub exit_code: u8,
    #[serde(skip)]
    code: ExitCode,
}

/// The way out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// There is nothing to do.
    None,
    /// The revision is told to have failed; there is none to return to.
    Fail(u32),
    /// The revision is told to have failed, and a former one is brought back.
    Return(u32, u32),
    /// Helm was done, the gates were not: they are judged now, and what fails them is undone.
    Judge(u32, Option<u32>),
}

impl Way {
    /// From Helm's history and our journal.
    fn of(history: &[Entry], unfinished: Option<&Operation>) -> Self {
        let Some(newest) = history.last() else {
            return Self::None;
        };
        let revision = newest.revision;
        let back = last_good(history, revision);
        let failed = back.map_or(Self::Fail(revision), |back| Self::Return(revision, back));
        // A rollback that was left midway is resumed or aborted; a rescue begins with the revision that was stuck.
        let is_new = unfinished.is_some_and(|entry| match entry.verb.as_str() {
            "rollback" => false,
            "rescue" => revision >= entry.plan.from,
            _ => revision > entry.plan.from,
        });
        match newest.status {
            Status::PendingInstall => Self::Fail(revision),
            Status::PendingUpgrade | Status::PendingRollback => failed,
            Status::Failed if is_new && back.is_some() => failed,
            Status::Deployed if is_new => Self::Judge(revision, back),
            _ => Self::None,
        }
    }
}

impl Rescue {
    /// Looks, and plans; nothing is changed.
    ///
    /// # Errors
    /// When there is no such release, when somebody is at work on it, or when nobody can say yet whether anybody is.
    pub fn look<'a>(&'a self, connected: &'a Connected, namespace: &'a str) -> Boxed<'a, Found> {
        Box::pin(async move {
            let client = &connected.client;
            let store = Store::of(client.clone(), namespace, &self.release, self.driver.as_deref())?;
            let (history, journal) = futures::try_join!(store.history(), Journal::open(client, namespace))?;
            let Some(newest) = history.last() else {
                return Err(Error::usage(format!("there is no release `{}` in `{namespace}`", self.release))
                    .hint("`helm list -A --all` lists releases; where nothing was recorded, `helm apimgmt install` begins again"));
            };
            let revision = newest.revision;
            if newest.status == Status::Uninstalling {
                return Err(
                    Error::usage(format!("release `{}` was being uninstalled", self.release))
                        .hint(format!("`helm apimgmt uninstall {}` goes on with it", self.release)),
                );
            }
            let way = Way::of(&history, journal.unfinished());
            if way == Way::None {
                let told = format!(
                    "release/{} needs no rescue: revision {revision} is {}",
                    self.release,
                    newest.status.word()
                );
                return Ok(Found { plan: None, told, way });
            }
            let quiet = SignedDuration::try_from(self.quiet).unwrap_or(SignedDuration::MAX);
            let signs = Box::pin(Signs::of(client, namespace, &store, revision, &journal)).await?;
            let told = match signs.proof(quiet) {
                Proof::Nobody(why) => why,
                Proof::Somebody(why) => {
                    return Err(Error::could_not(format!(
                        "release `{}` is {}, and is being worked on: {why}",
                        self.release,
                        newest.status.word()
                    ))
                    .hint("wait until it has ended"));
                }
                Proof::NotYet(why) => {
                    return Err(Error::new(
                        ExitCode::CannotTell,
                        format!("release `{}` is {}, and somebody may be working on it: {why}", self.release, newest.status.word()),
                    )
                    .hint("wait, or say with `--quiet DURATION` after which silence nobody can be at work: longer than the `--timeout` of whoever began it"));
                }
            };
            let plan = Some(self.plan(namespace, *newest, way));
            Ok(Found { plan, told, way })
        })
    }

    fn plan(&self, namespace: &str, newest: Entry, way: Way) -> Plan {
        let (release, revision) = (&self.release, newest.revision);
        let fail = Step::new(
            "fail",
            format!("say in Helm's record that revision {revision} failed"),
            format!("while it is {}, Helm refuses every upgrade", newest.status.word()),
            "",
        );
        let back = |target: u32| {
            let what = format!("helm rollback {release} {target} --wait, and judge every item");
            let why = format!("revision {target} is the last that was good");
            Step::new("return", what, why, format!("helm rollback {release} {revision}"))
        };
        let (to, steps) = match way {
            Way::None => (revision, vec![]),
            Way::Fail(_) => (revision, vec![fail]),
            Way::Return(_, target) => (target, vec![fail, back(target)]),
            Way::Judge(_, target) => {
                let judge = Step::new(
                    "gates",
                    format!("judge every item of revision {revision}, and keep it when its gates pass"),
                    "its operator died before they were judged",
                    "",
                );
                let else_back = target.map(|target| {
                    let step = back(target);
                    Step {
                        what: format!("else: {}", step.what),
                        ..step
                    }
                });
                (revision, [Some(judge), else_back].into_iter().flatten().collect())
            }
        };
        Plan {
            title: format!(
                "rescue release/{release}, whose revision {revision} is {}",
                newest.status.word()
            ),
            namespace: namespace.into(),
            object: format!("release/{release}"),
            from: revision,
            to,
            steps,
            warnings: Vec::new(),
        }
    }

    /// Does what was planned.
    ///
    /// # Errors
    /// When somebody came meanwhile, or the way back failed.
    pub fn run<'a>(
        &'a self,
        environment: &'a Environment,
        connected: &'a Connected,
        helm: &'a Helm,
        (found, _consent): (Found, Consent),
        progress: &'a Progress,
    ) -> Boxed<'a, Outcome> {
        Box::pin(async move {
            let namespace = &environment.namespace;
            let client = &connected.client;
            let Some(plan) = found.plan else {
                return Ok(self.outcome(None, ExitCode::Done, found.told));
            };
            let lease = Lease::take(client, namespace, "rescue", progress).await?;
            let result = async {
                let mut journal = Journal::open(client, namespace).await?;
                // Somebody else's rescue, or a Helm that lived after all.
                let store = Store::of(client.clone(), namespace, &self.release, self.driver.as_deref())?;
                if Way::of(&store.history().await?, journal.unfinished()) != found.way {
                    return Err(Error::could_not(format!(
                        "release `{}` has moved since it was looked at",
                        self.release
                    ))
                    .hint("run `helm apimgmt rescue` again"));
                }
                let before = journal.before_of(&plan.object).map(|failed| Verdicts::all_but(&failed));
                if journal.unfinished().is_some() {
                    journal.end("its operator is gone; rescued").await?;
                }
                journal.begin("rescue", &plan).await?;
                let reader = Reader::of(connected, namespace);
                let work = Work {
                    rescue: self,
                    store,
                    reader,
                    helm,
                    before,
                    progress,
                };
                let (code, message) = work.walk(found.way, &mut journal).await?;
                journal.end(&message).await?;
                Ok(self.outcome(Some(plan), code, message))
            }
            .await;
            lease.give_back().await;
            result
        })
    }

    fn outcome(&self, plan: Option<Plan>, code: ExitCode, message: String) -> Outcome {
        Outcome {
            schema: "apimgmt.rescue/v1",
            release: self.release.clone(),
            plan,
            message,
            exit_code: code as u8,
            code,
        }
    }
}

impl Outcome {
    /// The exit code.
    pub fn code(&self) -> ExitCode {
        self.code
    }
}

/// What the steps share.
struct Work<'a> {
    rescue: &'a Rescue,
    store: Store,
    reader: Reader,
    helm: &'a Helm,
    before: Option<Verdicts>,
    progress: &'a Progress,
}

impl Work<'_> {
    async fn walk(&self, way: Way, journal: &mut Journal) -> Result<(ExitCode, String), Error> {
        let release = &self.rescue.release;
        match way {
            Way::None => Ok((ExitCode::Done, format!("release/{release} needed nothing"))),
            Way::Fail(revision) => {
                self.fail(revision, "whoever worked on it is gone", journal).await?;
                let message = format!(
                    "revision {revision} of release/{release} is `failed` now; `helm apimgmt upgrade {release}`, or plain Helm, goes on from there"
                );
                Ok((ExitCode::Done, message))
            }
            Way::Return(revision, target) => {
                self.fail(revision, "whoever worked on it is gone", journal).await?;
                self.come_back(target, journal).await?;
                Ok((
                    ExitCode::Done,
                    format!("revision {target} of release/{release} serves again, verified"),
                ))
            }
            Way::Judge(revision, target) => {
                journal.before("gates").await?;
                let shut = self.shut().await?;
                journal.after("gates", &shut.join(", ")).await?;
                if shut.is_empty() {
                    let message = format!("revision {revision} of release/{release} is deployed and every gate passed");
                    return Ok((ExitCode::Done, message));
                }
                let why = format!("failed: {}", shut.join(", "));
                self.fail(revision, &why, journal).await?;
                let Some(target) = target else {
                    let message = format!("revision {revision} of release/{release} {why}; it is kept as `failed`");
                    return Ok((ExitCode::Wrong, message));
                };
                self.come_back(target, journal).await?;
                let message =
                    format!("revision {revision} of release/{release} {why}; revision {target} serves again, verified");
                Ok((ExitCode::Returned, message))
            }
        }
    }

    /// Ids of the items that shut a gate.
    async fn shut(&self) -> Result<Vec<&'static str>, Error> {
        let patience = self.rescue.patience;
        let (aside, interrupt) = (SetAside::new(), Interrupt::never());
        let looked = look(
            &self.reader,
            self.before.as_ref(),
            &aside,
            patience,
            &interrupt,
            self.progress,
        );
        Ok(match Box::pin(looked).await? {
            Looked::Told(verdicts) => verdicts
                .gates(self.before.as_ref())
                .into_iter()
                .flat_map(|gate| gate.shut_by)
                .collect(),
            Looked::Interrupted => Vec::new(),
        })
    }

    async fn fail(&self, revision: u32, why: &str, journal: &mut Journal) -> Result<(), Error> {
        journal.before("fail").await?;
        self.store
            .mark_failed(revision, &format!("apimgmt rescue: {why}"))
            .await?;
        self.progress
            .say(&format!("revision {revision} is `failed` now: {why}"));
        journal.after("fail", "failed").await
    }

    async fn come_back(&self, target: u32, journal: &mut Journal) -> Result<(), Error> {
        journal.before("return").await?;
        let mut stage = Stage::open(
            self.reader.client(),
            self.reader.namespace(),
            Scene::of(&self.rescue.release),
            self.progress,
        )
        .await;
        let comeback = Comeback {
            helm: self.helm,
            reader: &self.reader,
            release: &self.rescue.release,
            target,
            timeout: TIMEOUT,
            before: self.before.as_ref(),
            aside: &SetAside::new(),
            patience: self.rescue.patience,
        };
        Box::pin(comeback.run(&mut stage)).await?;
        journal.after("return", "verified").await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn history(list: &[(u32, Status)]) -> Vec<Entry> {
        list.iter()
            .map(|(revision, status)| Entry {
                revision: *revision,
                status: *status,
            })
            .collect()
    }

    fn upgrade(from: u32) -> Operation {
        Operation {
            verb: "upgrade".into(),
            plan: Plan {
                from,
                ..Plan::default()
            },
            ..Operation::default()
        }
    }

    #[test]
    fn each_stuck_state_has_its_way_out() {
        use Status::{Deployed, Failed, PendingInstall, PendingRollback, PendingUpgrade, Superseded};
        let way =
            |list: &[(u32, Status)], unfinished: Option<u32>| Way::of(&history(list), unfinished.map(upgrade).as_ref());
        assert_eq!(way(&[(1, PendingInstall)], None), Way::Fail(1));
        assert_eq!(
            way(&[(1, Superseded), (2, Deployed), (3, PendingUpgrade)], None),
            Way::Return(3, 2)
        );
        assert_eq!(way(&[(1, Failed), (2, PendingUpgrade)], None), Way::Fail(2));
        let returning = [(1, Deployed), (2, Failed), (3, PendingRollback)];
        assert_eq!(way(&returning, None), Way::Return(3, 1));
        assert_eq!(way(&[(1, Superseded), (2, Deployed)], None), Way::None);
        assert_eq!(
            way(&[(1, Superseded), (2, Deployed)], Some(2)),
            Way::None,
            "the upgrade had not begun"
        );
        assert_eq!(way(&[(1, Superseded), (2, Deployed)], Some(1)), Way::Judge(2, Some(1)));
        assert_eq!(way(&[(1, Deployed)], Some(0)), Way::Judge(1, None));
        assert_eq!(
            way(&[(1, Deployed), (2, Failed)], Some(1)),
            Way::Return(2, 1),
            "the way back had not begun"
        );
        assert_eq!(
            way(&[(1, Deployed), (2, Failed)], None),
            Way::None,
            "somebody left it so"
        );
        assert_eq!(way(&[], None), Way::None);
        let rescue = Operation {
            verb: "rescue".into(),
            ..upgrade(2)
        };
        let marked = history(&[(1, Deployed), (2, Failed)]);
        assert_eq!(
            Way::of(&marked, Some(&rescue)),
            Way::Return(2, 1),
            "a rescue that died is gone on with"
        );
    }
}
