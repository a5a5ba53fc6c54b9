//! The way back that a person asks for: of a release or of one deployment, by a plan, a consent, a run and a proof.

mod deployment;
mod needs;
mod release;
mod rollout;
mod schema;
mod template;

use std::time::Duration;

use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use kube::{Api, ResourceExt, api::ListParams};
use serde::Serialize;

pub use deployment::DeploymentFacts;
pub use needs::Needs;
pub use release::ReleaseFacts;
pub use schema::{Fit, Range};

use crate::{
    Boxed, Error, ExitCode,
    connection::Connected,
    operation::{Consent, Entry, Interrupt, Journal, Lease, Plan, api::answers},
    release::{
        Environment, Reader,
        phases::{Looked, SetAside, Verdicts, look},
    },
    report::progress::Progress,
};

/// What is rolled back; an empty name means the one that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// A release of Helm.
    Release(String),
    /// A deployment.
    Deployment(String),
}

/// Where, and with what.
pub struct Context {
    /// The cluster.
    pub connected: Connected,
    /// Namespace, and the way to Helm.
    pub environment: Environment,
    /// `HELM_DRIVER`.
    pub driver: Option<String>,
    /// Longest wait for items to hold again.
    pub patience: Duration,
}

/// How it ended.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Outcome {
    /// Version of this shape.
    pub schema: &'static str,
    /// What was done.
    pub plan: Plan,
    /// One line.
    pub message: String,
    /// The exit code.
    pub exit_code: u8,
    /// How long it took, milliseconds.
    pub wall_ms: u64,
    #[serde(skip)]
    code: ExitCode,
}

impl Outcome {
    fn new(plan: &Plan, code: ExitCode, message: String, progress: &Progress) -> Self {
        Self {
            schema: "apimgmt.rollback/v1",
            plan: plan.clone(),
            message,
            exit_code: code as u8,
            wall_ms: u64::try_from(progress.elapsed().as_millis()).unwrap_or(u64::MAX),
            code,
        }
    }

    /// The exit code.
    pub fn code(&self) -> ExitCode {
        self.code
    }
}

impl Context {
    fn namespace(&self) -> &str {
        &self.environment.namespace
    }

    fn reader(&self) -> Reader {
        Reader::of(&self.connected, self.namespace())
    }

    /// What pods need that is neither there nor made by what is applied, as `secret/NAME`.
    async fn missing(&self, needs: &Needs, made: impl Fn(&str, &str) -> bool) -> Result<Vec<String>, Error> {
        let (client, namespace) = (&self.connected.client, self.namespace());
        let secrets: Api<Secret> = Api::namespaced(client.clone(), namespace);
        let maps: Api<ConfigMap> = Api::namespaced(client.clone(), namespace);
        let all = ListParams::default();
        let (secrets, maps) = futures::try_join!(
            answers(secrets.list_metadata(&all), "list", "secrets", namespace),
            answers(maps.list_metadata(&all), "list", "configmaps", namespace),
        )?;
        Ok(needs.missing(|kind, name| {
            made(kind, name)
                || match kind {
                    "secret" => secrets.iter().any(|it| it.name_any() == name),
                    _ => maps.iter().any(|it| it.name_any() == name),
                }
        }))
    }
}

/// Looks at what there is, and plans; nothing is changed.
///
/// # Errors
/// When there is nothing to go back to, or the target can't run on what is there now: with the reason and what to do instead.
pub fn plan<'a>(context: &'a Context, subject: &'a Subject, to: Option<u32>) -> Boxed<'a, Plan> {
    Box::pin(async move {
        let plan = match subject {
            Subject::Release(name) => ReleaseFacts::collect(context, name, to).await?.plan()?,
            Subject::Deployment(name) => DeploymentFacts::collect(context, name, to).await?.plan()?,
        };
        if let Some(entry) = Journal::open(&context.connected.client, context.namespace())
            .await?
            .unfinished()
            .filter(|entry| entry.verb == "rollback")
        {
            return Err(unfinished(entry));
        }
        Ok(plan)
    })
}

/// Runs a plan that somebody consented to, and proves its result.
///
/// # Errors
/// When it could not be begun, or stopped midway: the journal then says how far it came.
pub fn run<'a>(
    context: &'a Context,
    plan: &'a Plan,
    _consent: Consent,
    progress: &'a Progress,
    interrupt: &'a Interrupt,
) -> Boxed<'a, Outcome> {
    Box::pin(async move {
        let client = &context.connected.client;
        let lease = Lease::take(client, context.namespace(), "rollback", progress).await?;
        let result = async {
            let mut journal = Journal::open(client, context.namespace()).await?;
            match journal.unfinished().filter(|entry| entry.verb == "rollback") {
                Some(entry) if entry.plan != *plan => return Err(unfinished(entry)),
                Some(_) => progress.say("going on from the journal"),
                None => journal.begin("rollback", plan).await?,
            }
            let result = steps(context, plan, &lease, &mut journal, progress, interrupt).await;
            match &result {
                Ok(outcome) => journal.end(&outcome.message).await?,
                // Unfinished on purpose: it can be resumed or aborted.
                Err(error) if error.code() == ExitCode::Midway => {}
                Err(error) => journal.end(&error.to_string()).await?,
            }
            result
        }
        .await;
        lease.give_back().await;
        result
    })
}

/// Goes on with a rollback whose operator died or was stopped midway. Steps that were done are not done again.
///
/// # Errors
/// When there is none, or as [`run`].
pub fn resume<'a>(
    context: &'a Context,
    consent: Consent,
    progress: &'a Progress,
    interrupt: &'a Interrupt,
) -> Boxed<'a, Outcome> {
    Box::pin(async move {
        let plan = left_over(context).await?.plan;
        run(context, &plan, consent, progress, interrupt).await
    })
}

/// Brings back what was there before a rollback that was left midway.
///
/// # Errors
/// When there is none, or as [`run`].
pub fn abort<'a>(context: &'a Context, _consent: Consent, progress: &'a Progress) -> Boxed<'a, Outcome> {
    Box::pin(async move {
        let entry = left_over(context).await?;
        let lease = Lease::take(
            &context.connected.client,
            context.namespace(),
            "rollback --abort",
            progress,
        )
        .await?;
        let result = async {
            let mut journal = Journal::open(&context.connected.client, context.namespace()).await?;
            let message = match entry.plan.object.split_once('/') {
                Some(("deployment", name)) => rollout::abort(context, name, &entry, progress).await?,
                _ => release::abort(context, &entry, progress).await?,
            };
            journal.end(&format!("aborted: {message}")).await?;
            Ok(Outcome::new(&entry.plan, ExitCode::Done, message, progress))
        }
        .await;
        lease.give_back().await;
        result
    })
}

/// What was done in the namespace, oldest first.
///
/// # Errors
/// When the journal can't be read.
pub fn history(context: &Context) -> Boxed<'_, Vec<Entry>> {
    Box::pin(async move {
        Ok(Journal::open(&context.connected.client, context.namespace())
            .await?
            .entries()
            .to_vec())
    })
}

async fn left_over(context: &Context) -> Result<Entry, Error> {
    let journal = Journal::open(&context.connected.client, context.namespace()).await?;
    journal
        .unfinished()
        .filter(|entry| entry.verb == "rollback")
        .cloned()
        .ok_or_else(|| {
            Error::usage(format!("no rollback in `{}` was left midway", context.namespace()))
                .hint("`kubectl apimgmt rollback --history` shows what was done")
        })
}

fn unfinished(entry: &Entry) -> Error {
    Error::new(
        ExitCode::Midway,
        format!("a rollback by {} was left midway: {}", entry.by, entry.plan.title),
    )
    .hint("`kubectl apimgmt rollback --resume` goes on, `--abort` brings back what was there before")
}

/// Before, the change itself, and the proof.
async fn steps(
    context: &Context,
    plan: &Plan,
    lease: &Lease,
    journal: &mut Journal,
    progress: &Progress,
    interrupt: &Interrupt,
) -> Result<Outcome, Error> {
    let reader = context.reader();
    let aside = SetAside::new();
    progress.spin("judging what holds before");
    let before = match look(&reader, None, &aside, Duration::ZERO, interrupt, progress).await? {
        Looked::Told(verdicts) => verdicts,
        Looked::Interrupted => {
            return Ok(Outcome::new(
                plan,
                ExitCode::Interrupted,
                "interrupted before anything was changed".into(),
                progress,
            ));
        }
    };
    let outcome = match plan.object.split_once('/') {
        Some(("deployment", name)) => rollout::run(context, name, plan, journal, (lease, interrupt), progress).await?,
        _ => release::run(context, plan, journal, lease, progress).await?,
    };
    if let Some(outcome) = outcome {
        return Ok(outcome);
    }
    journal.before("verify").await?;
    let code = prove(&reader, &before, &aside, context.patience, progress).await?;
    journal.after("verify", "done").await?;
    let (code, proof) = match code {
        lost if lost.is_empty() => (ExitCode::Done, "verified".to_owned()),
        lost => (
            ExitCode::Wrong,
            format!("but what held before does not hold: {}", lost.join(", ")),
        ),
    };
    Ok(Outcome::new(
        plan,
        code,
        format!("{} runs revision {} again, {proof}", plan.object, plan.to),
        progress,
    ))
}

/// Ids of items that passed before and fail now.
async fn prove(
    reader: &Reader,
    before: &Verdicts,
    aside: &SetAside,
    patience: Duration,
    progress: &Progress,
) -> Result<Vec<&'static str>, Error> {
    match look(reader, Some(before), aside, patience, &Interrupt::never(), progress).await? {
        Looked::Told(after) => Ok(after
            .gates(Some(before))
            .into_iter()
            .flat_map(|gate| gate.shut_by)
            .collect()),
        Looked::Interrupted => Ok(Vec::new()),
    }
}
