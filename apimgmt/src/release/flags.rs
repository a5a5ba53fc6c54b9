//! Helm's own flags of `install` and `upgrade`, which pass through, told apart from ours and from names.

use crate::{Error, suggestion::nearest};

/// Whether a flag takes a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Value {
    /// A switch: `--flag` or `--flag=false`.
    Switch,
    /// `--flag value` or `--flag=value`.
    Needed,
    /// `--flag` or `--flag=value`, never `--flag value`.
    Optional,
}

/// A flag, by its long name and its letter.
#[derive(Debug, Clone, Copy)]
pub struct Flag {
    /// Without dashes.
    pub long: &'static str,
    /// One letter, or a blank.
    pub letter: char,
    /// Whether it takes a value.
    pub value: Value,
}

const fn flag(long: &'static str, letter: char, value: Value) -> Flag {
    Flag { long, letter, value }
}

use Value::{Needed, Optional, Switch};

/// What Helm 3.17 to 4.3 know for `install`, `upgrade` or both, for `template`, and for every command.
pub const HELMS: &[Flag] = &[
    flag("ca-file", ' ', Needed),
    flag("cert-file", ' ', Needed),
    flag("cleanup-on-fail", ' ', Switch),
    flag("dependency-update", ' ', Switch),
    flag("description", ' ', Needed),
    flag("devel", ' ', Switch),
    flag("disable-openapi-validation", ' ', Switch),
    flag("enable-dns", ' ', Switch),
    flag("filter", ' ', Needed),
    flag("force", ' ', Switch),
    flag("force-conflicts", ' ', Switch),
    flag("force-replace", ' ', Switch),
    flag("hide-notes", ' ', Switch),
    flag("hide-secret", ' ', Switch),
    flag("history-max", ' ', Needed),
    flag("insecure-skip-tls-verify", ' ', Switch),
    flag("key-file", ' ', Needed),
    flag("keyring", ' ', Needed),
    flag("labels", 'l', Needed),
    flag("no-hooks", ' ', Switch),
    flag("pass-credentials", ' ', Switch),
    flag("password", ' ', Needed),
    flag("plain-http", ' ', Switch),
    flag("post-renderer", ' ', Needed),
    flag("post-renderer-args", ' ', Needed),
    flag("render-subchart-notes", ' ', Switch),
    flag("replace", ' ', Switch),
    flag("repo", ' ', Needed),
    flag("reset-then-reuse-values", ' ', Switch),
    flag("reset-values", ' ', Switch),
    flag("reuse-values", ' ', Switch),
    flag("server-side", ' ', Optional),
    flag("set", ' ', Needed),
    flag("set-file", ' ', Needed),
    flag("set-json", ' ', Needed),
    flag("set-literal", ' ', Needed),
    flag("set-string", ' ', Needed),
    flag("skip-crds", ' ', Switch),
    flag("skip-schema-validation", ' ', Switch),
    flag("take-ownership", ' ', Switch),
    flag("timeout", ' ', Needed),
    flag("username", ' ', Needed),
    flag("values", 'f', Needed),
    flag("verify", ' ', Switch),
    flag("version", ' ', Needed),
    flag("wait", ' ', Optional),
    flag("wait-for-jobs", ' ', Switch),
    flag("api-versions", 'a', Needed),
    flag("burst-limit", ' ', Needed),
    flag("color", ' ', Needed),
    flag("colour", ' ', Needed),
    flag("content-cache", ' ', Needed),
    flag("debug", ' ', Switch),
    flag("kube-version", ' ', Needed),
    flag("qps", ' ', Needed),
    flag("registry-config", ' ', Needed),
    flag("repository-cache", ' ', Needed),
    flag("repository-config", ' ', Needed),
];

/// What we take ourselves, where it means something to us or is better done by us.
pub const OURS: &[Flag] = &[
    flag("atomic", ' ', Switch),
    flag("confirm", ' ', Needed),
    flag("create-namespace", ' ', Switch),
    flag("delete-data", ' ', Switch),
    flag("dry-run", ' ', Optional),
    flag("env", ' ', Needed),
    flag("exit-code", ' ', Switch),
    flag("gate-timeout", ' ', Needed),
    flag("help", 'h', Switch),
    flag("hooks", ' ', Needed),
    flag("install", 'i', Switch),
    flag("kube-apiserver", ' ', Needed),
    flag("kube-as-group", ' ', Needed),
    flag("kube-as-user", ' ', Needed),
    flag("kube-ca-file", ' ', Needed),
    flag("kube-context", ' ', Needed),
    flag("kube-insecure-skip-tls-verify", ' ', Switch),
    flag("kube-tls-server-name", ' ', Needed),
    flag("kube-token", ' ', Needed),
    flag("kubeconfig", ' ', Needed),
    flag("namespace", 'n', Needed),
    flag("offline", ' ', Switch),
    flag("output", 'o', Needed),
    flag("plan-file", ' ', Needed),
    flag("profile", ' ', Needed),
    flag("quiet", ' ', Needed),
    flag("reason", ' ', Needed),
    flag("rollback-on-failure", ' ', Switch),
    flag("schedule-grace", ' ', Needed),
    flag("show-origin", ' ', Switch),
    flag("skip-check", ' ', Needed),
    flag("skip-hooks", ' ', Switch),
    flag("strict", ' ', Switch),
    flag("test", ' ', Switch),
    flag("yes", 'y', Switch),
];

/// A command line, sorted.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Sorted {
    /// What Helm gets, in the order it was written.
    pub helm: Vec<String>,
    /// What we take: flag and value (`true` for a bare switch), in the order it was written.
    pub ours: Vec<(&'static str, String)>,
    /// Words that are no flags: release and chart.
    pub names: Vec<String>,
}

impl Sorted {
    /// The last value of one of ours.
    pub fn last(&self, long: &str) -> Option<&str> {
        self.ours
            .iter()
            .rev()
            .find(|(name, _)| *name == long)
            .map(|(_, value)| value.as_str())
    }

    /// Every value of one of ours.
    pub fn all<'a>(&'a self, long: &'a str) -> impl Iterator<Item = &'a str> {
        self.ours
            .iter()
            .filter(move |(name, _)| *name == long)
            .map(|(_, value)| value.as_str())
    }

    /// Whether a switch of ours is on; `None` when it was not named.
    ///
    /// # Errors
    /// When its value is not `true` or `false`.
    pub fn switch(&self, long: &str) -> Result<Option<bool>, Error> {
        match self.last(long) {
            None => Ok(None),
            Some("true") => Ok(Some(true)),
            Some("false") => Ok(Some(false)),
            Some(other) => Err(Error::usage(format!(
                "`--{long}={other}`: a switch is `true` or `false`"
            ))),
        }
    }

    /// The values of one of Helm's flags, in order.
    pub fn of_helm<'a>(&'a self, long: &'a str) -> impl Iterator<Item = &'a str> {
        self.helm
            .iter()
            .filter_map(move |word| word.strip_prefix("--")?.strip_prefix(long)?.strip_prefix('='))
    }

    /// Whether one of Helm's flags was named.
    pub fn has_helm(&self, long: &str) -> bool {
        self.helm.iter().any(|word| {
            word.strip_prefix("--")
                .is_some_and(|word| word.split('=').next() == Some(long))
        })
    }
}

/// Sorts a command line as Helm's own parser reads it; every value is joined to its flag, so nothing is read twice.
///
/// # Errors
/// When a flag is unknown (the nearest is named) or lacks its value.
pub fn sort(arguments: &[String]) -> Result<Sorted, Error> {
    let mut sorted = Sorted::default();
    let mut rest = arguments.iter();
    while let Some(word) = rest.next() {
        if word == "--" {
            sorted.names.extend(rest.by_ref().cloned());
        } else if let Some(long) = word.strip_prefix("--") {
            let (name, joined) = match long.split_once('=') {
                Some((name, value)) => (name, Some(value.to_owned())),
                None => (long, None),
            };
            let (flag, is_ours) = known(name)?;
            let value = match (flag.value, joined) {
                (_, Some(value)) => Some(value),
                (Needed, None) => Some(rest.next().cloned().ok_or_else(|| lacks_value(word))?),
                (Switch | Optional, None) => None,
            };
            sorted.take(flag, is_ours, value);
        } else if let Some(letters) = word.strip_prefix('-').filter(|letters| !letters.is_empty()) {
            sort_letters(letters, word, &mut rest, &mut sorted)?;
        } else {
            sorted.names.push(word.clone());
        }
    }
    Ok(sorted)
}

/// `-f file`, `-ffile`, `-f=file`, and switches in one word: `-if file`.
fn sort_letters<'a>(
    letters: &str,
    word: &str,
    rest: &mut impl Iterator<Item = &'a String>,
    sorted: &mut Sorted,
) -> Result<(), Error> {
    for (at, letter) in letters.char_indices() {
        let (flag, is_ours) = lettered(letter).ok_or_else(|| unknown(word))?;
        if flag.value == Switch {
            sorted.take(flag, is_ours, None);
            continue;
        }
        let joined = &letters[at + letter.len_utf8()..];
        let value = match joined.strip_prefix('=').unwrap_or(joined) {
            "" => rest.next().cloned().ok_or_else(|| lacks_value(word))?,
            value => value.to_owned(),
        };
        sorted.take(flag, is_ours, Some(value));
        break;
    }
    Ok(())
}

impl Sorted {
    fn take(&mut self, flag: &'static Flag, is_ours: bool, value: Option<String>) {
        if is_ours {
            self.ours.push((flag.long, value.unwrap_or_else(|| "true".into())));
        } else {
            self.helm.push(match value {
                Some(value) => format!("--{}={value}", flag.long),
                None => format!("--{}", flag.long),
            });
        }
    }
}

fn known(name: &str) -> Result<(&'static Flag, bool), Error> {
    let by_name = |flags: &'static [Flag]| flags.iter().find(|flag| flag.long == name);
    by_name(HELMS)
        .map(|flag| (flag, false))
        .or_else(|| by_name(OURS).map(|flag| (flag, true)))
        .ok_or_else(|| unknown(&format!("--{name}")))
}

fn lettered(letter: char) -> Option<(&'static Flag, bool)> {
    let by_letter = |flags: &'static [Flag]| flags.iter().find(|flag| flag.letter == letter && letter != ' ');
    by_letter(HELMS)
        .map(|flag| (flag, false))
        .or_else(|| by_letter(OURS).map(|flag| (flag, true)))
}

fn lacks_value(word: &str) -> Error {
    Error::usage(format!("flag `{word}` needs a value"))
}

fn unknown(word: &str) -> Error {
    let error = Error::usage(format!("there is no flag `{word}`"));
    let name = word.trim_start_matches('-');
    match nearest(name, HELMS.iter().chain(OURS).map(|flag| flag.long)) {
        Some(near) => error.hint(format!("did you mean `--{near}`?")),
        None => {
            error.hint("`helm apimgmt install --help` lists ours; those of `helm install` and `helm upgrade` work too")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sorted(line: &str) -> Sorted {
        sort(&line.split_whitespace().map(str::to_owned).collect::<Vec<_>>()).unwrap()
    }

    #[test]
    fn helms_flags_keep_their_order_and_ours_are_taken_out() {
        let line = sorted("shop ./chart -f a.yaml --set x=1,y=2 --yes -fb.yaml --timeout=2m --strict");
        assert_eq!(
            line.helm,
            ["--values=a.yaml", "--set=x=1,y=2", "--values=b.yaml", "--timeout=2m"]
        );
        assert_eq!(line.names, ["shop", "./chart"]);
        assert_eq!(line.switch("yes").unwrap(), Some(true));
        assert_eq!(line.of_helm("values").collect::<Vec<_>>(), ["a.yaml", "b.yaml"]);
    }

    #[test]
    fn every_way_to_write_a_namespace_is_the_same() {
        for line in ["-n shop", "-nshop", "-n=shop", "--namespace shop", "--namespace=shop"] {
            assert_eq!(sorted(line).last("namespace"), Some("shop"), "{line}");
        }
    }

    #[test]
    fn a_switch_takes_no_next_word_and_an_optional_value_is_joined() {
        let line = sorted("--wait shop --rollback-on-failure=false --dry-run=server -if x.yaml");
        assert_eq!(line.names, ["shop"]);
        assert_eq!(line.helm, ["--wait", "--values=x.yaml"]);
        assert_eq!(line.switch("rollback-on-failure").unwrap(), Some(false));
        assert_eq!(line.last("dry-run"), Some("server"));
        assert_eq!(line.switch("install").unwrap(), Some(true));
    }

    #[test]
    fn words_after_two_dashes_are_names() {
        assert_eq!(sorted("a -- --set").names, ["a", "--set"]);
    }

    #[test]
    fn an_unknown_flag_names_the_nearest_and_a_missing_value_is_told() {
        let told = |line: &str| {
            let words: Vec<_> = line.split_whitespace().map(str::to_owned).collect();
            let error = sort(&words).unwrap_err();
            assert_eq!(error.code(), crate::ExitCode::Usage);
            format!("{error}; {}", error.next_step().unwrap_or_default())
        };
        assert!(told("--vaules x").contains("`--values`"));
        assert!(told("--strcit").contains("`--strict`"));
        assert!(told("--set").contains("needs a value"));
        assert!(told("-q").contains("no flag `-q`"));
    }

    #[test]
    fn no_flag_is_both_helms_and_ours() {
        for flag in HELMS {
            assert!(!OURS.iter().any(|ours| ours.long == flag.long), "{}", flag.long);
        }
    }
}
