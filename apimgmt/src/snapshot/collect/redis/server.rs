//! What Redis shows to the user that its own pods log in with: parameters, users, and what the application may call.

use super::{
    super::{Run, reach::Reach, trouble::Trouble},
    Logins, attempt, ping, reads,
};
use crate::{
    cache::{Failure, Session},
    snapshot::{
        reduce::SecretValue,
        sessions::{Redis, RedisAccess},
    },
    values::ExpectedCache,
};

/// The parameters that some unit reads; `requirepass` and the like never.
const PARAMETERS: [&str; 6] = [
    "save",
    "appendonly",
    "appendfsync",
    "dir",
    "maxclients",
    "stop-writes-on-bgsave-error",
];

impl Run {
    /// Adds what the server's own user sees; where its pods name no password, what the application's user sees.
    pub(super) async fn server_of_redis(
        &self,
        facts: &mut Redis,
        logins: &Logins,
        reach: &Reach,
        expected: &ExpectedCache,
    ) -> Result<(), Trouble> {
        let (application, user) = (&logins.application, logins.server());
        let (mut way, mut strange_way) = futures::try_join!(self.tunnel(reach), self.tunnel(reach))?;
        let (session, stranger) = futures::join!(
            attempt(&mut way, &user, user.password.as_ref().and_then(SecretValue::text)),
            async { ping(attempt(&mut strange_way, application, None).await).await },
        );
        let mut access = RedisAccess {
            stranger: match stranger {
                Ok((_, answer)) => answer,
                Err(failure @ (Failure::Refused(_) | Failure::Server(_))) => failure.to_string(),
                Err(Failure::Other(_)) => String::new(),
            },
            ..RedisAccess::default()
        };
        match session {
            Ok(mut session) => {
                if facts.info.is_empty() {
                    facts.info = session.info().await.unwrap_or_default();
                }
                self.parameters(facts, &mut session).await;
                let name = if application.user.is_empty() {
                    "default"
                } else {
                    &application.user
                };
                if let Err(why) = users(&mut access, &mut session, name, &expected.denied_commands).await {
                    access.error = Some(why.to_string());
                }
                // A user who may not ask leaves the others' answers.
                facts.slow = session.slow().await.unwrap_or_default();
                // The second reading comes last: the later, the more there is between the two.
                facts.reads.extend(reads(&session.info().await.unwrap_or_default()));
            }
            Err(why) => {
                facts.untold.insert("config".into(), why.to_string());
                access.error = Some(why.to_string());
            }
        }
        facts.access = Some(access);
        Ok(())
    }

    /// Adds the parameters that some unit reads, or why they are not told.
    pub(super) async fn parameters(&self, facts: &mut Redis, session: &mut Session) {
        match session.config(&PARAMETERS).await {
            Ok(config) => facts.config = config,
            Err(why) => _ = facts.untold.insert("config".into(), why.to_string()),
        }
    }
}

async fn users(
    access: &mut RedisAccess,
    session: &mut Session,
    application: &str,
    commands: &[String],
) -> Result<(), Failure> {
    access.user = session.user(application).await?;
    access.open_users = session.open_users().await?;
    access.open_users.retain(|user| user != application);
    for command in commands {
        let permission = session.may(application, command).await?;
        access.commands.insert(command.to_ascii_uppercase(), permission);
    }
    Ok(())
}
