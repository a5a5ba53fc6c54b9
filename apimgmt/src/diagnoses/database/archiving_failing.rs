//! The write-ahead log cannot be archived.

use jiff::SignedDuration;

use crate::{
    diagnoses::{
        Diagnosis, Finding, Topic, Weight,
        scene::{
            Scene, clean, minutes,
            servers::{DATABASE, Server, container_of, state_of},
            since,
        },
    },
    signatures::Family,
    snapshot::{
        Unreadable,
        sessions::{Archiver, Postgresql},
    },
};

pub(in crate::diagnoses) const DIAGNOSIS: Diagnosis = Diagnosis {
    id: "archiving-failing",
    topic: Topic::Database,
    symptom: "The archive has no new files, and `pg_wal` grows",
    cause: "The archive command fails: its target refuses it or cannot be reached",
    reads: DATABASE,
    look,
};

/// The server tries again every minute; a failure that is older than this has been followed by nothing to archive.
const FRESH: SignedDuration = SignedDuration::from_mins(30);

fn look(scene: &Scene<'_>) -> Result<Vec<Finding>, Unreadable> {
    let Some(server) = scene.database()? else {
        return Ok(Vec::new());
    };
    let archiver = server
        .facts
        .write_ahead_log
        .as_ref()
        .and_then(|it| it.archiver.as_ref());
    let failing =
        archiver.filter(|it| it.last_failed_at > it.last_archived_at && since(it.last_failed_at, scene.now()) < FRESH);
    Ok(failing.map(|it| finding(scene, &server, it)).into_iter().collect())
}

fn finding<'a>(scene: &Scene<'a>, server: &Server<'a, Postgresql>, archiver: &Archiver) -> Finding {
    let object = &server.object;
    let ever = match archiver.last_archived_at {
        Some(at) => format!(
            "the last file was archived {} ago",
            minutes(since(Some(at), scene.now()))
        ),
        None => "no file has ever been archived".into(),
    };
    let log = server
        .pod
        .and_then(|pod| Some((pod, container_of(pod, Family::Postgresql)?)));
    let finding = Finding::new(
        DIAGNOSIS.id,
        object,
        format!(
            "the archive command of {object} fails ({} times, last on {}): {ever}, and the log stays on the volume",
            archiver.failed,
            clean(&archiver.last_failed_file)
        ),
    )
    .weighing(Weight::Warning)
    .explaining([state_of("log", object)])
    .because([scene.told(
        server,
        "pg_stat_archiver",
        format!(
            "failed {}, archived {}, last failed {}",
            archiver.failed,
            archiver.archived,
            clean(&archiver.last_failed_file)
        ),
    )])
    .because(
        archiver
            .last_failed_at
            .map(|at| scene.told(server, "last_failed_time", at)),
    )
    .not(
        "nothing to archive",
        "the last attempt is newer than the last success, and it failed",
    );
    match log {
        Some((pod, container)) => finding
            .mend(format!(
                "kubectl logs -n {} {} -c {} --tail=200 | grep -i archive",
                scene.namespace(),
                pod.object(),
                container.name
            ))
            .mend(scene.psql(server.pod, "postgres", "show archive_command")),
        None => finding.mend("Read in the server's log what the archive command says"),
    }
    .mend("Mend the archive's credentials, network or room: the server tries again by itself")
}
