use apimgmt::{Error, ExitCode};
pub(crate) async fn run(_words: &[String]) -> Result<ExitCode, Error> {
    Err(Error::could_not("later"))
}
