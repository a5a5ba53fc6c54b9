//! The next rollout will need more connections than the database has.

use super::connections_exhausted::room;
use crate::{
    diagnoses::{
        Diagnosis, Directness, Finding, Topic, Weight,
        scene::{
            Scene, clean,
            commands::is_plain,
            servers::{Server, state_of},
        },
    },
    snapshot::{Source, Unreadable, roles::Roles, sessions::Postgresql},
};

pub(in crate::diagnoses) const DIAGNOSIS: Diagnosis = Diagnosis {
    id: "rollout-exhausts-connections",
    topic: Topic::Database,
    symptom: "During a rollout new pods find no connection left",
    cause: "The pools of all pods with those of the surge may take more connections than the server has",
    reads: &[
        Source::Postgresql,
        Source::Pods,
        Source::ReplicaSets,
        Source::Jobs,
        Source::Logs,
        Source::Services,
        Source::EndpointSlices,
        Source::Secrets,
        Source::ConfigMaps,
        Source::Expectations,
        Source::Deployments,
        Source::StatefulSets,
    ],
    look,
};

fn look(scene: &Scene<'_>) -> Result<Vec<Finding>, Unreadable> {
    let Some(server) = scene.database()? else {
        return Ok(Vec::new());
    };
    let snapshot = scene.snapshot;
    let application = Roles::of(snapshot).ok().and_then(|roles| roles.application);
    let each = snapshot
        .expectations()
        .map_or(1, |it| i64::from(it.database.pool.per_pod));
    let size = server.facts.pool.as_ref().and_then(|pool| pool.size);
    let (Some(application), Some(size), Some((available, sum))) = (application, size, room(server.facts)) else {
        return Ok(Vec::new());
    };
    let deployments = snapshot.deployments()?;
    let name = application.workload.strip_prefix("deployment/").unwrap_or_default();
    let Some(deployment) = deployments.iter().find(|it| it.metadata.name == name) else {
        return Ok(Vec::new());
    };
    let surge = deployment.spec.strategy.surge(application.replicas);
    let plan = Plan {
        workload: application.workload.clone(),
        pods: application.replicas,
        surge,
        each: i64::from(size) * each,
        available,
        sum,
    };
    Ok(if plan.needed() > available {
        vec![finding(scene, &server, &plan)]
    } else {
        Vec::new()
    })
}

/// What a rollout takes.
struct Plan {
    workload: String,
    pods: i64,
    surge: i64,
    each: i64,
    available: i64,
    sum: String,
}

impl Plan {
    fn needed(&self) -> i64 {
        (self.pods + self.surge) * self.each
    }
}

fn finding<'a>(scene: &Scene<'a>, server: &Server<'a, Postgresql>, plan: &Plan) -> Finding {
    let Plan {
        workload,
        pods,
        surge,
        each,
        available,
        sum,
    } = plan;
    let needed = plan.needed();
    let variable = server
        .facts
        .pool
        .as_ref()
        .map(|pool| clean(&pool.variable))
        .unwrap_or_default();
    let fitting = (available / (pods + surge).max(1)).max(1);
    let finding = Finding::new(
        DIAGNOSIS.id,
        workload,
        format!(
            "the next rollout of {workload} may take {needed} connections ({pods} pods and {surge} of the surge, {each} each), more than the {available} of {} ({sum})",
            server.object
        ),
    )
    .weighing(Weight::Warning)
    .shown(Directness::Inferred)
    .following([state_of("connections", &server.object)])
    .because([
        scene.told(server, "max_connections - reserved", format!("{sum} = {available}")),
        scene.told(server, &variable, each),
        scene.field(Source::Deployments, workload, "replicas and surge", format!("{pods} and {surge}")),
    ])
    .not("it is exhausted now", format!("{} are in use", server.facts.connections));
    if is_plain(&variable) {
        return finding.mend(format!(
            "kubectl set env {workload} {variable}={fitting} -n {}",
            scene.namespace()
        ));
    }
    finding.mend("Make the pools smaller, the surge smaller, or put a pooler in between")
}
