//! Back to an earlier revision of one deployment: what there is to go back to, and the plan.

use std::collections::BTreeMap;

use kube::{ResourceExt, api::DynamicObject};
use serde::Deserialize;

use super::{
    Context, Fit, Needs, Range,
    template::{find, replica_sets, revision},
};
use crate::{
    Error, ExitCode,
    operation::{Plan, Step},
    release::scene::RELEASE_ANNOTATION,
    snapshot::{Labels, PodTemplate},
};

/// What a plan rests on.
#[derive(Debug, Clone)]
pub struct DeploymentFacts {
    /// Deployment.
    pub name: String,
    /// Namespace.
    pub namespace: String,
    /// Revision that it runs.
    pub current: u32,
    /// Whether it is paused.
    pub paused: bool,
    /// Release of Helm that owns it.
    pub owner: Option<String>,
    /// Revisions that can be gone back to, and the images of each.
    pub revisions: BTreeMap<u32, Vec<String>>,
    /// The wanted one.
    pub target: Option<u32>,
    /// What its pods need and nobody has.
    pub missing: Vec<String>,
    /// Whether it was made for other configuration than is there now.
    pub other_configuration: bool,
    /// Whether it runs on the schema.
    pub fit: Fit,
}

impl DeploymentFacts {
    /// Reads them.
    ///
    /// # Errors
    /// When they can't be read, or no single deployment is there.
    pub async fn collect(context: &Context, name: &str, to: Option<u32>) -> Result<Self, Error> {
        let namespace = context.namespace().to_owned();
        let object = find(context, name).await?;
        let sets = replica_sets(context, &object).await?;
        let current = revision(&object);
        let target = to.or_else(|| sets.keys().rev().find(|revision| **revision < current).copied());
        let target = target.filter(|target| sets.contains_key(target));
        let template =
            |object: &DynamicObject| PodTemplate::deserialize(&object.data["spec"]["template"]).unwrap_or_default();
        let images = |object: &DynamicObject| {
            let mut needs = Needs::default();
            needs.add(&template(object));
            needs.images.into_iter().collect::<Vec<_>>()
        };
        let mut facts = Self {
            name: object.name_any(),
            current,
            paused: object.data["spec"]["paused"] == true,
            owner: object.annotations().get(RELEASE_ANNOTATION).cloned(),
            revisions: sets.iter().map(|(revision, set)| (*revision, images(set))).collect(),
            target,
            missing: Vec::new(),
            other_configuration: false,
            fit: Fit::Fits,
            namespace,
        };
        if let Some(set) = target.and_then(|target| sets.get(&target)) {
            let mut needs = Needs::default();
            needs.add(&template(set));
            facts.missing = context.missing(&needs, |_, _| false).await?;
            let checksums = |object: &DynamicObject| -> Labels {
                let annotations = template(object).metadata.annotations;
                annotations
                    .iter()
                    .filter(|(key, _)| key.starts_with("checksum/"))
                    .map(|(key, value)| (key.clone(), value.clone()))
                    .collect()
            };
            facts.other_configuration = checksums(set) != checksums(&object);
            let live = context.reader().schema_version().await;
            facts.fit = Fit::of(Range::of(set.annotations()), Range::of(object.annotations()), live);
        }
        Ok(facts)
    }

    /// The plan, or why there is none.
    ///
    /// # Errors
    /// When there is nothing to go back to, or the target can't run.
    pub fn plan(&self) -> Result<Plan, Error> {
        let (name, namespace) = (&self.name, &self.namespace);
        let known = || {
            let of = |(revision, images): (&u32, &Vec<String>)| format!("{revision} ({})", images.join(", "));
            format!(
                "its revisions: {}",
                self.revisions.iter().map(of).collect::<Vec<_>>().join("; ")
            )
        };
        let wrong = |text: String| Error::new(ExitCode::Wrong, text);
        if self.paused {
            return Err(
                wrong(format!("deployment `{name}` is paused: nothing rolls, forward or back")).hint(format!(
                    "`kubectl rollout resume deployment/{name} -n {namespace}`, then plan again"
                )),
            );
        }
        let Some(target) = self.target else {
            return Err(wrong(format!("deployment `{name}` has no such revision to go back to")).hint(known()));
        };
        if target == self.current {
            return Err(Error::usage(format!("deployment `{name}` already runs revision {target}")).hint(known()));
        }
        if !self.missing.is_empty() {
            return Err(wrong(format!(
                "revision {target} of deployment `{name}` can't start: {} is missing",
                self.missing.join(", ")
            ))
            .hint(format!("make it, or choose another revision; {}", known())));
        }
        let mut warnings = Vec::new();
        match &self.fit {
            Fit::Fits => {}
            Fit::DoesNot(why) => {
                return Err(wrong(format!("revision {target} of deployment `{name}` can't run on the database: {why}"))
                    .hint("`kubectl apimgmt rollback database` brings data and application back together; or choose a revision that knows this schema"));
            }
            Fit::Unknown(why) => warnings.push(format!(
                "whether revision {target} runs on the database's schema can't be told: {why}"
            )),
        }
        if let Some(release) = &self.owner {
            warnings.push(format!("Helm owns it: the next `helm upgrade {release}` brings the template of its chart again; `rollback release` goes back for good"));
        }
        if self.other_configuration {
            warnings.push(format!(
                "revision {target} was made for another configuration; ConfigMaps and Secrets stay as they are"
            ));
        }
        for image in self.revisions.get(&target).into_iter().flatten() {
            if self
                .revisions
                .get(&self.current)
                .is_none_or(|current| !current.contains(image))
            {
                warnings.push(format!("image {image} must still be in its registry"));
            }
        }
        Ok(Plan {
            title: format!("return deployment/{name} from revision {} to {target}", self.current),
            namespace: namespace.clone(),
            object: format!("deployment/{name}"),
            from: self.current,
            to: target,
            steps: vec![
                Step::new(
                    "rollback",
                    format!("give deployment/{name} the pod template of revision {target}"),
                    "its replica set is kept for this: `kubectl rollout undo` does the same",
                    format!("kubectl rollout undo deployment/{name} -n {namespace}"),
                ),
                Step::new(
                    "rollout",
                    "wait until only pods of that template run",
                    "a pod that can't start brings the former template back",
                    "",
                ),
                Step::new("verify", "judge every item", "what held before must hold after", ""),
            ],
            warnings,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts() -> DeploymentFacts {
        DeploymentFacts {
            name: "app".into(),
            namespace: "shop".into(),
            current: 3,
            paused: false,
            owner: Some("shop".into()),
            revisions: [(2, vec!["shop:1".to_owned()]), (3, vec!["shop:2".to_owned()])].into(),
            target: Some(2),
            missing: Vec::new(),
            other_configuration: true,
            fit: Fit::Fits,
        }
    }

    #[test]
    fn a_plan_warns_of_what_will_not_go_back_with_the_template() {
        let plan = facts().plan().unwrap();
        assert_eq!((plan.from, plan.to, plan.object.as_str()), (3, 2, "deployment/app"));
        assert_eq!(
            plan.steps.iter().map(|step| step.id.as_str()).collect::<Vec<_>>(),
            ["rollback", "rollout", "verify"]
        );
        for part in ["helm upgrade shop", "another configuration", "shop:1"] {
            assert!(plan.warnings.iter().any(|warning| warning.contains(part)), "{part}");
        }
    }

    #[test]
    fn what_cannot_roll_is_refused() {
        let code = |facts: DeploymentFacts| facts.plan().unwrap_err().code();
        assert_eq!(
            code(DeploymentFacts {
                paused: true,
                ..facts()
            }),
            ExitCode::Wrong
        );
        assert_eq!(
            code(DeploymentFacts {
                target: None,
                ..facts()
            }),
            ExitCode::Wrong
        );
        assert_eq!(
            code(DeploymentFacts {
                target: Some(3),
                ..facts()
            }),
            ExitCode::Usage
        );
        assert_eq!(
            code(DeploymentFacts {
                missing: vec!["configmap/x".into()],
                ..facts()
            }),
            ExitCode::Wrong
        );
        assert_eq!(
            code(DeploymentFacts {
                fit: Fit::DoesNot("x".into()),
                ..facts()
            }),
            ExitCode::Wrong
        );
    }
}
