//! Redis from where the application stands: a key is written, read and expires.

use std::time::{Duration, Instant};

use super::{Steps, connect, credentials};
use crate::{
    cache::{PORT, Session, WORDS, open},
    snapshot::sessions::ProbeResult,
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

async fn session() -> Result<Session, String> {
    let credentials = credentials(&WORDS, "cache")?;
    let stream = connect(&credentials, PORT).await?;
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
