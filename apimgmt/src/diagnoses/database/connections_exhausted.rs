//! The database has no connection left for the application.

use crate::{
    diagnoses::{
        Diagnosis, Directness, Finding, Topic,
        scene::{
            Scene, clean,
            commands::{is_plain, parameter},
            counted, lasting,
            servers::{DATABASE, Server, container_of, state_of},
        },
    },
    signatures::{Answer, Family},
    snapshot::{
        Unreadable,
        sessions::{Client, Postgresql},
    },
};

pub(in crate::diagnoses) const DIAGNOSIS: Diagnosis = Diagnosis {
    id: "connections-exhausted",
    topic: Topic::Database,
    symptom: "The database refuses with `too many clients already` (53300)",
    cause: "Pools or a leak hold every connection that the server, the database or the role may have",
    reads: DATABASE,
    look,
};

fn look(scene: &Scene<'_>) -> Result<Vec<Finding>, Unreadable> {
    let Some(server) = scene.database()? else {
        return Ok(Vec::new());
    };
    let facts = server.facts;
    let room = room(facts);
    let is_full = room
        .as_ref()
        .is_some_and(|(available, _)| facts.connections >= *available);
    if facts.exhausted.is_none() && !is_full {
        return Ok(Vec::new());
    }
    Ok(vec![finding(scene, &server, room)])
}

/// Connections that a role without privileges may have, and the sum that they come from.
pub(super) fn room(facts: &Postgresql) -> Option<(i64, String)> {
    let number = |name: &str| facts.settings.get(name)?.value.parse::<i64>().ok();
    let (most, superuser) = (number("max_connections")?, number("superuser_reserved_connections")?);
    // Before PostgreSQL 16 there is none.
    let reserved = number("reserved_connections").unwrap_or_default() + superuser;
    Some((most - reserved, format!("max_connections {most} - {reserved} reserved")))
}

fn finding<'a>(scene: &Scene<'a>, server: &Server<'a, Postgresql>, room: Option<(i64, String)>) -> Finding {
    let (facts, object) = (server.facts, &server.object);
    let words = facts.exhausted.as_deref().map(clean);
    let of_role = words
        .as_deref()
        .is_some_and(|it| it.contains("for role") || it.contains("for database"));
    let limit = match (&room, &words) {
        (Some((available, sum)), _) if !of_role => {
            format!(
                "{} are taken, and ordinary roles may have {available} ({sum})",
                facts.connections
            )
        }
        (_, Some(words)) => format!("it says `{words}`{}", most_of_arguments(server)),
        _ => "every one is taken".into(),
    };
    let holder = facts.contention.as_ref().and_then(|it| it.clients.first());
    let users = scene.users(server);
    let pools = pools(facts, &users);
    let mut cause = format!("{object} has no connection left for {}: {limit}", clean(&facts.user));
    for more in holder
        .map(|it| held(scene, it))
        .into_iter()
        .chain(pools.as_ref().map(|it| it.0.clone()))
    {
        cause = format!("{cause}; {more}");
    }
    let mut finding =
        server
            .outage(scene, DIAGNOSIS.id, &[Answer::ConnectionsExhausted], cause)
            .explaining([state_of("connections", object)])
            // Sessions that wait for a lock are given back once it is released.
            .following([state_of("lock", object)])
            .because(words.map(|words| scene.told(server, "login", words)))
            .because(room.map(|(available, _)| {
                scene.told(server, "connections", format!("{} of {available}", facts.connections))
            }))
            .because(holder.map(|it| scene.told(server, "pg_stat_activity", held(scene, it))))
            .not("the server is down", "it answers, and refuses for want of a connection");
    if facts.contention.is_none() && facts.exhausted.is_some() {
        // No slot is left for the role that may see who holds them.
        finding = finding.shown(Directness::Said);
    }
    finding
        .mend(scene.psql(server.pod, "postgres", &ending(holder)))
        .mend(pools.map_or_else(
            || "Make the pools smaller, put a pooler in between, or raise `max_connections`".into(),
            |(_, pools)| match room_of_arguments(server, facts) {
                Some(available) if is_plain(&pools.variable) && available < pools.pods * pools.size => format!(
                    "kubectl set env {} {}={} -n {}",
                    pools.workload,
                    pools.variable,
                    (available / pools.pods).max(1),
                    scene.namespace()
                ),
                _ => "Find who does not give its connections back, or raise `max_connections`".into(),
            },
        ))
}

/// The application's pools.
struct Pools {
    workload: String,
    variable: String,
    pods: i64,
    size: i64,
}

/// What the application's pools may take, in words too.
fn pools(facts: &Postgresql, users: &[(String, usize)]) -> Option<(String, Pools)> {
    let pool = facts.pool.as_ref()?;
    let (workload, pods) = users.iter().max_by_key(|(_, pods)| *pods)?;
    let pools = Pools {
        workload: workload.clone(),
        variable: clean(&pool.variable),
        pods: i64::try_from(*pods).ok()?.max(1),
        size: i64::from(pool.size?),
    };
    let (pods, size) = (pools.pods, pools.size);
    let words = format!(
        "{} of {workload} may take {} ({pods} × {size})",
        counted(pods, "pod"),
        pods * size
    );
    Some((words, pools))
}

/// Sessions of one holder, for a person.
fn held(scene: &Scene<'_>, client: &Client) -> String {
    let application = match client.application.as_str() {
        "" => String::new(),
        name => format!(" ({})", clean(name)),
    };
    let state = if client.state.is_empty() {
        "of unknown state"
    } else {
        &client.state
    };
    format!(
        "{} are sessions of {}{application} from {}, {state} for up to {}",
        client.count,
        clean(&client.user),
        scene.whose(&client.address),
        lasting(client.longest_seconds),
    )
}

/// Ends the idle sessions of who has most.
fn ending(holder: Option<&Client>) -> String {
    let whose = match holder.filter(|it| is_plain(&it.user)) {
        Some(holder) if is_plain(&holder.application) => {
            format!(
                "usename = '{}' and application_name = '{}'",
                holder.user, holder.application
            )
        }
        Some(holder) => format!("usename = '{}'", holder.user),
        None => "backend_type = 'client backend'".into(),
    };
    format!(
        "select count(pg_terminate_backend(pid)) from pg_stat_activity where {whose} and state like 'idle%' and pid <> pg_backend_pid()"
    )
}

fn most_of_arguments(server: &Server<'_, Postgresql>) -> String {
    match of_arguments(server) {
        Some(most) => format!(", max_connections is {most}"),
        None => String::new(),
    }
}

fn of_arguments(server: &Server<'_, Postgresql>) -> Option<i64> {
    let container = container_of(server.pod?, Family::Postgresql)?;
    parameter(container, "max_connections")?.parse().ok()
}

/// Connections for ordinary roles, by the server's word or by its command line with the usual three reserved.
fn room_of_arguments(server: &Server<'_, Postgresql>, facts: &Postgresql) -> Option<i64> {
    room(facts)
        .map(|(available, _)| available)
        .or_else(|| of_arguments(server).map(|most| most - 3))
}
