//! The application's password and the cache's are not the same.

use crate::{
    cache::{SERVER_PASSWORDS, WORDS},
    diagnoses::{
        Diagnosis, Finding, Topic,
        scene::{
            Scene,
            logins::{PasswordKey, started_at},
            servers::{CACHE, Server, state_of},
        },
    },
    signatures::Answer,
    snapshot::{
        Source, Unreadable,
        sessions::{Login, Redis},
    },
};

pub(in crate::diagnoses) const DIAGNOSIS: Diagnosis = Diagnosis {
    id: "cache-login-refused",
    topic: Topic::Database,
    symptom: "The cache refuses with `NOAUTH` or `WRONGPASS`",
    cause: "The Secrets of the application and of the cache differ, or one of the two was started before a change",
    reads: CACHE,
    look,
};

fn look(scene: &Scene<'_>) -> Result<Vec<Finding>, Unreadable> {
    let Some(server) = scene.cache()? else {
        return Ok(Vec::new());
    };
    match &server.facts.login {
        Login::Refused { message } => Ok(vec![refused(scene, &server, message)]),
        _ if server.facts.ping.contains("without any password") => Ok(vec![none_set(scene, &server)]),
        _ => Ok(crate::diagnoses::scene::old_environment::findings(
            scene,
            &server,
            DIAGNOSIS.id,
            &WORDS,
        )),
    }
}

/// A client that logs in where nobody can fails as with a wrong password.
fn none_set<'a>(scene: &Scene<'a>, server: &Server<'a, Redis>) -> Finding {
    let object = &server.object;
    let cause = format!("{object} has no password, and the application logs in with one, which it refuses");
    server
        .outage(scene, DIAGNOSIS.id, &[Answer::PasswordRefused], cause)
        .because([scene.told(server, "AUTH", &server.facts.ping)])
        .not("a wrong password", "none is set on the server")
        .mend("Give the server the application's password (`requirepass`, or a user of its own)")
}

fn refused<'a>(scene: &Scene<'a>, server: &Server<'a, Redis>, message: &str) -> Finding {
    let object = &server.object;
    let user = super::database_login_refused::user_of(scene, server);
    let theirs = user.and_then(|pod| scene.password_key(&pod.spec, &WORDS));
    let own = server.pod.and_then(|pod| {
        let names: Vec<&str> = SERVER_PASSWORDS.iter().chain(WORDS.password).copied().collect();
        Some((pod, scene.key_of(&pod.spec, &names, false)?))
    });
    let started = own.as_ref().and_then(|(pod, _)| started_at(pod));
    let changed = own.as_ref().and_then(|(_, key)| key.changed_at());
    let is_old = matches!((started, changed), (Some(started), Some(changed)) if started < changed);
    let place = |key: &PasswordKey<'_>| format!("secret/{} (key {})", key.secret, key.key);
    let (fault, cause) = match (&theirs, &own) {
        (_, Some((_, own))) if is_old => (
            object.clone(),
            format!(
                "{object} still has the password of before {} was changed at {}: it was started before, and refuses the new one",
                place(own),
                changed.unwrap_or_default()
            ),
        ),
        (Some(theirs), Some((_, own))) => (
            format!("secret/{}", theirs.secret),
            format!(
                "{object} refuses the password of {}: its own is in {}, and the two are not the same",
                place(theirs),
                place(own)
            ),
        ),
        (Some(theirs), None) => (
            format!("secret/{}", theirs.secret),
            format!("{object} refuses the password of {}: it has another one", place(theirs)),
        ),
        (None, _) => (
            object.clone(),
            if message.starts_with("NOAUTH") {
                format!("{object} asks for a password, and the application's configuration has none")
            } else {
                format!("{object} refuses the password that the application has")
            },
        ),
    };
    let secrets = theirs.iter().chain(own.iter().map(|(_, key)| key)).filter_map(|key| {
        let at = key.changed_at()?;
        Some(scene.field(Source::Secrets, format!("secret/{}", key.secret), "changed at", at))
    });
    let mut finding = server
        .outage(scene, DIAGNOSIS.id, &[Answer::PasswordRefused], cause)
        .explaining([state_of("login", object)])
        .because([scene.told(server, "login", message)])
        .because(secrets)
        .not("the server is down", "it answers, and refuses the login");
    finding.object = fault;
    let namespace = scene.namespace();
    if is_old {
        return finding.mend(format!("kubectl rollout restart {object} -n {namespace}"));
    }
    finding
        .mend("Put the same password into both Secrets, then restart the server and who uses it")
        .mend(format!("kubectl rollout restart {object} -n {namespace}"))
}
