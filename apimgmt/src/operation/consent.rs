//! The token without which nothing runs: only a person's typed word, a flag or a verb that asks for just this gives one.

use std::io::{BufRead, Write};

use crate::Error;

/// Somebody has agreed. It can't be made anywhere else.
#[derive(Debug)]
pub struct Consent(());

impl Consent {
    /// By `--yes`.
    pub fn by_flag(yes: bool) -> Option<Self> {
        yes.then_some(Self(()))
    }

    /// By `--yes --confirm NAME`, for what can't be undone.
    pub fn by_name(yes: bool, confirmed: Option<&str>, name: &str) -> Option<Self> {
        (yes && confirmed == Some(name)).then_some(Self(()))
    }

    /// By the verb itself: `install` and `upgrade` ask for exactly what they do, as with plain Helm, and destroy nothing.
    pub fn by_verb() -> Self {
        Self(())
    }

    /// By the word that a person types: `yes`, or the name of what will be gone.
    ///
    /// # Errors
    /// When nobody is there, or says anything else.
    pub fn ask(word: &str, input: &mut dyn BufRead, output: &mut dyn Write) -> Result<Self, Error> {
        let _ = write!(output, "Type `{word}` to go on: ");
        let _ = output.flush();
        let mut answer = String::new();
        let read = input.read_line(&mut answer).unwrap_or(0);
        match answer.trim() {
            answer if answer == word => Ok(Self(())),
            _ if read == 0 => {
                Err(Error::usage("nobody is there to say yes, and nothing was changed").hint("add `--yes`"))
            }
            _ => Err(Error::could_not("not agreed, and nothing was changed")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(text: &str) -> Result<Consent, Error> {
        Consent::ask("yes", &mut text.as_bytes(), &mut Vec::new())
    }

    #[test]
    fn only_the_whole_word_is_a_consent() {
        assert!(answered("yes\n").is_ok());
        for other in ["y\n", "no\n", "\n", "YES\n", ""] {
            assert!(answered(other).is_err(), "{other:?}");
        }
        assert_eq!(answered("").unwrap_err().code(), crate::ExitCode::Usage);
    }

    #[test]
    fn what_cannot_be_undone_needs_its_name_too() {
        assert!(Consent::by_name(true, None, "shop").is_none());
        assert!(Consent::by_name(true, Some("other"), "shop").is_none());
        assert!(Consent::by_name(false, Some("shop"), "shop").is_none());
        assert!(Consent::by_name(true, Some("shop"), "shop").is_some());
    }
}
