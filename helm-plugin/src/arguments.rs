//! From words to what the library wants.

use std::{path::PathBuf, sync::Arc, time::Duration};

use apimgmt::{
    Error,
    checklist::ALL,
    connection::Connected,
    release::{
        Environment, Helm, Options,
        flags::{self, Sorted},
        hooks::Hooks,
        phases::SetAside,
        values::{Chosen, beneath},
    },
    report::Form,
    suggestion::nearest,
    values::{Profile, Span, Variables, rules},
};

/// Release and chart when nobody names them.
pub(crate) const NAME: &str = "integration-api-management";

/// The first word that is no flag, and everything else.
pub(crate) fn verb(words: &[String]) -> (Option<&str>, Vec<String>) {
    let at = words.iter().position(|word| !word.starts_with('-'));
    let rest = words
        .iter()
        .enumerate()
        .filter(|(index, _)| Some(*index) != at)
        .map(|(_, word)| word.clone());
    (at.map(|at| words[at].as_str()), rest.collect())
}

pub(crate) fn asks_for_help(words: &[String]) -> bool {
    words
        .iter()
        .take_while(|word| *word != "--")
        .any(|word| word == "--help" || word == "-h")
}

/// A sorted command line with its profiles, the way to the cluster, and a Helm.
pub(crate) struct Call {
    pub(crate) line: Sorted,
    pub(crate) profiles: Arc<[Profile]>,
    pub(crate) environment: Environment,
    pub(crate) helm: Helm,
}

impl Call {
    pub(crate) fn of(words: &[String]) -> Result<Self, Error> {
        let mut line = flags::sort(words)?;
        let profiles = profiles(&line)?;
        line.helm = beneath(&profiles, &line.helm);
        let mut environment = environment();
        environment.apply(&line)?;
        let helm = Helm::find(&environment, std::env::var_os("PATH").as_deref())?;
        Ok(Self {
            line,
            profiles,
            environment,
            helm,
        })
    }

    /// What chooses the values.
    pub(crate) fn chosen(&self) -> Chosen<'_> {
        Chosen {
            flags: &self.line.helm,
            profiles: &self.profiles,
        }
    }

    pub(crate) async fn connect(&self) -> Result<Connected, Error> {
        Box::pin(self.environment.connection.connect()).await
    }

    /// Release and chart: `NAME CHART`, `NAME`, `CHART` (a path or a reference), or nothing.
    pub(crate) fn names(&self) -> Result<(String, String), Error> {
        let looks_like_chart = |word: &str| {
            word.contains('/')
                || std::path::Path::new(word)
                    .extension()
                    .is_some_and(|ending| ending == "tgz")
                || word == "."
        };
        match self.line.names.as_slice() {
            [] => Ok((NAME.into(), bundled_chart(&self.environment)?)),
            [chart] if looks_like_chart(chart) => Ok((NAME.into(), chart.clone())),
            [release] => Ok((release.clone(), bundled_chart(&self.environment)?)),
            [release, chart] => Ok((release.clone(), chart.clone())),
            [_, _, more, ..] => {
                Err(Error::usage(format!("one word too many: `{more}`")).hint("give a release and a chart at most"))
            }
        }
    }

    pub(crate) fn form(&self) -> Result<Form, Error> {
        match self.line.last("output") {
            None | Some("table") => Ok(Form::Table),
            Some("json") => Ok(Form::Json),
            Some("yaml") => Ok(Form::Yaml),
            Some(other) => {
                Err(Error::usage(format!("there is no output `{other}`")).hint("`-o table`, `-o json` or `-o yaml`"))
            }
        }
    }

    pub(crate) fn is_on(&self, switch: &str) -> Result<bool, Error> {
        Ok(self.line.switch(switch)?.unwrap_or(false))
    }

    /// Items and rules that are set aside, with the reason.
    pub(crate) fn aside(&self) -> Result<SetAside, Error> {
        let mut aside = SetAside::new();
        let reason = self.line.last("reason").unwrap_or_default().trim().to_owned();
        let known = || {
            ALL.iter()
                .map(|item| item.id)
                .chain(rules::ALL.iter().map(|rule| rule.id))
        };
        for id in self.line.all("skip-check") {
            if !known().any(|known| known == id) {
                let error = Error::usage(format!("there is no item and no rule `{id}` to skip"));
                return Err(match nearest(id, known()) {
                    Some(near) => error.hint(format!("did you mean `{near}`?")),
                    None => error.hint("`kubectl apimgmt items` lists the items, docs/rules.md the rules"),
                });
            }
            if reason.is_empty() {
                return Err(Error::usage(format!("`--skip-check {id}` needs a reason")).hint("add `--reason TEXT`"));
            }
            aside.insert(id.into(), reason.clone());
        }
        Ok(aside)
    }

    pub(crate) fn options(&self) -> Result<Options, Error> {
        let rollback = match self.line.switch("rollback-on-failure")? {
            None => self.line.switch("atomic")?,
            told => told,
        };
        Ok(Options {
            install_if_absent: self.is_on("install")?,
            aside: self.aside()?,
            schedule_grace: self.span("schedule-grace", Duration::from_mins(5))?,
            rollback_on_failure: rollback,
            gate_timeout: self.span("gate-timeout", Duration::from_secs(90))?,
            strict: self.is_on("strict")?,
            driver: std::env::var("HELM_DRIVER").ok(),
            hooks: Hooks::default(),
            test: self.is_on("test")?,
            saved: None,
        })
    }

    pub(crate) fn span(&self, flag: &str, default: Duration) -> Result<Duration, Error> {
        let Some(text) = self.line.last(flag) else {
            return Ok(default);
        };
        text.parse::<Span>()
            .map(|span| span.0)
            .map_err(|told| Error::usage(format!("`--{flag}`: {told}")))
    }
}

/// The profiles of a command line, rendered.
pub(crate) fn profiles(line: &Sorted) -> Result<Arc<[Profile]>, Error> {
    let variables = Variables::read(line.all("env"))?;
    let named: Vec<_> = line.all("profile").collect();
    if named.is_empty() && line.last("env").is_some() {
        return Err(
            Error::usage("`--env` holds the variables of a profile, and none is named").hint("add `--profile FILE`"),
        );
    }
    let read = |name: &&str| Profile::read(name, &variables, |name| std::env::var(name).ok());
    named.iter().map(read).collect()
}

/// What Helm, or whoever called us, set.
pub(crate) fn environment() -> Environment {
    Environment::read(|name| std::env::var(name).ok())
}

/// The chart that comes with the plugin: beside the plugin's own folder, or beside the binary in a checkout.
pub(crate) fn bundled_chart(environment: &Environment) -> Result<String, Error> {
    let beside_binary = std::env::current_exe()
        .ok()
        .and_then(|binary| binary.canonicalize().ok());
    let above = beside_binary
        .iter()
        .flat_map(|binary| binary.ancestors().skip(1).take(4))
        .map(PathBuf::from);
    environment
        .plugin
        .clone()
        .into_iter()
        .chain(above)
        .map(|folder| folder.join("chart"))
        .find(|chart| chart.join("Chart.yaml").is_file())
        .map(|chart| chart.display().to_string())
        .ok_or_else(|| {
            Error::could_not("could not find the bundled chart").hint("name a chart: `helm apimgmt install NAME CHART`")
        })
}
