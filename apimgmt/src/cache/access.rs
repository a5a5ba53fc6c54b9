//! Who may do what in Redis, without a password or its hash.

use redis::Value;

use super::{Failure, Session, session::failure};
use crate::snapshot::{
    hostile,
    sessions::{AclUser, Permission},
};

/// Most arguments that a command is tried with, until it has as many as it needs.
const ARGUMENTS: usize = 6;

impl Session {
    /// A user as `ACL GETUSER` shows it, its passwords counted; `None` when there is none of that name.
    pub(crate) async fn user(&mut self, name: &str) -> Result<Option<AclUser>, Failure> {
        let shown: Value = self.ask(redis::cmd("ACL").arg("GETUSER").arg(name)).await?;
        let fields = pairs(shown);
        if fields.is_empty() {
            return Ok(None);
        }
        let mut user = AclUser {
            name: hostile::line(name),
            ..AclUser::default()
        };
        for (field, value) in fields {
            match field.as_str() {
                "flags" => user.flags = words(value),
                "passwords" => user.passwords = words(value).len(),
                "commands" => user.commands = words(value).join(" "),
                "keys" => user.keys = words(value).join(" "),
                "channels" => user.channels = words(value).join(" "),
                _ => {}
            }
        }
        Ok(Some(user))
    }

    /// The names of users that are on and need no password.
    pub(crate) async fn open_users(&mut self) -> Result<Vec<String>, Failure> {
        let lines: Vec<String> = self.ask(redis::cmd("ACL").arg("LIST")).await?;
        Ok(lines.iter().filter_map(|line| open_user(line)).collect())
    }

    /// What `user` may do with a command such as `CONFIG SET`, by `ACL DRYRUN`, which executes nothing.
    pub(crate) async fn may(&mut self, user: &str, command: &str) -> Result<Permission, Failure> {
        let mut arguments = 0;
        loop {
            let mut asked = redis::cmd("ACL");
            asked.arg("DRYRUN").arg(user);
            command.split_whitespace().for_each(|word| _ = asked.arg(word));
            (0..arguments).for_each(|_| _ = asked.arg("x"));
            let answer: Result<String, Failure> = self.ask(&asked).await;
            match answer {
                // The command may be called; that this very key may not be touched is another matter.
                Ok(answer) if answer == "OK" || answer.contains("to access") => return Ok(Permission::Allowed),
                Ok(answer) if answer.contains("no permissions") => return Ok(Permission::Denied),
                Ok(answer) => return Err(Failure::Server(hostile::line(&answer))),
                Err(Failure::Server(words)) if words.contains("wrong number of arguments") && arguments < ARGUMENTS => {
                    arguments += 1;
                }
                Err(Failure::Server(words)) if is_unknown(&words) => return Ok(Permission::Absent),
                Err(failure) => return Err(failure),
            }
        }
    }

    pub(super) async fn ask<T: redis::FromRedisValue>(&mut self, command: &redis::Cmd) -> Result<T, Failure> {
        command.query_async(&mut self.0).await.map_err(|error| failure(&error))
    }
}

/// A command or subcommand that the server has not.
fn is_unknown(words: &str) -> bool {
    let words = words.to_ascii_lowercase();
    words.contains("not found") && words.contains("command") || words.contains("unknown subcommand")
}

/// The name in a line such as `user guest on nopass ~* +@all`, if nobody needs a password for it. The line also holds
/// hashes of passwords, so nothing else of it is kept.
fn open_user(line: &str) -> Option<String> {
    let mut words = line.split_whitespace();
    let name = words.nth(1)?;
    let rules: Vec<&str> = words.collect();
    (rules.contains(&"on") && rules.contains(&"nopass")).then(|| hostile::line(name))
}

/// A map, or a list of keys and values in turn as RESP2 has it.
pub(super) fn pairs(value: Value) -> Vec<(String, Value)> {
    match value {
        Value::Map(pairs) => pairs
            .into_iter()
            .filter_map(|(key, value)| Some((text(&key)?, value)))
            .collect(),
        Value::Array(items) => {
            let mut pairs = Vec::new();
            let mut items = items.into_iter();
            while let (Some(key), Some(value)) = (items.next(), items.next()) {
                pairs.extend(text(&key).map(|key| (key, value)));
            }
            pairs
        }
        _ => Vec::new(),
    }
}

/// The text of a single value.
pub(super) fn text(value: &Value) -> Option<String> {
    match value {
        Value::BulkString(bytes) => Some(hostile::line(&String::from_utf8_lossy(bytes))),
        Value::SimpleString(text) | Value::VerbatimString { text, .. } => Some(hostile::line(text)),
        Value::Int(number) => Some(number.to_string()),
        _ => None,
    }
}

/// The texts of a list or set; of a single value, that one.
fn words(value: Value) -> Vec<String> {
    match value {
        Value::Array(items) | Value::Set(items) => items.iter().filter_map(text).collect(),
        single => text(&single).filter(|text| !text.is_empty()).into_iter().collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::{is_unknown, open_user};

    #[test]
    fn a_user_is_open_when_it_is_on_and_needs_no_password() {
        assert_eq!(open_user("user guest on nopass ~* &* +@all"), Some("guest".into()));
        assert_eq!(open_user("user guest off nopass ~* +@all"), None);
        assert_eq!(open_user("user app on #9f86d081884c7d65 ~* +@read"), None);
        assert_eq!(open_user("user"), None);
    }

    #[test]
    fn a_command_that_nobody_can_call_is_told_from_one_that_fails() {
        assert!(is_unknown("ERR Command 'module' not found"));
        assert!(is_unknown("ERR unknown subcommand 'load'. Try MODULE HELP."));
        assert!(!is_unknown("ERR User 'app' not found"));
    }
}
