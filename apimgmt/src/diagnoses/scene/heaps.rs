//! Bounds that runtimes are given for their heap: by the JVM's `-Xmx`, Go's `GOMEMLIMIT`, Node's `--max-old-space-size`.

use super::{Sighting, commands::is_plain};
use crate::snapshot::{Quantity, pods::Container};

const KIBI: i128 = 1024;
const MEBI: i128 = 1024 * KIBI;

/// A bound that does not fit the container's limit.
pub(crate) struct Heap<'a> {
    /// The bound as it is written: `-Xmx512m`.
    pub(crate) written: &'a str,
    /// The container's limit.
    pub(crate) limit: &'a Quantity,
    /// The variable that it stands in, with its whole value; none in the command line.
    variable: Option<(&'a str, &'a str)>,
    /// Writes a bound in its own form.
    form: fn(i128) -> String,
}

impl Heap<'_> {
    /// Where it stands in the container.
    pub(crate) fn place(&self) -> String {
        self.variable
            .map_or("command and args".into(), |(name, _)| format!("env {name}"))
    }

    /// The variable with a bound of three quarters of the limit, when it can stand in a command as it is.
    pub(crate) fn fitting(&self) -> Option<(&str, String)> {
        let (name, value) = self
            .variable
            .filter(|(name, value)| is_plain(name) && !value.contains('\''))?;
        let bound = (self.form)(self.limit.units()? * 3 / 4);
        Some((name, value.replace(self.written, &bound)))
    }
}

/// The first bound of a container that reaches its limit.
pub(crate) fn beyond_limit<'a>(sighting: &Sighting<'a>) -> Option<Heap<'a>> {
    let container = sighting.pod.container(&sighting.status.name)?;
    let limit = container.resources.limits.get("memory")?;
    let most = limit.units()?;
    let beyond = |(text, variable): (&'a str, Option<(&'a str, &'a str)>)| {
        let (written, bytes, form) = bound(text, variable.map(|(name, _)| name))?;
        (bytes >= most).then_some(Heap {
            written,
            limit,
            variable,
            form,
        })
    };
    texts(container).find_map(beyond)
}

/// Texts that may hold a bound, with the variable that each is the value of.
fn texts(container: &Container) -> impl Iterator<Item = (&str, Option<(&str, &str)>)> {
    let variables = container.env.iter().filter_map(|variable| {
        let value = variable.value.as_ref()?.text()?;
        Some((value, Some((variable.name.as_str(), value))))
    });
    let words = container.command.iter().chain(&container.args);
    variables.chain(words.filter_map(|word| Some((word.text()?, None))))
}

type Bound<'a> = (&'a str, i128, fn(i128) -> String);

fn bound<'a>(text: &'a str, variable: Option<&str>) -> Option<Bound<'a>> {
    if variable == Some("GOMEMLIMIT") {
        let bytes = go_bytes(text)?;
        return Some((text, bytes, |bytes| format!("{}MiB", bytes / MEBI)));
    }
    // The last one counts, for the JVM as for Node.
    text.split_whitespace().rev().find_map(|word| {
        if let Some(size) = word.strip_prefix("-Xmx") {
            return Some((
                word,
                java_bytes(size)?,
                (|bytes| format!("-Xmx{}m", bytes / MEBI)) as fn(i128) -> String,
            ));
        }
        let size = word
            .strip_prefix("--max-old-space-size=")
            .or_else(|| word.strip_prefix("--max_old_space_size="))?;
        Some((word, size.parse::<i128>().ok()? * MEBI, |bytes| {
            format!("--max-old-space-size={}", bytes / MEBI)
        }))
    })
}

/// `512m`, `2G`, `1048576` (<https://docs.oracle.com/en/java/javase/17/docs/specs/man/java.html>).
fn java_bytes(size: &str) -> Option<i128> {
    let (number, unit) = match size.char_indices().last()? {
        (at, 'k' | 'K') => (&size[..at], KIBI),
        (at, 'm' | 'M') => (&size[..at], MEBI),
        (at, 'g' | 'G') => (&size[..at], KIBI * MEBI),
        (at, 't' | 'T') => (&size[..at], MEBI * MEBI),
        _ => (size, 1),
    };
    number.parse::<i128>().ok()?.checked_mul(unit)
}

/// `512MiB`, `2GiB`, `1048576` (<https://pkg.go.dev/runtime#hdr-Environment_Variables>).
fn go_bytes(size: &str) -> Option<i128> {
    let units = [
        ("KiB", KIBI),
        ("MiB", MEBI),
        ("GiB", KIBI * MEBI),
        ("TiB", MEBI * MEBI),
        ("B", 1),
    ];
    let (number, unit) = units
        .iter()
        .find_map(|(suffix, unit)| Some((size.strip_suffix(suffix)?, *unit)))
        .unwrap_or((size, 1));
    number.parse::<i128>().ok()?.checked_mul(unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_runtime_writes_its_bound_in_its_own_way() {
        let bytes = |text, variable| bound(text, variable).map(|(_, bytes, _)| bytes);
        assert_eq!(bytes("-server -Xmx512m", Some("JAVA_TOOL_OPTIONS")), Some(512 * MEBI));
        assert_eq!(bytes("-Xmx1g -Xmx2G", None), Some(2048 * MEBI));
        assert_eq!(
            bytes("--max-old-space-size=300", Some("NODE_OPTIONS")),
            Some(300 * MEBI)
        );
        assert_eq!(bytes("1GiB", Some("GOMEMLIMIT")), Some(1024 * MEBI));
        assert_eq!(bytes("off", Some("GOMEMLIMIT")), None);
        assert_eq!(bytes("1GiB", Some("OTHER")), None);
        assert_eq!(bytes("-Xmx", None), None);
        assert_eq!(bytes("-Xmx½m", None), None);
    }
}
