//! The operating system sorts text otherwise than when the database's indexes were built.

use crate::{
    diagnoses::{
        Diagnosis, Directness, Finding, Topic, Weight,
        scene::{
            Scene, clean,
            commands::is_plain,
            servers::{DATABASE, Server},
        },
    },
    snapshot::{Unreadable, sessions::Postgresql},
};

pub(in crate::diagnoses) const DIAGNOSIS: Diagnosis = Diagnosis {
    id: "collation-version-changed",
    topic: Topic::Database,
    symptom: "Searches miss rows that are there, and unique indexes let duplicates in",
    cause: "The image's C library was changed, and text indexes have the order of the old one",
    reads: DATABASE,
    look,
};

fn look(scene: &Scene<'_>) -> Result<Vec<Finding>, Unreadable> {
    let Some(server) = scene.database()? else {
        return Ok(Vec::new());
    };
    let facts = server.facts;
    Ok(match (&facts.collation_version, &facts.collation_actual_version) {
        (Some(recorded), Some(actual)) if recorded != actual => vec![finding(scene, &server, recorded, actual)],
        _ => Vec::new(),
    })
}

fn finding<'a>(scene: &Scene<'a>, server: &Server<'a, Postgresql>, recorded: &str, actual: &str) -> Finding {
    let (object, database) = (&server.object, server.facts.database.as_str());
    let (recorded, actual) = (clean(recorded), clean(actual));
    let finding = Finding::new(
        DIAGNOSIS.id,
        object,
        format!(
            "text indexes of database {} on {object} were sorted by collation version {recorded}, and its image now sorts by {actual}: searches may miss rows",
            clean(database)
        ),
    )
    .weighing(Weight::Warning)
    .shown(Directness::Compared)
    .because([
        scene.told(server, "datcollversion", &recorded),
        scene.told(server, "pg_database_collation_actual_version", &actual),
    ])
    .not("damaged data", "rows are whole: only their order in indexes is of another version");
    if !is_plain(database) {
        return finding.mend("Run `REINDEX DATABASE`, then `ALTER DATABASE … REFRESH COLLATION VERSION`");
    }
    finding
        .mend(scene.psql(server.pod, database, &format!("reindex database \\\"{database}\\\"")))
        .mend(scene.psql(
            server.pod,
            database,
            &format!("alter database \\\"{database}\\\" refresh collation version"),
        ))
}
