//! `helm apimgmt upgrade`.

use apimgmt::{Error, ExitCode, release::Verb};

use super::change;

pub(crate) async fn run(words: &[String]) -> Result<ExitCode, Error> {
    Box::pin(change::run(Verb::Upgrade, words)).await
}
