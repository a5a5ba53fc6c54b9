//! Connections to the database are without TLS, or are refused for that.

use crate::{
    diagnoses::{
        Diagnosis, Directness, Finding, Topic, Weight,
        scene::{
            Scene, clean,
            servers::{DATABASE, Server},
        },
    },
    signatures::Answer,
    snapshot::{
        Unreadable,
        sessions::{Login, Path, Postgresql},
    },
};

pub(in crate::diagnoses) const DIAGNOSIS: Diagnosis = Diagnosis {
    id: "connection-unencrypted",
    topic: Topic::Database,
    symptom: "The database refuses with `no pg_hba.conf entry … no encryption` (28000), or takes connections without TLS",
    cause: "The application does not ask for TLS",
    reads: DATABASE,
    look,
};

fn look(scene: &Scene<'_>) -> Result<Vec<Finding>, Unreadable> {
    let Some(server) = scene.database()? else {
        return Ok(Vec::new());
    };
    let facts = server.facts;
    let message = match &facts.login {
        Login::Refused { message } if is_entry(message) => Some(message.clone()),
        _ => None,
    };
    let refused = scene.complaints(server.family, &[Answer::EntryRefused]);
    let line = refused.iter().map(|said| said.line).find(|line| is_entry(line));
    if let Some(words) = message.as_deref().or(line) {
        return Ok(vec![refusal(scene, &server, words, message.as_deref())]);
    }
    let plain = facts.activity.as_ref().map_or(0, |it| it.application.unencrypted);
    let offers = facts.settings.get("ssl").is_some_and(|it| it.value == "on");
    Ok(if plain > 0 && (offers || facts.path == Path::Direct) {
        vec![in_the_open(scene, &server, plain, offers)]
    } else {
        Vec::new()
    })
}

fn is_entry(words: &str) -> bool {
    words.contains("pg_hba.conf")
}

fn refusal<'a>(scene: &Scene<'a>, server: &Server<'a, Postgresql>, words: &str, message: Option<&str>) -> Finding {
    let object = &server.object;
    let without = words.contains("no encryption") || words.contains("SSL off");
    let why = if without {
        "it lets nobody in without TLS, and the application does not ask for it"
    } else {
        "its pg_hba.conf has no entry for this user, database and address"
    };
    let finding = server
        .outage(
            scene,
            DIAGNOSIS.id,
            &[Answer::EntryRefused],
            format!(
                "{object} refuses the application's connections: {why} (`{}`)",
                clean(words)
            ),
        )
        .because(message.map(|message| scene.told(server, "login", message)))
        .not("a wrong password", "the server refuses before it looks at any");
    if without {
        finding.mend("Write `sslmode=verify-full` into the application's address of the database, with the server's authority mounted")
    } else {
        finding.mend(scene.psql(server.pod, "postgres", "table pg_hba_file_rules"))
    }
}

fn in_the_open<'a>(scene: &Scene<'a>, server: &Server<'a, Postgresql>, plain: i64, offers: bool) -> Finding {
    let object = &server.object;
    let offer = if offers {
        ", which offers it"
    } else {
        ", which is outside of the cluster"
    };
    Finding::new(
        DIAGNOSIS.id,
        object,
        format!(
            "{plain} sessions of {} are without TLS to {object}{offer}: passwords and rows go over the network as they are",
            clean(&server.facts.user)
        ),
    )
    .weighing(Weight::Warning)
    .shown(Directness::Said)
    .because([
        scene.told(server, "pg_stat_ssl", format!("{plain} sessions with ssl = f")),
        scene.told(server, "ssl", if offers { "on" } else { "off" }),
    ])
    .not("local sessions", "only those with a client address are counted")
    .mend("Write `sslmode=verify-full` into the application's address of the database, with the server's authority mounted")
    .mend("Then let nobody in without: `hostssl` instead of `host` in pg_hba.conf")
}
