//! What a profile may call.

use std::{path::PathBuf, sync::Arc};

use base64::{Engine, prelude::BASE64_STANDARD};
use handlebars::{
    Context, Handlebars, Helper, HelperDef, HelperResult, JsonRender, JsonTruthy, Output, PathAndJson, RenderContext,
    RenderError, RenderErrorReason, Renderable, ScopedJson,
};
use serde_json::Value;

/// Names of the functions, for "did you mean".
pub(super) const NAMES: [&str; 7] = ["required", "default", "env", "file", "quote", "toYaml", "b64"];

/// What a profile may look at beside its variables.
#[derive(Clone)]
pub(super) struct Place {
    /// Where its `file` paths begin.
    pub(super) folder: PathBuf,
    /// The environment of the process.
    pub(super) environment: fn(&str) -> Option<String>,
}

type Answer = Result<Value, RenderErrorReason>;

struct Function {
    answer: fn(&Helper<'_>, &Place) -> Answer,
    place: Arc<Place>,
}

/// `if` and `unless` of a name that must be defined: a slip in a condition is an error as everywhere else.
struct Condition {
    wanted: bool,
}

pub(super) fn register(engine: &mut Handlebars<'_>, place: &Place) {
    let place = Arc::new(place.clone());
    let answers = [required, default, env, file, quote, to_yaml, b64];
    for (name, answer) in NAMES.into_iter().zip(answers) {
        let place = Arc::clone(&place);
        engine.register_helper(name, Box::new(Function { answer, place }));
    }
    engine.register_helper("if", Box::new(Condition { wanted: true }));
    engine.register_helper("unless", Box::new(Condition { wanted: false }));
}

impl HelperDef for Function {
    fn call_inner<'reg: 'rc, 'rc>(
        &self,
        helper: &Helper<'rc>,
        _: &'reg Handlebars<'reg>,
        _: &'rc Context,
        _: &mut RenderContext<'reg, 'rc>,
    ) -> Result<ScopedJson<'rc>, RenderError> {
        Ok(ScopedJson::Derived((self.answer)(helper, &self.place)?))
    }
}

impl HelperDef for Condition {
    fn call<'reg: 'rc, 'rc>(
        &self,
        helper: &Helper<'rc>,
        engine: &'reg Handlebars<'reg>,
        context: &'rc Context,
        state: &mut RenderContext<'reg, 'rc>,
        out: &mut dyn Output,
    ) -> HelperResult {
        let holds = defined(helper, 0)?.is_truthy(false) == self.wanted;
        let branch = if holds { helper.template() } else { helper.inverse() };
        branch.map_or(Ok(()), |branch| branch.render(engine, context, state, out))
    }
}

/// `{{required NAME "why"}}`: not empty either.
fn required(helper: &Helper<'_>, _: &Place) -> Answer {
    let parameter = parameter(helper, 0)?;
    let empty = matches!(parameter.value(), Value::Null) || parameter.value() == "";
    if parameter.is_value_missing() || empty {
        let name = parameter.relative_path().map_or("a value", String::as_str);
        let why = helper.param(1).map(|why| format!(": {}", why.value().render()));
        let told = format!("`{name}` is required{}", why.unwrap_or_default());
        return Err(RenderErrorReason::Other(told));
    }
    Ok(parameter.value().clone())
}

/// `{{default NAME VALUE}}`: the one place where a name need not be defined.
fn default(helper: &Helper<'_>, _: &Place) -> Answer {
    let value = parameter(helper, 0)?;
    if value.is_value_missing() || value.value().is_null() {
        return Ok(defined(helper, 1)?.clone());
    }
    Ok(value.value().clone())
}

/// `{{env "NAME"}}` or `{{env "NAME" "fallback"}}`.
fn env(helper: &Helper<'_>, place: &Place) -> Answer {
    let name = defined(helper, 0)?.render();
    match ((place.environment)(&name), helper.param(1)) {
        (Some(value), _) => Ok(Value::String(value)),
        (None, Some(_)) => Ok(defined(helper, 1)?.clone()),
        (None, None) => Err(RenderErrorReason::Other(format!(
            "environment variable `{name}` is not set"
        ))),
    }
}

/// `{{file "certificate.pem"}}`: its text; the path begins at the profile's folder.
fn file(helper: &Helper<'_>, place: &Place) -> Answer {
    let path = place.folder.join(defined(helper, 0)?.render());
    let text = std::fs::read_to_string(&path);
    text.map(Value::String)
        .map_err(|error| RenderErrorReason::Other(format!("could not read `{}`: {error}", path.display())))
}

/// `{{quote NAME}}`: text that YAML reads as text, whatever is in it.
fn quote(helper: &Helper<'_>, _: &Place) -> Answer {
    let text = defined(helper, 0)?.render();
    Ok(Value::String(Value::String(text).to_string()))
}

/// `{{toYaml NAME}}`: any value, on one line, so that no indentation can be wrong.
fn to_yaml(helper: &Helper<'_>, _: &Place) -> Answer {
    Ok(Value::String(defined(helper, 0)?.to_string()))
}

/// `{{b64 NAME}}`.
fn b64(helper: &Helper<'_>, _: &Place) -> Answer {
    Ok(Value::String(BASE64_STANDARD.encode(defined(helper, 0)?.render())))
}

fn parameter<'a, 'rc>(helper: &'a Helper<'rc>, index: usize) -> Result<&'a PathAndJson<'rc>, RenderErrorReason> {
    helper.param(index).ok_or_else(|| {
        let place = ["first", "second"].get(index).copied().unwrap_or("next");
        RenderErrorReason::Other(format!("`{}` lacks its {place} value", helper.name()))
    })
}

fn defined<'a>(helper: &'a Helper<'_>, index: usize) -> Result<&'a Value, RenderErrorReason> {
    let parameter = parameter(helper, index)?;
    if parameter.is_value_missing() {
        return Err(RenderErrorReason::MissingVariable(parameter.relative_path().cloned()));
    }
    Ok(parameter.value())
}
