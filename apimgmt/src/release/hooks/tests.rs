use std::time::Instant;

use serde_json::json;

use super::*;
use crate::operation::fake::Server;

fn hooks(value: Value) -> Result<Hooks, Error> {
    Hooks::of(value, "hooks.yaml")
}

#[test]
fn each_hook_says_when_and_how_or_is_refused_with_its_place() {
    let good = hooks(json!({"hooks": [
        {"name": "late", "after": "application", "http": {"url": "https://u:p@chat.test/token?x=y"}, "onFailure": "continue"},
        {"name": "second", "before": "database", "command": ["true"]},
        {"name": "first", "before": "infrastructure", "job": {"image": "i:1"}, "timeout": "90s"},
    ]}))
    .unwrap();
    let before: Vec<_> = good.before().into_iter().map(|hook| hook.name.as_str()).collect();
    assert_eq!(before, ["first", "second"]);
    assert_eq!(good.after(Phase::Application).count(), 1);
    let step = &good.steps(false)[0];
    assert_eq!(
        step.what,
        "hook `late`: POST https://chat.test, when the gate of application has passed"
    );
    for (wrong, why) in [
        (
            json!([{"name": "a", "before": "cache"}]),
            "needs one of `command`, `job`, `http` and `prometheus`",
        ),
        (
            json!([{"name": "a", "command": ["x"]}]),
            "needs one of `before` and `after`",
        ),
        (
            json!([{"name": "a", "before": "cache", "shell": "x"}]),
            "hook 1 of hooks.yaml is wrong",
        ),
        (
            json!([{"name": "a", "before": "kitchen", "command": ["x"]}]),
            "hook 1 of hooks.yaml is wrong",
        ),
        (json!({"hooks": 3}), "is no list"),
    ] {
        let told = hooks(wrong).unwrap_err();
        assert!(told.to_string().contains(why), "{told}");
        assert_eq!(told.code(), ExitCode::Usage);
    }
    assert_eq!(hooks(json!({"replicas": 2})).unwrap(), Hooks::default());
}

async fn ran(hook: Value) -> Result<(), Error> {
    let (server, progress, interrupt) = (Server::default(), Progress::silent(), Interrupt::never());
    let surroundings = Surroundings {
        reader: &Reader::through(server.client(), "shop"),
        release: "market",
        verb: "upgrade",
        progress: &progress,
        interrupt: &interrupt,
    };
    run(&hooks(json!([hook])).unwrap().0[0], &surroundings).await
}

#[tokio::test]
async fn a_command_is_told_where_it_is_and_its_failure_counts_unless_it_must_not() {
    let check = "test \"$APIMGMT_NAMESPACE/$APIMGMT_RELEASE/$APIMGMT_VERB/$OWN\" = shop/market/upgrade/yes";
    let command =
        json!({"name": "c", "before": "cache", "command": ["sh", "-c", check], "environment": {"OWN": "yes"}});
    ran(command).await.unwrap();
    let failing = json!({"name": "c", "before": "cache", "command": ["false"]});
    assert_eq!(ran(failing).await.unwrap_err().code(), ExitCode::Wrong);
    let told = json!({"name": "c", "before": "cache", "command": ["false"], "onFailure": "continue"});
    ran(told).await.unwrap();
    let absent = json!({"name": "c", "before": "cache", "command": ["/does/not/exist"]});
    assert!(ran(absent).await.is_err());
}

#[tokio::test]
async fn a_hook_that_hangs_is_ended_with_everything_that_it_started() {
    let folder = tempfile::tempdir().unwrap();
    let mark = folder.path().join("pid");
    let hanging = json!({"name": "h", "before": "cache", "timeout": "1s",
        "command": ["sh", "-c", format!("sleep 600 & echo $! > {}; wait", mark.display())]});
    let began = Instant::now();
    assert!(ran(hanging).await.is_err());
    assert!(began.elapsed() < Duration::from_secs(30));
    let child = std::fs::read_to_string(mark).unwrap();
    let deadline = Instant::now() + Duration::from_secs(10);
    let lives =
        || std::fs::read_to_string(format!("/proc/{}/stat", child.trim())).is_ok_and(|stat| !stat.contains(") Z "));
    while lives() {
        assert!(Instant::now() < deadline, "process {child} still runs");
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_flood_without_an_end_of_line_ends_with_its_program() {
    let flood = json!({"name": "f", "before": "cache", "command": ["sh", "-c", "head -c 5000000 /dev/zero; yes | head -n 100000"]});
    ran(flood).await.unwrap();
}

#[tokio::test]
async fn a_query_keeps_its_bound_or_fails_and_no_answer_is_no_proof() {
    let gate = |bounds: Value| {
        let hook = json!({"name": "g", "after": "monitoring", "prometheus": bounds});
        hooks(json!([hook])).map(|hooks| hooks.0[0].prometheus.clone().unwrap())
    };
    let most = gate(json!({"query": "errors", "atMost": 0.01, "during": "2m"})).unwrap();
    assert_eq!(prometheus::beyond(&most, 0.01), None);
    assert_eq!(prometheus::beyond(&most, 0.5).unwrap(), "0.5, more than 0.01");
    let least = gate(json!({"query": "up", "atLeast": 1})).unwrap();
    assert_eq!(prometheus::beyond(&least, 0.0).unwrap(), "0, less than 1");
    assert!(
        gate(json!({"query": "up"}))
            .unwrap_err()
            .to_string()
            .contains("`atMost` or `atLeast`")
    );
    let unanswered = json!({"name": "g", "after": "monitoring", "prometheus": {"query": "up", "atLeast": 1}});
    assert_eq!(ran(unanswered).await.unwrap_err().code(), ExitCode::Wrong);
}
