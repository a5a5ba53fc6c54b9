//! A replication slot that nobody reads keeps the write-ahead log on the volume.

use crate::{
    diagnoses::{
        Diagnosis, Finding, Topic, Weight,
        scene::{
            Scene,
            commands::is_plain,
            servers::{DATABASE, Server, state_of},
            sized,
        },
    },
    snapshot::{
        Unreadable,
        sessions::{Postgresql, Slot},
    },
};

pub(in crate::diagnoses) const DIAGNOSIS: Diagnosis = Diagnosis {
    id: "replication-slot-inactive",
    topic: Topic::Database,
    symptom: "The database's volume fills with `pg_wal`",
    cause: "A consumer of the log has gone and left its slot, for which the server keeps the log",
    reads: DATABASE,
    look,
};

/// Log that is kept for a slot whose consumer will be back is no news below this.
const MUCH: i64 = 1 << 30;

fn look(scene: &Scene<'_>) -> Result<Vec<Finding>, Unreadable> {
    let Some(server) = scene.database()? else {
        return Ok(Vec::new());
    };
    let slots = server.facts.write_ahead_log.iter().flat_map(|it| &it.slots);
    let left: Vec<&Slot> = slots.filter(|slot| !slot.active && is_costly(slot)).collect();
    Ok(left
        .first()
        .map(|worst| finding(scene, &server, worst, &left))
        .into_iter()
        .collect())
}

/// Beyond `max_wal_size`, about to lose what its consumer needs, or without it already.
fn is_costly(slot: &Slot) -> bool {
    matches!(slot.wal_status.as_str(), "extended" | "unreserved" | "lost")
        || slot.behind_bytes.is_some_and(|bytes| bytes >= MUCH)
}

fn finding<'a>(scene: &Scene<'a>, server: &Server<'a, Postgresql>, worst: &Slot, all: &[&Slot]) -> Finding {
    let object = &server.object;
    let kept = worst.behind_bytes.map_or_else(
        || "it has lost the log that it needs, so its consumer cannot go on".into(),
        |bytes| {
            format!(
                "the server keeps {} of log for it (wal_status {})",
                sized(bytes),
                worst.wal_status
            )
        },
    );
    let setting = server.facts.settings.get("max_slot_wal_keep_size");
    let unbounded = setting.is_some_and(|setting| setting.value == "-1");
    let bound = if unbounded {
        ", and max_slot_wal_keep_size sets no bound"
    } else {
        ""
    };
    let told = all.iter().take(3).map(|slot| {
        let behind = slot.behind_bytes.map_or_else(|| "lost".into(), sized);
        scene.told(
            server,
            "pg_replication_slots",
            format!("{} {} inactive, {} behind", slot.name, slot.kind, behind),
        )
    });
    let finding = Finding::new(
        DIAGNOSIS.id,
        object,
        format!(
            "nobody reads the {} replication slot {} of {object}: {kept}{bound}",
            worst.kind, worst.name
        ),
    )
    .weighing(Weight::Warning)
    .shown(crate::diagnoses::Directness::Compared)
    .explaining([state_of("log", object)])
    .explaining(all.iter().map(|slot| state_of("slot", &slot.name)))
    .because(told)
    .because(setting.map(|it| scene.told(server, "max_slot_wal_keep_size", format!("{}{}", it.value, it.unit))))
    .not("a replica that lags", "nobody is connected to the slot");
    let finding = if is_plain(&worst.name) {
        finding.mend(scene.psql(
            server.pod,
            "postgres",
            &format!("select pg_drop_replication_slot('{}')", worst.name),
        ))
    } else {
        finding.mend("Drop the slot with `pg_drop_replication_slot`, unless its consumer comes back")
    };
    if unbounded {
        return finding.mend("Set `max_slot_wal_keep_size`, so that no slot can fill the volume");
    }
    finding
}
