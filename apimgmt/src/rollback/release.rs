//! Back to an earlier revision of a release, by `helm rollback`.

use std::collections::BTreeSet;

use k8s_openapi::api::core::v1::Secret;
use kube::{Api, ResourceExt, api::ListParams};
use serde::Deserialize;

use super::{Context, Fit, Needs, Outcome, Range};
use crate::{
    Error, ExitCode,
    operation::{Entry as Operation, Journal, Lease, Plan, Step, api::answers},
    release::{
        Comeback, Helm, Stage, TIMEOUT, manifest,
        scene::Scene,
        store::{Entry, Record, Status, Store, last_good},
    },
    report::progress::Progress,
    snapshot::{Labels, PodTemplate},
};

/// What a plan rests on.
#[derive(Debug, Clone)]
pub struct ReleaseFacts {
    /// Release.
    pub release: String,
    /// Namespace.
    pub namespace: String,
    /// History, oldest first.
    pub history: Vec<Entry>,
    /// Revision to go to; `None` when there is none.
    pub target: Option<u32>,
    /// What the target's pods need and nobody has.
    pub missing: Vec<String>,
    /// Images of the target that the newest revision does not use.
    pub other_images: BTreeSet<String>,
    /// Whether the target runs on the schema.
    pub fit: Fit,
}

/// The part of a manifest that is read.
struct Rendered {
    needs: Needs,
    objects: BTreeSet<(String, String)>,
    schema: Option<Range>,
}

impl ReleaseFacts {
    /// Reads them.
    ///
    /// # Errors
    /// When the history or the target can't be read, or no single release is there.
    pub async fn collect(context: &Context, name: &str, to: Option<u32>) -> Result<Self, Error> {
        context.environment.has_words_for_helm()?;
        let namespace = context.namespace().to_owned();
        let release = if name.is_empty() {
            only_release(context).await?
        } else {
            name.to_owned()
        };
        let store = Store::of(
            context.connected.client.clone(),
            &namespace,
            &release,
            context.driver.as_deref(),
        )?;
        let history = store.history().await?;
        let newest = history.last().map_or(0, |entry| entry.revision);
        let target = to
            .or_else(|| last_good(&history, newest))
            .filter(|target| history.iter().any(|entry| entry.revision == *target));
        let mut facts = Self {
            release,
            namespace,
            history,
            target,
            missing: vec![],
            other_images: BTreeSet::new(),
            fit: Fit::Fits,
        };
        if let Some(target) = target {
            let (wanted, running) = futures::try_join!(store.record(target), store.record(newest))?;
            let (wanted, running) = (Rendered::of(&wanted)?, Rendered::of(&running)?);
            let made = |kind: &str, name: &str| wanted.objects.contains(&(kind.to_owned(), name.to_owned()));
            facts.missing = context.missing(&wanted.needs, made).await?;
            facts.other_images = wanted.needs.images.difference(&running.needs.images).cloned().collect();
            let live = context.reader().schema_version().await;
            facts.fit = Fit::of(wanted.schema, running.schema, live);
        }
        Ok(facts)
    }

    /// The plan, or why there is none.
    ///
    /// # Errors
    /// When there is nothing to go back to, or the target can't run.
    pub fn plan(&self) -> Result<Plan, Error> {
        let (release, namespace) = (&self.release, &self.namespace);
        let Some(newest) = self.history.last() else {
            return Err(
                Error::usage(format!("there is no release `{release}` in `{namespace}`"))
                    .hint("`helm list -A` lists releases"),
            );
        };
        let known = || {
            let of = |entry: &Entry| format!("{} ({})", entry.revision, entry.status.word());
            format!(
                "its revisions: {}",
                self.history.iter().map(of).collect::<Vec<_>>().join(", ")
            )
        };
        let Some(target) = self.target else {
            return Err(Error::new(
                ExitCode::Wrong,
                format!("release `{release}` has no revision to go back to"),
            )
            .hint(known()));
        };
        if target == newest.revision && newest.status == Status::Deployed {
            return Err(
                Error::usage(format!("revision {target} of release `{release}` is already deployed")).hint(known()),
            );
        }
        if !self.missing.is_empty() {
            return Err(Error::new(
                ExitCode::Wrong,
                format!(
                    "revision {target} of release `{release}` can't start: {} is missing",
                    self.missing.join(", ")
                ),
            )
            .hint(format!("make it, or choose another revision; {}", known())));
        }
        let mut warnings = Vec::new();
        match &self.fit {
            Fit::Fits => {}
            Fit::DoesNot(why) => {
                return Err(Error::new(ExitCode::Wrong, format!("revision {target} of release `{release}` can't run on the database: {why}"))
                    .hint("`kubectl apimgmt rollback database` brings data and application back together; or choose a revision that knows this schema"));
            }
            Fit::Unknown(why) => warnings.push(format!(
                "whether revision {target} runs on the database's schema can't be told: {why}"
            )),
        }
        let status = self
            .history
            .iter()
            .find(|entry| entry.revision == target)
            .map(|entry| entry.status);
        if let Some(status) = status.filter(|status| !matches!(status, Status::Superseded | Status::Deployed)) {
            warnings.push(format!("revision {target} is {}: it was never good", status.word()));
        }
        if newest.status.is_pending() {
            warnings.push(format!(
                "revision {} is {}: make sure that no Helm is at work on it",
                newest.revision,
                newest.status.word()
            ));
        }
        for image in &self.other_images {
            warnings.push(format!("image {image} must still be in its registry"));
        }
        Ok(Plan {
            title: format!("return release/{release} from revision {} to {target}", newest.revision),
            namespace: namespace.clone(),
            object: format!("release/{release}"),
            from: newest.revision,
            to: target,
            steps: vec![
                Step::new(
                    "rollback",
                    format!("helm rollback {release} {target} --wait"),
                    "Helm records the return as a revision of its own; it is not interrupted",
                    format!("helm rollback {release} {}", newest.revision),
                ),
                Step::new("verify", "judge every item", "what held before must hold after", ""),
            ],
            warnings,
        })
    }
}

impl Rendered {
    fn of(record: &Record) -> Result<Self, Error> {
        let mut rendered = Self {
            needs: Needs::default(),
            objects: BTreeSet::new(),
            schema: None,
        };
        let objects = manifest::objects(&record.manifest).map_err(|why| {
            Error::could_not(format!("the manifest of revision {} can't be read", record.revision)).because(why)
        })?;
        for object in objects {
            let kind = object["kind"].as_str().unwrap_or_default().to_lowercase();
            rendered.objects.insert((
                kind.clone(),
                object["metadata"]["name"].as_str().unwrap_or_default().into(),
            ));
            let template = match kind.as_str() {
                "deployment" | "statefulset" | "daemonset" => &object["spec"]["template"],
                _ => continue,
            };
            if let Ok(template) = PodTemplate::deserialize(template) {
                rendered.needs.add(&template);
            }
            if kind == "deployment" {
                let annotations = Labels::deserialize(&object["metadata"]["annotations"]).unwrap_or_default();
                rendered.schema = Range::of(&annotations).or(rendered.schema);
            }
        }
        Ok(rendered)
    }
}

/// Helm's rollback, what it leaves stuck set free.
pub(super) async fn run(
    context: &Context,
    plan: &Plan,
    journal: &mut Journal,
    lease: &Lease,
    progress: &Progress,
) -> Result<Option<Outcome>, Error> {
    let release = plan.object.split_once('/').map_or("", |(_, name)| name);
    let store = Store::of(
        context.connected.client.clone(),
        context.namespace(),
        release,
        context.driver.as_deref(),
    )?;
    let newest = store.history().await?.last().copied();
    // A resumed rollback: Helm may have done its part before its operator died.
    let is_done = newest.is_some_and(|newest| newest.revision > plan.from && newest.status == Status::Deployed);
    if newest.is_some_and(|newest| newest.revision > plan.from)
        && !journal
            .entries()
            .last()
            .is_some_and(|entry| entry.marks.iter().any(|mark| mark.step == "rollback"))
    {
        return Err(
            Error::could_not(format!("release `{release}` has moved since the plan was made")).hint("plan again"),
        );
    }
    if let Some(error) = lease.is_lost() {
        return Err(error);
    }
    if !is_done {
        journal.before("rollback").await?;
        go_back(context, release, plan.to, progress).await?;
    }
    journal.after("rollback", "deployed").await?;
    Ok(None)
}

/// To the revision that was newest when the rollback began.
pub(super) async fn abort(context: &Context, entry: &Operation, progress: &Progress) -> Result<String, Error> {
    let release = entry.plan.object.split_once('/').map_or("", |(_, name)| name);
    let store = Store::of(
        context.connected.client.clone(),
        context.namespace(),
        release,
        context.driver.as_deref(),
    )?;
    if store
        .history()
        .await?
        .last()
        .is_some_and(|newest| newest.revision == entry.plan.from)
    {
        return Ok(format!("nothing of release/{release} had been changed"));
    }
    go_back(context, release, entry.plan.from, progress).await?;
    Ok(format!(
        "release/{release} runs revision {} again, as before the rollback",
        entry.plan.from
    ))
}

async fn go_back(context: &Context, release: &str, target: u32, progress: &Progress) -> Result<(), Error> {
    let helm = Helm::find(&context.environment, std::env::var_os("PATH").as_deref())?;
    let reader = context.reader();
    let mut stage = Stage::open(
        &context.connected.client,
        context.namespace(),
        Scene::of(release),
        progress,
    )
    .await;
    let comeback = Comeback {
        helm: &helm,
        reader: &reader,
        release,
        target,
        timeout: TIMEOUT,
        before: None,
        aside: &super::SetAside::new(),
        patience: context.patience,
    };
    comeback.run(&mut stage).await
}

async fn only_release(context: &Context) -> Result<String, Error> {
    let secrets: Api<Secret> = Api::namespaced(context.connected.client.clone(), context.namespace());
    let owned = ListParams::default().labels("owner=helm");
    let listed = answers(secrets.list_metadata(&owned), "list", "secrets", context.namespace()).await?;
    let names: BTreeSet<_> = listed
        .iter()
        .filter_map(|secret| secret.labels().get("name").cloned())
        .collect();
    match names.len() {
        1 => Ok(names.into_iter().next().unwrap_or_default()),
        0 => Err(
            Error::usage(format!("there is no release of Helm in `{}`", context.namespace()))
                .hint("name another namespace with `-n`; `rollback deployment` needs no release"),
        ),
        _ => Err(
            Error::usage(format!("there are several releases in `{}`", context.namespace())).hint(format!(
                "name one of: {}",
                names.into_iter().collect::<Vec<_>>().join(", ")
            )),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts() -> ReleaseFacts {
        let entry = |revision, status| Entry { revision, status };
        ReleaseFacts {
            release: "shop".into(),
            namespace: "shop".into(),
            history: vec![
                entry(3, Status::Superseded),
                entry(4, Status::Failed),
                entry(5, Status::Deployed),
            ],
            target: Some(3),
            missing: Vec::new(),
            other_images: ["shop:1".to_owned()].into(),
            fit: Fit::Fits,
        }
    }

    #[test]
    fn a_plan_says_what_why_and_how_it_is_undone() {
        assert_eq!(
            facts().plan().unwrap().to_string(),
            "Plan: return release/shop from revision 5 to 3 in namespace shop\n  \
             1. helm rollback shop 3 --wait\n     \
             why:  Helm records the return as a revision of its own; it is not interrupted\n     \
             undo: helm rollback shop 5\n  \
             2. judge every item\n     \
             why:  what held before must hold after\n  \
             ! image shop:1 must still be in its registry\n"
        );
    }

    #[test]
    fn a_target_that_cannot_run_is_refused_with_the_reason_and_what_to_do() {
        let told = |facts: ReleaseFacts| {
            let error = facts.plan().unwrap_err();
            (
                error.code(),
                format!("{error}; {}", error.next_step().unwrap_or_default()),
            )
        };
        let (code, text) = told(ReleaseFacts {
            fit: Fit::DoesNot("it runs on schema 1".into()),
            ..facts()
        });
        assert_eq!(code, ExitCode::Wrong);
        assert!(text.contains("schema 1") && text.contains("rollback database"));
        let (code, text) = told(ReleaseFacts {
            missing: vec!["secret/x".into()],
            ..facts()
        });
        assert_eq!(code, ExitCode::Wrong);
        assert!(text.contains("secret/x is missing") && text.contains("3 (superseded)"));
        let (code, text) = told(ReleaseFacts {
            target: None,
            ..facts()
        });
        assert_eq!(code, ExitCode::Wrong);
        assert!(text.contains("no revision to go back to"));
        assert_eq!(
            told(ReleaseFacts {
                target: Some(5),
                ..facts()
            })
            .0,
            ExitCode::Usage
        );
    }

    #[test]
    fn a_target_that_was_never_good_is_only_warned_of() {
        let plan = ReleaseFacts {
            target: Some(4),
            ..facts()
        }
        .plan()
        .unwrap();
        assert!(
            plan.warnings
                .iter()
                .any(|warning| warning.contains("revision 4 is failed"))
        );
    }

    #[test]
    fn a_manifest_tells_what_its_pods_need_and_which_schema_they_run_on() {
        let manifest = "---\nkind: Secret\nmetadata: {name: made}\n---\nkind: Deployment\nmetadata:\n  name: app\n  annotations: \
                        {apimgmt.io/schema-minimum: \"1\", apimgmt.io/schema-maximum: \"2\"}\nspec: {template: {spec: {containers: \
                        [{name: c, image: shop:1, envFrom: [{secretRef: {name: made}}]}]}}}\n";
        let rendered = Rendered::of(&Record {
            manifest: manifest.into(),
            ..Record::default()
        })
        .unwrap();
        assert_eq!(rendered.schema, Some(Range { minimum: 1, maximum: 2 }));
        assert!(
            rendered.needs.secrets.contains("made") && rendered.objects.contains(&("secret".into(), "made".into()))
        );
    }
}
