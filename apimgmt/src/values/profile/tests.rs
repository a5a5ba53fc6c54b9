use serde_json::json;

use super::*;

fn environment(name: &str) -> Option<String> {
    (name == "REGION").then(|| "north".into())
}

fn folder_with(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

fn profile(template: &str, variables: &Value) -> Result<Profile, Error> {
    let folder = folder_with(&[("values.hbs", template), ("motd.txt", "two\nlines\n")]);
    let name = folder.path().join("values.hbs").display().to_string();
    let variables = Variables {
        files: vec!["env.yaml".into()],
        values: variables.clone(),
    };
    Profile::read(&name, &variables, environment)
}

fn values(template: &str, variables: &Value) -> Value {
    let profile = profile(template, variables).unwrap();
    // As Helm reads it.
    serde_saphyr::from_str(&fs::read_to_string(profile.path()).unwrap()).unwrap()
}

/// The error without the folder: `values.hbs:2:5: …; hint`.
fn told(template: &str, variables: &Value) -> String {
    let error = profile(template, variables).err().unwrap();
    assert_eq!(error.code(), crate::ExitCode::Usage);
    let text = format!("{error}; {}", error.next_step().unwrap_or_default());
    text[text.find("values.hbs").unwrap()..].to_owned()
}

#[test]
fn every_helper_does_what_it_says() {
    let template = "\
a: {{replicas}}
b: {{quote password}}
c: {{toYaml hosts}}
d: {{b64 password}}
e: {{env \"REGION\"}}
f: {{env \"ZONE\" \"none\"}}
g: {{quote (file \"motd.txt\")}}
h: {{default absent 5}}
i: {{required replicas \"how many\"}}
j: {{toYaml (default absent hosts)}}
k: {{name}}
{{#if on}}
l: yes
{{/if}}
{{#unless on}}
l: no
{{else}}
{{#each hosts}}
m{{@index}}: {{this}}
{{/each}}
{{/unless}}
";
    let variables = json!({"replicas": 3, "password": "p\"<&>: #1", "hosts": ["a", "b"], "on": true, "name": "A & B"});
    assert_eq!(
        values(template, &variables),
        json!({"a": 3, "b": "p\"<&>: #1", "c": ["a", "b"], "d": "cCI8Jj46ICMx", "e": "north", "f": "none", "g": "two\nlines\n",
            "h": 5, "i": 3, "j": ["a", "b"], "k": "A & B", "l": true, "m0": "a", "m1": "b"})
    );
}

#[test]
fn what_is_not_defined_is_told_with_its_place_and_the_nearest_name() {
    let variables = json!({"application": {"replicas": 3}, "host": "x"});
    assert_eq!(
        told("a: 1\nb:\n  c: {{application.replicsa}}\n", &variables),
        "values.hbs:3:6: variable `application.replicsa` is not defined; did you mean `application.replicas`?"
    );
    assert_eq!(
        told("a: {{quote colour}}\n", &variables),
        "values.hbs:1:4: variable `colour` is not defined; `--env` defines `application`, `application.replicas`, `host`"
    );
    assert_eq!(
        told("a: 1\n{{#if hots}}\nb: 2\n{{/if}}\n", &variables),
        "values.hbs:2:1: variable `hots` is not defined; did you mean `host`?"
    );
    assert_eq!(
        told("a: {{x}}\n", &json!({})),
        "values.hbs:1:4: variable `x` is not defined; name its variables: `--env FILE`"
    );
}

#[test]
fn what_can_t_be_rendered_is_told_with_its_place() {
    let variables = json!({"host": "", "map": {"a": 1}});
    assert_eq!(
        told("a: {{required host \"the public name\"}}\n", &variables),
        "values.hbs:1:4: `host` is required: the public name; "
    );
    assert_eq!(
        told("a: {{env \"ZONE\"}}\n", &variables),
        "values.hbs:1:4: environment variable `ZONE` is not set; "
    );
    assert!(told("a: {{file \"absent.txt\"}}\n", &variables).starts_with("values.hbs:1:4: could not read `"));
    assert_eq!(
        told("a: {{qoute host}}\n", &variables),
        "values.hbs:1:4: there is no helper `qoute`; did you mean `quote`?"
    );
    assert_eq!(
        told("a: {{map}}\n", &variables),
        "values.hbs:1: a map can't be written as it is; `{{toYaml NAME}}` writes maps and lists"
    );
    let open = told("a: 1\n{{#if map}}\nb: 2\n", &variables);
    assert!(
        open.starts_with("values.hbs:") && open.contains("invalid handlebars syntax"),
        "{open}"
    );
}

#[test]
fn text_that_is_no_yaml_names_the_line_of_the_profile_and_shows_nothing() {
    let template = "{{#each list}}\na{{@index}}: 1\n{{/each}}\nsecret: {{secret}}\n";
    let told = told(template, &json!({"list": [1, 2, 3], "secret": "\"hunter2: ["}));
    assert!(
        told.starts_with("values.hbs:4: the rendered profile is not YAML"),
        "{told}"
    );
    assert!(!told.contains("hunter2"), "{told}");
}

#[test]
fn a_value_knows_its_line_in_the_profile() {
    let template = "# a comment\n{{#each list}}\n{{this}}:\n  of: {{quote this}}\n{{/each}}\n{{#if on}}\n\nlast:\n  x: 1\n{{/if}}\n";
    let lines = profile(template, &json!({"list": ["a", "b"], "on": true}))
        .unwrap()
        .lines()
        .unwrap();
    let of = |path: &str| lines.of(&path.split('.').map(str::to_owned).collect::<Vec<_>>());
    assert_eq!(of("a.of"), Some(4));
    assert_eq!(of("b"), Some(3));
    assert_eq!(of("last.x"), Some(9));
}

#[test]
fn later_variables_win_and_maps_are_merged() {
    let folder = folder_with(&[
        ("a.yaml", "x: {a: 1, b: 2}\ny: 1\n"),
        ("b.yaml", "x: {b: 3}\n"),
        ("c.yaml", "- 1\n"),
    ]);
    let path = |name: &str| folder.path().join(name).display().to_string();
    let (a, b, c) = (path("a.yaml"), path("b.yaml"), path("c.yaml"));
    assert_eq!(
        Variables::read([a.as_str(), b.as_str()]).unwrap().values,
        json!({"x": {"a": 1, "b": 3}, "y": 1})
    );
    assert!(
        Variables::read([c.as_str()])
            .unwrap_err()
            .to_string()
            .contains("are a map")
    );
}

#[test]
fn nothing_of_it_lies_in_any_folder() {
    let profile = profile("a: {{quote secret}}\n", &json!({"secret": "hunter2"})).unwrap();
    let target = fs::read_link(profile.path()).unwrap();
    assert!(target.to_string_lossy().starts_with("/memfd:"), "{}", target.display());
}
