//! The application's password and the database's are not the same: one of them was changed alone.

use crate::{
    database::WORDS,
    diagnoses::{
        Diagnosis, Finding, Topic,
        scene::{
            Scene,
            commands::is_plain,
            logins::{PasswordKey, started_at},
            servers::{DATABASE, Server, container_of, state_of},
        },
    },
    signatures::{Answer, Family},
    snapshot::{
        Pod, Source, Unreadable,
        sessions::{Login, Postgresql},
    },
};

pub(in crate::diagnoses) const DIAGNOSIS: Diagnosis = Diagnosis {
    id: "database-login-refused",
    topic: Topic::Database,
    symptom: "The database refuses with `password authentication failed` (28P01)",
    cause: "The password was changed in the Secret or in the database alone, or pods still have the old one",
    reads: DATABASE,
    look,
};

fn look(scene: &Scene<'_>) -> Result<Vec<Finding>, Unreadable> {
    let Some(server) = scene.database()? else {
        return Ok(Vec::new());
    };
    match &server.facts.login {
        Login::Refused { message } if message.contains("28P01") || message.contains("password authentication") => {
            Ok(vec![other_password(scene, &server, message)])
        }
        Login::Refused { .. } => Ok(Vec::new()),
        _ => Ok(crate::diagnoses::scene::old_environment::findings(
            scene,
            &server,
            DIAGNOSIS.id,
            &WORDS,
        )),
    }
}

/// What the Secret holds now is refused.
fn other_password<'a>(scene: &Scene<'a>, server: &Server<'a, Postgresql>, message: &str) -> Finding {
    let (object, user) = (&server.object, crate::diagnoses::scene::clean(&server.facts.user));
    let key = user_of(scene, server).and_then(|pod| scene.password_key(&pod.spec, &WORDS));
    let at = key.as_ref().and_then(PasswordKey::changed_at);
    let since = at.map_or(String::new(), |at| format!(", which was changed at {at}"));
    let held = match &key {
        Some(key) => format!("the password that secret/{} (key {}) holds{since}", key.secret, key.key),
        None => "the password that the application has".into(),
    };
    let fault = key
        .as_ref()
        .map_or_else(|| object.clone(), |key| format!("secret/{}", key.secret));
    let mut finding = server
        .outage(
            scene,
            DIAGNOSIS.id,
            &[Answer::PasswordRefused],
            format!("{object} refuses {held}, for {user}: the role has another one"),
        )
        .explaining([state_of("login", object)])
        .because([scene.told(server, "login", message)])
        .because(at.map(|at| scene.field(Source::Secrets, &fault, "changed at", at)))
        .not("the server is down", "it answers, and refuses the password")
        .not(
            "the pods are old",
            "the Secret's present password was tried and is refused too",
        );
    finding.object = fault;
    let setting = key
        .as_ref()
        .filter(|key| !key.is_address)
        .and_then(|key| setting(scene, server, key, &user));
    finding.mend(setting.unwrap_or_else(|| {
        format!("Give the role the password that its users have (`alter role {user} password …` on {object}), or put the role's password into the Secret and restart them")
    }))
}

/// The command that gives the role the Secret's password, which no terminal shows.
fn setting(scene: &Scene<'_>, server: &Server<'_, Postgresql>, key: &PasswordKey<'_>, user: &str) -> Option<String> {
    let pod = server.pod?;
    let container = container_of(pod, Family::Postgresql)?;
    let administrator = crate::diagnoses::scene::commands::literal(container, "POSTGRES_USER").unwrap_or("postgres");
    let names = [user, key.key, administrator];
    names.iter().all(|name| is_plain(name) && !name.contains('-')).then(|| {
        format!(
            "kubectl get secret {} -n {namespace} -o go-template='{{{{.data.{} | base64decode}}}}' | kubectl exec -i {} -n {namespace} -c {} -- sh -c \"p=\\$(cat); echo alter role {user} password :\\'p\\' | psql -q -U {administrator} -d postgres -v p=\\\"\\$p\\\"\"",
            key.secret,
            key.key,
            pod.object(),
            container.name,
            namespace = scene.namespace(),
        )
    })
}

/// A pod that logs in to the server: one that is not ready before others.
pub(super) fn user_of<'a, T>(scene: &Scene<'a>, server: &Server<'a, T>) -> Option<&'a Pod> {
    let users = server
        .services
        .iter()
        .flat_map(|service| scene.dependents(service))
        .copied();
    users
        .filter(|pod| pod.metadata.controller().is_none_or(|owner| owner.kind != "Job") && started_at(pod).is_some())
        .min_by_key(|pod| (pod.is_ready(), &pod.metadata.name))
        .or_else(|| scene.unready_users(server).first().copied())
}
