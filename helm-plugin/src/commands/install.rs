//! `helm apimgmt install`.

use apimgmt::{Error, ExitCode, release::Verb};

use super::change;

pub(crate) async fn run(words: &[String]) -> Result<ExitCode, Error> {
    Box::pin(change::run(Verb::Install, words)).await
}
