//! Builds the sandbox's parts: `build [PART…]`; shows the rest by hand: `registry STORAGE`, `image NAME TAG BINARY`.
mod parts;

use std::path::Path;
use std::process::ExitCode;

use parts::{Cache, Error, Part};

#[expect(clippy::print_stderr, reason = "progress and errors are for people")]
fn main() -> ExitCode {
    match run(&std::env::args().skip(1).collect::<Vec<_>>()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let source = std::error::Error::source(&error)
                .map(|source| format!(": {source}"))
                .unwrap_or_default();
            eprintln!("error: {error}{source}\n\nhint: {}", error.hint());
            ExitCode::FAILURE
        }
    }
}

#[expect(clippy::print_stdout, clippy::print_stderr, reason = "for a look by hand")]
fn run(arguments: &[String]) -> Result<(), Error> {
    let cache = Cache::of_machine()?;
    let ensure = |parts: &[Part]| cache.ensure(parts, &|line| eprintln!("{line}"));
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["registry", storage] => {
            let parts = ensure(&[Part::Images])?;
            for name in ["postgres", "redis", "busybox"] {
                parts.image(name)?.add_to_registry(Path::new(storage), name)?;
            }
        }
        ["image", name, tag, binary] => {
            let image = ensure(&[Part::Images])?.image_of_binary(name, tag, Path::new(binary), &[], &[])?;
            println!("{} {} {}", image.reference(), image.digest, image.archive()?.display());
        }
        _ => {
            let wanted = |part: &Part| arguments.len() < 2 || arguments[1..].contains(&format!("{part:?}"));
            let parts = ensure(&Part::ALL.into_iter().filter(wanted).collect::<Vec<_>>())?;
            println!("{parts:#?}");
            println!("{:?}", parts.binary("kubectl"));
        }
    }
    Ok(())
}
