//! Redis refuses strangers and dangerous commands.

use crate::{
    checklist::{Item, Phase, Severity, Stage, Verdict, clauses::Clauses, login},
    snapshot::{
        Snapshot, Source, Unreadable,
        sessions::{AclUser, Permission, RedisAccess, Sentinel},
    },
    values::ExpectedCache,
};

/// The item.
pub const ITEM: Item = Item {
    id: "cache/access-control",
    title: "Redis refuses strangers and dangerous commands",
    stage: Stage::Pre,
    phase: Phase::Cache,
    severity: Severity::Blocking,
    why: "An open Redis is remote code execution.",
    fix: "Set a password and an ACL: `redis.application.acl`.",
    reads: &[Source::Redis, Source::Probes, Source::Expectations],
    judge,
};

/// The item whose probe logs in as the application does.
const LOGIN: &str = "cache/instance";

fn judge(snapshot: &Snapshot) -> Result<Verdict, Unreadable> {
    let mut row = Clauses::on(snapshot);
    let Some(redis) = snapshot.redis()? else {
        return Ok(Verdict::unknown(
            "no workload plays the cache, and `checklist.roles.cache` declares none",
        ));
    };
    for sentinel in &redis.sentinels {
        watcher(&mut row, sentinel);
    }
    if let Some(why) = redis.unasked() {
        row.unseen(format!("{} was not asked: {why}", redis.object));
        return Ok(row.verdict(""));
    }
    let object = redis.object.as_str();
    login::judge(&mut row, snapshot, LOGIN, Source::Redis, object, &redis.login);
    let Some(access) = &redis.access else {
        row.unseen(format!("{object} was not asked who may do what"));
        return Ok(row.verdict(""));
    };
    stranger(&mut row, object, &access.stranger);
    if let Some(error) = &access.error {
        row.unseen(format!("{object} did not tell its users: {error}"));
    }
    for user in &access.open_users {
        row.breach(format!("the user `{user}` of {object} needs no password"));
    }
    match &access.user {
        Some(user) => own(&mut row, object, user),
        None if access.error.is_none() => row.unseen(format!("{object} does not know the application's user")),
        None => {}
    }
    if let Some(expected) = row.read(snapshot.expectations()) {
        commands(&mut row, object, access, &expected.cache);
    }
    let denied = access
        .commands
        .values()
        .filter(|permission| **permission != Permission::Allowed)
        .count();
    Ok(row.verdict(format!(
        "a client without password is refused, {denied} dangerous commands are denied"
    )))
}

/// Who may talk to a Sentinel may make any server the master.
fn watcher(row: &mut Clauses<'_>, sentinel: &Sentinel) {
    let object = format!("{}, the Sentinel", sentinel.object);
    match &sentinel.error {
        Some(error) => row.unseen(format!("{object}, could not be asked: {error}")),
        None => stranger(row, &object, &sentinel.stranger),
    }
}

fn stranger(row: &mut Clauses<'_>, object: &str, answer: &str) {
    row.stable(Source::Redis, object, "PING without login", answer);
    match answer {
        "" => row.unseen(format!("{object} was not asked without a login")),
        // The servers' word for it; whatever else is said means that something was let through or went wrong.
        refusal if refusal.starts_with("NOAUTH") || refusal.starts_with("DENIED") => {}
        "PONG" => row.breach(format!("{object} answers a client that did not log in")),
        other => row.unseen(format!("{object} answers a client that did not log in with `{other}`")),
    }
}

fn own(row: &mut Clauses<'_>, object: &str, user: &AclUser) {
    let named = format!("user/{}", user.name);
    row.stable(Source::Redis, &named, "commands", &user.commands);
    row.stable(Source::Redis, &named, "keys", &user.keys);
    row.stable(
        Source::Redis,
        &named,
        "flags",
        format!("{}, {} passwords", user.flags.join(" "), user.passwords),
    );
    let has = |flag: &str| user.flags.iter().any(|known| known == flag);
    if has("nopass") {
        row.breach(format!("{named} of {object} needs no password"));
    }
    let rules: Vec<&str> = user.commands.split_whitespace().collect();
    if has("allcommands") || rules.first() == Some(&"+@all") && rules.len() == 1 {
        row.breach(format!(
            "{named} of {object} may call every command (`{}`)",
            user.commands
        ));
    }
    for category in ["+@dangerous", "+@admin"] {
        // Later rules win over earlier ones.
        let taken_back = format!("-{}", &category[1..]);
        let last = rules.iter().rfind(|rule| **rule == category || **rule == taken_back);
        if last == Some(&category) {
            row.breach(format!("{named} of {object} has the category `{category}`"));
        }
    }
}

fn commands(row: &mut Clauses<'_>, object: &str, access: &RedisAccess, expected: &ExpectedCache) {
    if expected.denied_commands.is_empty() {
        row.unseen("`checklist.cache.deniedCommands` names none");
    }
    let mut denied = Vec::new();
    for command in &expected.denied_commands {
        let command = command.to_ascii_uppercase();
        match access.commands.get(&command) {
            Some(Permission::Denied | Permission::Absent) => denied.push(command),
            Some(Permission::Allowed) => {
                row.breach(format!("the application's user may call {command} on {object}"));
            }
            None => row.unseen(format!(
                "{object} was not asked whether the application's user may call {command}"
            )),
        }
    }
    if !denied.is_empty() {
        row.stable(Source::Redis, object, "ACL DRYRUN, denied", denied.join(", "));
    }
}
