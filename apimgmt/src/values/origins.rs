//! Merged values, each with where it comes from.

use serde_json::Value;

use super::ValuesFile;
use crate::snapshot::Literal;

/// Longest value beside which origins are aligned; what is longer has its own right after it.
const WIDEST: usize = 64;

/// Everything that sets values.
pub struct Origins {
    /// Values files and profiles; a later one wins.
    pub files: Vec<ValuesFile>,
    /// The chart's own.
    pub chart: ValuesFile,
    /// The merged values without the flags that set one.
    pub without_flags: Value,
}

struct Line {
    text: String,
    origin: String,
}

impl Origins {
    /// The values as YAML; each leaf has its origin in a comment, and what may be secret is withheld.
    pub fn annotate(&self, merged: &Value) -> String {
        let mut lines = Vec::new();
        self.write(merged, &mut Vec::new(), "", 0, &mut lines);
        let width = |line: &Line| line.text.chars().count();
        let leaves = lines.iter().filter(|line| !line.origin.is_empty()).map(width);
        let column = leaves.filter(|width| *width <= WIDEST).max().unwrap_or_default();
        let told = lines.iter().map(|line| match line.origin.as_str() {
            "" => format!("{}\n", line.text),
            origin => {
                let gap = column.saturating_sub(width(line));
                format!("{}{:gap$}  # {origin}\n", line.text, "")
            }
        });
        told.collect()
    }

    /// Writes a value whose first line begins with `head` (`  name:`, `  -`), what is in it with that many blanks.
    fn write(&self, value: &Value, path: &mut Vec<String>, head: &str, indent: usize, lines: &mut Vec<Line>) {
        let blanks = " ".repeat(indent);
        let mut begin = |head: &str| {
            if !head.is_empty() {
                let (text, origin) = (head.to_owned(), String::new());
                lines.push(Line { text, origin });
            }
        };
        match value {
            Value::Object(fields) if !fields.is_empty() => {
                // A map in a list begins on the line of its dash.
                let mut first = head.ends_with('-').then(|| format!("{head} "));
                if first.is_none() {
                    begin(head);
                }
                for (key, value) in fields {
                    let head = format!("{}{}:", first.take().unwrap_or_else(|| blanks.clone()), text(key));
                    path.push(key.clone());
                    self.write(value, path, &head, indent + 2, lines);
                    path.pop();
                }
            }
            Value::Array(items) if !items.is_empty() => {
                begin(head);
                for (index, item) in items.iter().enumerate() {
                    path.push(index.to_string());
                    self.write(item, path, &format!("{blanks}-"), indent + 2, lines);
                    path.pop();
                }
            }
            leaf => lines.push(Line {
                text: format!("{head} {}", shown(leaf, path)),
                origin: self.origin(leaf, path),
            }),
        }
    }

    fn origin(&self, leaf: &Value, path: &[String]) -> String {
        let mut before = Some(&self.without_flags);
        for step in path {
            before = before.and_then(|value| match value {
                Value::Array(items) => items.get(step.parse::<usize>().ok()?),
                other => other.get(step),
            });
        }
        if before != Some(leaf) {
            return "--set".into();
        }
        let line_in = |file: &ValuesFile| file.lines.as_ref()?.of(path);
        let by_file = self
            .files
            .iter()
            .rev()
            .find_map(|file| Some(format!("{}:{}", file.name, line_in(file)?)));
        let by_chart = || Some(format!("{}:{} of the chart", self.chart.name, line_in(&self.chart)?));
        by_file
            .or_else(by_chart)
            .unwrap_or_else(|| "a subchart's own values".into())
    }
}

/// A leaf as YAML, unless it may be secret.
fn shown(leaf: &Value, path: &[String]) -> String {
    let key = path
        .iter()
        .rev()
        .find(|step| step.parse::<usize>().is_err())
        .map_or("", String::as_str);
    // The name of a Secret is none, nor is what everybody may know of an image.
    let is_name = ["existingsecret", "secretname", "digest"]
        .iter()
        .any(|end| key.to_ascii_lowercase().ends_with(end));
    let reduced = match leaf {
        Value::String(text) if !text.is_empty() && !is_name => Literal::reduce(&path.join("."), text),
        Value::Number(number) => Literal::reduce(key, &number.to_string()),
        Value::String(plain) => return text(plain),
        other => return other.to_string(),
    };
    match (reduced.text(), leaf) {
        (None, _) => format!("\"<{} bytes withheld>\"", reduced.len()),
        (Some(_), Value::Number(number)) => number.to_string(),
        (Some(kept), _) => text(kept),
    }
}

/// Text that Helm reads as that text: as it is where possible, else in quotes.
fn text(plain: &str) -> String {
    let is_plain = plain.lines().count() == 1
        && !plain.contains(['#', '\n', '"', '\'', '\\', '{', '[', ',', '&', '*'])
        && serde_saphyr::from_str::<Value>(plain).is_ok_and(|read| read == plain);
    if is_plain {
        plain.to_owned()
    } else {
        Value::String(plain.to_owned()).to_string()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::values::Lines;

    #[test]
    fn each_leaf_has_its_origin_no_secret_is_shown_and_the_values_are_the_same() {
        let file = |name: &str, text: &str| ValuesFile {
            name: name.into(),
            lines: Lines::read(text),
        };
        let merged = json!({
            "replicas": 5, "image": {"tag": "1.0", "pull": "yes"}, "hosts": [{"host": "a", "paths": ["/"]}, {"host": "b"}],
            "password": "hunter2", "url": "https://x:s3cret@example.com/", "empty": {}, "queue": {"size": 1},
            "note": "two\nlines", "secretName": "tls", "a key": null,
        });
        let origins = Origins {
            files: vec![
                file(
                    "base.yaml",
                    "image:\n  tag: '0.9'\nhosts:\n  - host: a\n    paths: [/]\n  - {host: b}\n",
                ),
                file("prod.yaml", "image:\n  tag: '1.0'\npassword: hunter2\n"),
            ],
            chart: file(
                "values.yaml",
                "replicas: 1\nimage: {pull: 'yes'}\nurl: x\nempty: {}\nnote: x\nsecretName: tls\na key: null\n",
            ),
            without_flags: json!({
                "replicas": 1, "image": {"tag": "1.0", "pull": "yes"}, "hosts": [{"host": "a", "paths": ["/"]}, {"host": "b"}],
                "password": "hunter2", "url": "https://x:s3cret@example.com/", "empty": {}, "queue": {"size": 1},
                "note": "two\nlines", "secretName": "tls", "a key": null,
            }),
        };
        let text = origins.annotate(&merged);
        insta::assert_snapshot!(text);
        let read: Value = serde_saphyr::from_str(&text).unwrap();
        assert_eq!(read["image"], merged["image"]);
        assert_eq!(read["hosts"], merged["hosts"]);
        assert_eq!(read["note"], merged["note"]);
        assert!(!text.contains("hunter2") && !text.contains("s3cret"));
    }
}
