//! The slow log: which commands held everybody up, without their arguments, which are people's keys and values.

use jiff::Timestamp;
use redis::Value;

use super::{Failure, Session, access::text};
use crate::snapshot::{hostile, sessions::SlowCommand};

/// Newest entries that are read.
const ENTRIES: usize = 64;

impl Session {
    /// The newest entries, newest first.
    pub(crate) async fn slow(&mut self) -> Result<Vec<SlowCommand>, Failure> {
        let entries: Vec<Value> = self.ask(redis::cmd("SLOWLOG").arg("GET").arg(ENTRIES)).await?;
        Ok(entries.into_iter().filter_map(entry).collect())
    }
}

/// An entry is `id, time, microseconds, [command, arguments…], client, name`.
fn entry(entry: Value) -> Option<SlowCommand> {
    let Value::Array(parts) = entry else { return None };
    let (Value::Int(seconds), Value::Int(microseconds), Value::Array(words)) =
        (parts.get(1)?, parts.get(2)?, parts.get(3)?)
    else {
        return None;
    };
    Some(SlowCommand {
        command: hostile::capped(&text(words.first()?)?.to_ascii_uppercase(), 24),
        at: Timestamp::from_second(*seconds).ok(),
        microseconds: *microseconds,
    })
}

#[cfg(test)]
mod tests {
    use redis::Value;

    use super::entry;

    #[test]
    fn an_entry_tells_the_command_and_none_of_its_arguments() {
        let word = |text: &str| Value::BulkString(text.as_bytes().to_vec());
        let told = entry(Value::Array(vec![
            Value::Int(7),
            Value::Int(1_795_468_991),
            Value::Int(250_000),
            Value::Array(vec![word("keys"), word("session:of:somebody")]),
            word("10.0.0.7:40000"),
        ]))
        .unwrap();
        assert_eq!((told.command.as_str(), told.microseconds), ("KEYS", 250_000));
        assert!(told.at.is_some());
        assert!(entry(Value::Nil).is_none());
    }
}
