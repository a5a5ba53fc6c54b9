//! The rules of PostgreSQL's parameters: what is unsafe or poor, the value to set, and where each comes from.

#![expect(clippy::cast_precision_loss, reason = "amounts are compared and shown, not counted")]

use crate::snapshot::sessions::{Postgresql, Setting, Upkeep};

/// What the rules are about.
pub(super) struct Server<'a> {
    /// What the server told.
    pub(super) told: &'a Postgresql,
    /// Memory that it may use, in bytes.
    pub(super) memory: Option<f64>,
    /// Size of its data's volume, in bytes.
    pub(super) volume: Option<f64>,
}

/// What is wrong, with the value to set.
pub(super) enum Wrong {
    /// Data or the server may be lost.
    Unsafe(String),
    /// It costs speed or room.
    Poor(String),
}

/// What could not be told.
type Missing = &'static str;

/// One rule.
pub(super) struct Rule {
    /// The parameter or the thing.
    pub(super) name: &'static str,
    /// Judges it; the sources are pages of PostgreSQL's documentation, given above each rule's function.
    pub(super) wrong: fn(&Server<'_>) -> Result<Option<Wrong>, Missing>,
}

/// Every rule.
pub(super) const RULES: &[Rule] = &[
    Rule {
        name: "fsync",
        wrong: fsync,
    },
    Rule {
        name: "full_page_writes",
        wrong: full_page_writes,
    },
    Rule {
        name: "autovacuum",
        wrong: autovacuum,
    },
    Rule {
        name: "synchronous_commit",
        wrong: synchronous_commit,
    },
    Rule {
        name: "shared_buffers",
        wrong: shared_buffers,
    },
    Rule {
        name: "work_mem",
        wrong: work_mem,
    },
    Rule {
        name: "maintenance_work_mem",
        wrong: maintenance_work_mem,
    },
    Rule {
        name: "max_wal_size",
        wrong: max_wal_size,
    },
    Rule {
        name: "checkpoints",
        wrong: checkpoints,
    },
    Rule {
        name: "checkpoint_completion_target",
        wrong: completion_target,
    },
    Rule {
        name: "transaction ids",
        wrong: transaction_ids,
    },
    Rule {
        name: "bloat",
        wrong: bloat,
    },
];

/// Bytes as PostgreSQL writes them.
pub(super) fn size(bytes: f64) -> String {
    let megabytes = bytes / 1_048_576.0;
    if megabytes >= 1.0 {
        format!("{}MB", megabytes.floor())
    } else {
        format!("{}kB", (bytes / 1024.0).floor())
    }
}

impl Server<'_> {
    fn setting(&self, name: Missing) -> Result<&Setting, Missing> {
        self.told.settings.get(name).ok_or(name)
    }

    fn is_off(&self, name: Missing) -> Result<bool, Missing> {
        Ok(self.setting(name)?.value == "off")
    }

    fn bytes(&self, name: Missing) -> Result<f64, Missing> {
        self.setting(name)?.bytes().ok_or(name)
    }

    fn number(&self, name: Missing) -> Result<f64, Missing> {
        self.setting(name)?.number().ok_or(name)
    }

    fn number_or(&self, name: &str, default: f64) -> f64 {
        self.told
            .settings
            .get(name)
            .and_then(Setting::number)
            .unwrap_or(default)
    }

    fn upkeep(&self) -> Result<&Upkeep, Missing> {
        self.told.upkeep.as_ref().ok_or("how its tables are kept")
    }
}

/// "Turning this off can result in unrecoverable data corruption":
/// <https://www.postgresql.org/docs/current/runtime-config-wal.html#GUC-FSYNC>.
fn fsync(server: &Server<'_>) -> Result<Option<Wrong>, Missing> {
    let off = server.is_off("fsync")?;
    Ok(off.then(|| Wrong::Unsafe("is off, so a crash may corrupt everything: set `fsync=on`".into())))
}

/// "Turning this parameter off … might lead to either unrecoverable data corruption, or silent data corruption":
/// <https://www.postgresql.org/docs/current/runtime-config-wal.html#GUC-FULL-PAGE-WRITES>.
fn full_page_writes(server: &Server<'_>) -> Result<Option<Wrong>, Missing> {
    let off = server.is_off("full_page_writes")?;
    Ok(off.then(|| Wrong::Unsafe("is off, so a crash may corrupt pages: set `full_page_writes=on`".into())))
}

/// Without it tables only grow, and ids of transactions run out:
/// <https://www.postgresql.org/docs/current/routine-vacuuming.html#AUTOVACUUM>; it needs `track_counts`.
fn autovacuum(server: &Server<'_>) -> Result<Option<Wrong>, Missing> {
    for name in ["autovacuum", "track_counts"] {
        if server.is_off(name)? {
            return Ok(Some(Wrong::Unsafe(format!(
                "{name} is off, so tables only grow and transaction ids run out: set `{name}=on`"
            ))));
        }
    }
    Ok(None)
}

/// Off loses the last transactions in a crash, and corrupts nothing:
/// <https://www.postgresql.org/docs/current/runtime-config-wal.html#GUC-SYNCHRONOUS-COMMIT>.
fn synchronous_commit(server: &Server<'_>) -> Result<Option<Wrong>, Missing> {
    let off = server.is_off("synchronous_commit")?;
    Ok(off.then(|| Wrong::Poor("is off, so a crash loses the last transactions: set `synchronous_commit=on`".into())))
}

/// "A reasonable starting value … is 25 % of the memory …, it is unlikely that an allocation of more than 40 % … will work
/// better": <https://www.postgresql.org/docs/current/runtime-config-resource.html#GUC-SHARED-BUFFERS>. Above three
/// quarters nothing is left for the sessions, and the kernel ends the server.
fn shared_buffers(server: &Server<'_>) -> Result<Option<Wrong>, Missing> {
    let buffers = server.bytes("shared_buffers")?;
    let Some(memory) = server.memory else { return Ok(None) };
    let share = buffers / memory;
    let said = || {
        format!(
            "{} are {:.0} % of the memory limit: set `shared_buffers={}`",
            size(buffers),
            share * 100.0,
            size(memory / 4.0)
        )
    };
    Ok(match share {
        share if share > 0.75 => Some(Wrong::Unsafe(said())),
        share if !(0.1..=0.4).contains(&share) => Some(Wrong::Poor(said())),
        _ => None,
    })
}

/// Each session may use it several times over, "the total memory used could be many times the value":
/// <https://www.postgresql.org/docs/current/runtime-config-resource.html#GUC-WORK-MEM>. Once for every connection must fit.
fn work_mem(server: &Server<'_>) -> Result<Option<Wrong>, Missing> {
    let (each, sessions) = (server.bytes("work_mem")?, server.number("max_connections")?);
    let buffers = server.bytes("shared_buffers")?;
    let Some(memory) = server.memory else { return Ok(None) };
    Ok((buffers + each * sessions > memory).then(|| {
        Wrong::Unsafe(format!(
            "{} × {sessions} connections with {} of buffers are more than the memory limit: set `work_mem={}`",
            size(each),
            size(buffers),
            size(((memory - buffers) / sessions).max(65536.0))
        ))
    }))
}

/// "Up to `autovacuum_max_workers` times this memory may be allocated":
/// <https://www.postgresql.org/docs/current/runtime-config-resource.html#GUC-MAINTENANCE-WORK-MEM>.
fn maintenance_work_mem(server: &Server<'_>) -> Result<Option<Wrong>, Missing> {
    let maintenance = server.bytes("maintenance_work_mem")?;
    let own = server.told.settings.get("autovacuum_work_mem");
    // -1 stands for maintenance_work_mem.
    let each = own
        .and_then(Setting::bytes)
        .filter(|bytes| *bytes > 0.0)
        .unwrap_or(maintenance);
    let workers = server.number("autovacuum_max_workers")?;
    let sessions = server.bytes("work_mem")? * server.number("max_connections")?;
    let buffers = server.bytes("shared_buffers")?;
    let Some(memory) = server.memory else { return Ok(None) };
    let room = memory - buffers - sessions;
    // Where the sessions alone are too much, `work_mem` says so.
    Ok((room >= 0.0 && each * workers > room).then(|| {
        Wrong::Poor(format!(
            "{workers} autovacuum workers with {} each do not fit beside buffers and sessions: set `maintenance_work_mem={}`",
            size(each),
            size((room / workers).max(1_048_576.0))
        ))
    }))
}

/// "This is a soft limit; WAL size can exceed `max_wal_size` under special circumstances":
/// <https://www.postgresql.org/docs/current/runtime-config-wal.html#GUC-MAX-WAL-SIZE>. A full volume stops the server, so
/// half of it is too much.
fn max_wal_size(server: &Server<'_>) -> Result<Option<Wrong>, Missing> {
    let wal = server.bytes("max_wal_size")?;
    let Some(volume) = server.volume else { return Ok(None) };
    Ok((wal > volume / 2.0).then(|| {
        Wrong::Unsafe(format!(
            "{} are more than half of the volume's {}: set `max_wal_size={}`",
            size(wal),
            size(volume),
            size(volume / 10.0)
        ))
    }))
}

/// Checkpoints that the log's size forces cost more than those by time: "consider increasing `max_wal_size`"
/// (<https://www.postgresql.org/docs/current/wal-configuration.html>). Below ten nothing can be told.
fn checkpoints(server: &Server<'_>) -> Result<Option<Wrong>, Missing> {
    let upkeep = server.upkeep()?;
    let (timed, requested) = (upkeep.checkpoints_timed, upkeep.checkpoints_requested);
    let wal = server.bytes("max_wal_size")?;
    Ok((requested >= 10 && requested > timed).then(|| {
        Wrong::Poor(format!(
            "{requested} were forced and {timed} came by time: set `max_wal_size={}`",
            size(wal * 2.0)
        ))
    }))
}

/// "Reducing this parameter is not recommended", the default is 0.9 since version 14, 0.5 before:
/// <https://www.postgresql.org/docs/current/runtime-config-wal.html#GUC-CHECKPOINT-COMPLETION-TARGET>.
fn completion_target(server: &Server<'_>) -> Result<Option<Wrong>, Missing> {
    let target = server.number("checkpoint_completion_target")?;
    Ok((target < 0.5).then(|| {
        Wrong::Poor(format!(
            "{target} writes each checkpoint in a burst: set `checkpoint_completion_target=0.9`"
        ))
    }))
}

/// At `vacuum_failsafe_age` the server gives up everything else for it, at 2^31 it takes no more writes; an anti-wraparound
/// vacuum begins at `autovacuum_freeze_max_age`, so twice that means that it does not get through:
/// <https://www.postgresql.org/docs/current/routine-vacuuming.html#VACUUM-FOR-WRAPAROUND>. The defaults are those of
/// versions that do not know the parameter.
fn transaction_ids(server: &Server<'_>) -> Result<Option<Wrong>, Missing> {
    let upkeep = server.upkeep()?;
    let kinds = [
        (
            "transaction",
            upkeep.oldest_xid,
            "vacuum_failsafe_age",
            "autovacuum_freeze_max_age",
            200e6,
        ),
        (
            "multixact",
            upkeep.oldest_multixact,
            "vacuum_multixact_failsafe_age",
            "autovacuum_multixact_freeze_max_age",
            400e6,
        ),
    ];
    for (kind, age, failsafe, freeze, default) in kinds {
        let said = |limit: f64| {
            format!(
                "the oldest {kind} id of `{}` is {age} old, more than {limit}: run `vacuum (freeze)` there, and end what holds it back (old transactions, slots)",
                upkeep.oldest_database
            )
        };
        let (failsafe, freeze) = (server.number_or(failsafe, 1.6e9), server.number_or(freeze, default));
        if age as f64 > failsafe {
            return Ok(Some(Wrong::Unsafe(said(failsafe))));
        }
        if age as f64 > 2.0 * freeze {
            return Ok(Some(Wrong::Poor(said(2.0 * freeze))));
        }
    }
    Ok(None)
}

/// Bytes of bloat that are worth a rewrite.
const WASTED: i64 = 64 << 20;

/// A table of which half is bloat, or with twice the dead rows at which autovacuum should have come
/// (`autovacuum_vacuum_threshold + autovacuum_vacuum_scale_factor × rows`):
/// <https://www.postgresql.org/docs/current/routine-vacuuming.html#AUTOVACUUM>.
fn bloat(server: &Server<'_>) -> Result<Option<Wrong>, Missing> {
    let threshold = server.number("autovacuum_vacuum_threshold")?;
    let factor = server.number("autovacuum_vacuum_scale_factor")?;
    for table in &server.told.upkeep.as_ref().ok_or("its tables")?.tables {
        let wasted = table.needed_bytes.map_or(0, |needed| table.bytes - needed);
        if wasted > WASTED && wasted * 2 > table.bytes {
            return Ok(Some(Wrong::Poor(format!(
                "about {} of the {} of table {} are bloat: run `vacuum (full) {}` in a maintenance window",
                size(wasted as f64),
                size(table.bytes as f64),
                table.name,
                table.name
            ))));
        }
        let due = threshold + factor * table.rows;
        if table.dead > 10_000 && table.dead as f64 > 2.0 * due {
            return Ok(Some(Wrong::Poor(format!(
                "table {} has {} dead rows, autovacuum was due at {due:.0}: run `vacuum {}` and set `autovacuum_vacuum_scale_factor={}`",
                table.name,
                table.dead,
                table.name,
                factor / 2.0
            ))));
        }
    }
    Ok(None)
}
