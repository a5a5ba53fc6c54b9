//! Deleted rows are not removed: autovacuum is off, or something keeps them.

use crate::{
    diagnoses::{
        Diagnosis, Directness, Finding, Topic, Weight,
        scene::{
            Scene, clean,
            servers::{DATABASE, Server, state_of},
        },
    },
    snapshot::{
        Unreadable,
        sessions::{Horizon, Postgresql, Table},
    },
};

pub(in crate::diagnoses) const DIAGNOSIS: Diagnosis = Diagnosis {
    id: "vacuum-behind",
    topic: Topic::Database,
    symptom: "Tables grow and get slower although rows are deleted",
    cause: "Autovacuum is off, or an old transaction, slot or replica keeps deleted rows",
    reads: DATABASE,
    look,
};

/// Fewer dead rows slow nothing down.
const MANY: i64 = 10_000;
/// What has been open for longer is no statement that runs its time.
const LONG: f64 = 600.0;

fn look(scene: &Scene<'_>) -> Result<Vec<Finding>, Unreadable> {
    let Some(server) = scene.database()? else {
        return Ok(Vec::new());
    };
    let facts = server.facts;
    let tables = facts.upkeep.iter().flat_map(|it| &it.tables);
    #[expect(clippy::cast_precision_loss, reason = "rows are compared, not counted")]
    let bloated = tables.filter(|table| table.dead >= MANY && table.dead as f64 >= table.rows * 0.5);
    let worst = bloated.max_by_key(|table| (table.dead, &table.name));
    let is_off = ["autovacuum", "track_counts"]
        .into_iter()
        .find(|name| facts.settings.get(*name).is_some_and(|it| it.value == "off"));
    let horizon = facts.contention.as_ref().and_then(|it| it.horizon.as_ref());
    let holder = horizon.filter(|it| it.seconds.is_some_and(|seconds| seconds >= LONG) || it.age >= 1_000_000);
    let why = match (is_off, worst) {
        (Some(name), _) => format!("{name} is off"),
        (None, Some(table)) if table.autovacuum_off => format!("autovacuum is off for {}", clean(&table.name)),
        (None, Some(_)) if holder.is_some() => holder.map(Horizon::holder).unwrap_or_default(),
        _ => return Ok(Vec::new()),
    };
    Ok(vec![finding(scene, &server, worst, &why, is_off)])
}

fn finding<'a>(
    scene: &Scene<'a>,
    server: &Server<'a, Postgresql>,
    worst: Option<&Table>,
    why: &str,
    is_off: Option<&str>,
) -> Finding {
    let object = &server.object;
    let what = worst.map_or_else(
        || "deleted rows are never removed".into(),
        |table| {
            format!(
                "{} has {} deleted rows beside {:.0} live ones",
                clean(&table.name),
                table.dead,
                table.rows
            )
        },
    );
    let horizon = server.facts.contention.as_ref().and_then(|it| it.horizon.as_ref());
    let by_table = worst.is_some_and(|table| table.autovacuum_off);
    let holder = horizon.filter(|_| is_off.is_none() && !by_table);
    let vacuumed = |table: &Table| table.last_vacuum.map_or_else(|| "never".into(), |at| at.to_string());
    let finding = Finding::new(DIAGNOSIS.id, object, format!("{what} on {object}: {why}"))
        .weighing(Weight::Warning)
        .shown(Directness::Compared)
        .following(holder.map(|it| state_of(&it.kind, &it.name)))
        .because(worst.map(|table| {
            scene.told(
                server,
                &format!("n_dead_tup of {}", clean(&table.name)),
                format!("{}, last vacuum {}", table.dead, vacuumed(table)),
            )
        }))
        .because(is_off.map(|name| scene.told(server, name, "off")))
        .because(holder.map(|it| {
            scene.told(
                server,
                "oldest xmin",
                format!("{} {}, age {}", it.kind, it.name, it.age),
            )
        }))
        .not(
            "a burst of deletions",
            "what would remove them does not run, or may not",
        );
    let finding = match is_off {
        Some(name) => finding
            .mend(scene.psql(server.pod, "postgres", &format!("alter system reset {name}")))
            .mend(scene.psql(server.pod, "postgres", "select pg_reload_conf()")),
        None => finding,
    };
    let finding = holder
        .iter()
        .fold(finding, |finding, it| finding.mend(scene.release(server, it)));
    let table = worst.filter(|table| {
        table
            .name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"_.".contains(&byte))
    });
    match table {
        Some(table) if by_table && is_off.is_none() => finding
            .mend(scene.psql(
                server.pod,
                &server.facts.database,
                &format!("alter table {} reset (autovacuum_enabled)", table.name),
            ))
            .mend(scene.psql(
                server.pod,
                &server.facts.database,
                &format!("vacuum (analyze) {}", table.name),
            )),
        Some(table) => finding.mend(scene.psql(
            server.pod,
            &server.facts.database,
            &format!("vacuum (analyze) {}", table.name),
        )),
        None => finding.mend("Let autovacuum run, or vacuum the largest tables by hand"),
    }
}
