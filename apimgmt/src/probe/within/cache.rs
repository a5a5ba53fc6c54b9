//! Redis from where the application stands: a key is written, read and expires.

use std::time::{Duration, Instant};

use super::{
    super::objects::{MASTER, SENTINEL},
    Steps, connect, credentials,
};
use crate::{
    cache::{PORT, Session, WORDS, open},
    snapshot::{collect::Credentials, reduce::SecretValue, sessions::ProbeResult},
};

/// Time to live of the key.
const TIME_TO_LIVE: Duration = Duration::from_millis(500);

/// How long after its time to live a key may still be there.
const GRACE: Duration = Duration::from_secs(5);

/// Writes a key under an own prefix, reads it, sees it expire.
pub(super) async fn probe() -> ProbeResult {
    let mut steps = Steps::default();
    let opened = session().await;
    if let Some(mut session) = steps.step("reach", opened) {
        work(&mut steps, &mut session).await;
    }
    steps.result("functional/cache", "wrote a key of its own, read it, and saw it expire")
}

/// To the server that the application's address names, or to the master that a Sentinel names.
async fn session() -> Result<Session, String> {
    let mut credentials = credentials(&WORDS, "cache")?;
    let told = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    if let (Some(sentinel), Some(master)) = (told(SENTINEL), told(MASTER)) {
        let address = named(&credentials, &sentinel, &master).await?;
        (credentials.host, credentials.port) = host_and_port(&address)?;
    }
    login(&credentials).await
}

/// Whom a Sentinel calls the master, asked as the application asks, or with its password alone, or without.
async fn named(application: &Credentials, sentinel: &str, master: &str) -> Result<String, String> {
    let (host, port) = host_and_port(sentinel)?;
    let mut last = String::new();
    for (user, with_password) in [(application.user.as_str(), true), ("", true), ("", false)] {
        let copy = application.password.as_ref().filter(|_| with_password);
        let asked = Credentials {
            host: host.clone(),
            port,
            user: user.to_owned(),
            password: copy.map(|password| SecretValue::new(password.reveal().to_vec())),
            ..Credentials::default()
        };
        let told = match login(&asked).await {
            Ok(mut session) => session.master(master).await.map_err(|failure| failure.to_string()),
            Err(why) => Err(why),
        };
        match told {
            Ok(address) => return Ok(address),
            Err(why) => last = why,
        }
    }
    Err(format!("the Sentinel {sentinel}: {last}"))
}

fn host_and_port(address: &str) -> Result<(String, u16), String> {
    let parts = address.rsplit_once(':');
    parts
        .and_then(|(host, port)| Some((host.to_owned(), port.parse().ok()?)))
        .ok_or_else(|| format!("`{address}` is not `HOST:PORT`"))
}

async fn login(credentials: &Credentials) -> Result<Session, String> {
    let stream = connect(credentials, PORT).await?;
    let password = credentials.password.as_ref().and_then(|password| password.text());
    open(Box::new(stream), &credentials.user, password)
        .await
        .map_err(|failure| failure.to_string())
}

async fn work(steps: &mut Steps, session: &mut Session) {
    let key = format!("apimgmt:probe:{}", jiff::Timestamp::now().as_nanosecond());
    let written = session.write(&key, "new", TIME_TO_LIVE).await;
    let written = steps
        .step("write", written.map_err(|failure| failure.to_string()))
        .is_some();
    if written {
        let read = match session.read(&key).await {
            Ok(Some(value)) if value == "new" => Ok(()),
            Ok(_) => Err("another value came back than was written".to_owned()),
            Err(failure) => Err(failure.to_string()),
        };
        steps.step("read", read);
        steps.step("expire", gone(session, &key).await);
    }
    match session.delete(&key).await {
        Ok(_) => steps.note("leftBehind", 0),
        // Where nothing was written, nothing is there that could not be taken away.
        Err(_) if !written => {}
        Err(failure) => steps.note("leftBehind", format!("perhaps a key: {failure}")),
    }
}

/// Waits until the key is gone by itself.
async fn gone(session: &mut Session, key: &str) -> Result<(), String> {
    let began = Instant::now();
    while session
        .read(key)
        .await
        .map_err(|failure| failure.to_string())?
        .is_some()
    {
        if began.elapsed() > TIME_TO_LIVE + GRACE {
            return Err("the key outlived its time to live".into());
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Ok(())
}
