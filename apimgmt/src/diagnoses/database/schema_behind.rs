//! The schema is older than the application needs, or a migration stopped half way.

use crate::{
    diagnoses::{
        Diagnosis, Finding, Topic,
        scene::{
            Scene,
            servers::{Server, state_of},
        },
    },
    snapshot::{
        Source, Unreadable,
        roles::{Role, Roles},
        sessions::{Postgresql, SchemaVersion},
        workloads::Job,
    },
};

pub(in crate::diagnoses) const DIAGNOSIS: Diagnosis = Diagnosis {
    id: "schema-behind",
    topic: Topic::Database,
    symptom: "The application fails at tables or columns that are not there",
    cause: "A migration did not run, or stopped half way",
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
    let application = Roles::of(scene.snapshot).ok().and_then(|roles| roles.application);
    let needed = application.as_ref().and_then(|role| {
        let text = role.annotations.get("apimgmt.io/schema-minimum")?;
        Some((role, text.trim().parse::<i64>().ok()?))
    });
    let what = match (&server.facts.schema, needed) {
        (Some(SchemaVersion { version, dirty: true }), _) => {
            format!(
                "a migration of {} to schema version {version} began and did not end (dirty)",
                database(&server)
            )
        }
        (Some(found), Some((role, least))) if found.version < least => format!(
            "{} is at schema version {}, and {} needs {least}",
            database(&server),
            found.version,
            role.workload
        ),
        // The table of versions is made by the first migration.
        (None, Some((role, least))) if lacks_table(server.facts) => format!(
            "{} has no schema, and {} needs version {least}: no migration has run",
            database(&server),
            role.workload
        ),
        _ => return Ok(Vec::new()),
    };
    Ok(vec![finding(scene, &server, &what, needed)])
}

fn lacks_table(facts: &Postgresql) -> bool {
    facts.schema_error.as_ref().is_some_and(|words| words.contains("42P01"))
}

fn database(server: &Server<'_, Postgresql>) -> String {
    format!(
        "database {} of {}",
        crate::diagnoses::scene::clean(&server.facts.database),
        server.object
    )
}

fn finding<'a>(
    scene: &Scene<'a>,
    server: &Server<'a, Postgresql>,
    what: &str,
    needed: Option<(&Role, i64)>,
) -> Finding {
    let (facts, namespace) = (server.facts, scene.namespace());
    let failed = failed_migration(scene);
    let of_job = failed.map_or(String::new(), |job| format!("; job/{} failed", job.metadata.name));
    let found = facts.schema.as_ref().map_or_else(
        || "none".into(),
        |found| format!("{}{}", found.version, if found.dirty { ", dirty" } else { "" }),
    );
    let source = |role: &Role| match role.workload.split('/').next() {
        Some("statefulset") => Source::StatefulSets,
        Some("pod") => Source::Pods,
        _ => Source::Deployments,
    };
    let finding = server
        .outage(scene, DIAGNOSIS.id, &[], format!("{what}{of_job}"))
        .explaining([state_of("schema", &server.object)])
        .explaining(failed.map(|job| format!("job/{}", job.metadata.name)))
        .because([scene.told(server, "schema version", found)])
        .because(
            needed.map(|(role, least)| scene.field(source(role), &role.workload, "apimgmt.io/schema-minimum", least)),
        )
        .because(failed.and_then(|job| scene.failed_job(job)))
        .not(
            "the database cannot be reached",
            "it was asked for the version of its schema",
        );
    let finding = match failed {
        Some(job) => finding.mend(format!(
            "kubectl logs job/{} -n {namespace} --tail=20",
            job.metadata.name
        )),
        None => finding.mend(format!("kubectl get jobs -n {namespace}")),
    };
    finding.mend("Mend what the migration stopped at, then run it again: `helm apimgmt upgrade`")
}

/// The newest failed job that calls itself a migration.
fn failed_migration<'a>(scene: &Scene<'a>) -> Option<&'a Job> {
    let jobs = scene.snapshot.jobs().map(Vec::as_slice).unwrap_or_default();
    let is_migration = |job: &&Job| {
        let name = &job.metadata.name;
        name.contains("migrat") || job.metadata.label("app.kubernetes.io/component") == Some("migration")
    };
    jobs.iter()
        .filter(is_migration)
        .filter(|job| job.failed().is_some())
        .max_by_key(|job| (job.metadata.creation_timestamp, &job.metadata.name))
}
