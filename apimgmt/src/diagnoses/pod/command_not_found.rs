//! The command of a container is not in its image, or may not be run.

use crate::{
    diagnoses::{
        Diagnosis, Directness, Finding, Topic,
        scene::{Group, Scene, Sighting, clean, per_workload},
    },
    snapshot::{Source, Unreadable},
};

pub(in crate::diagnoses) const DIAGNOSIS: Diagnosis = Diagnosis {
    id: "command-not-found",
    topic: Topic::Pod,
    symptom: "Containers never start, with StartError or exit code 127",
    cause: "The command is not in the image, or may not be run",
    reads: &[Source::Pods, Source::ReplicaSets, Source::Jobs, Source::Logs],
    look,
};

/// What the container runtime says when it cannot start the command.
const REFUSALS: &[&str] = &[
    "executable file not found",
    "no such file or directory",
    "permission denied",
    "is a directory",
    "not a directory",
];

/// How a command failed to run.
struct Failure<'a> {
    /// The command, when it was named.
    command: String,
    /// Why.
    why: &'static str,
    /// The line of the log that said so, when no state did.
    line: Option<(bool, &'a str)>,
}

fn look(scene: &Scene<'_>) -> Result<Vec<Finding>, Unreadable> {
    let seen = scene.containers()?.filter(Sighting::is_down).filter_map(|sighting| {
        let failure = failure(scene, sighting)?;
        Some((format!("{}\n{}", sighting.status.name, failure.command), sighting))
    });
    let groups = per_workload(scene, seen.collect::<Vec<_>>());
    Ok(groups.into_iter().filter_map(|group| finding(scene, &group)).collect())
}

fn finding<'a>(scene: &Scene<'a>, group: &Group<'a>) -> Option<Finding> {
    let Sighting { pod, status } = group.first();
    let Failure { command, why, line } = failure(scene, group.first())?;
    let image = pod.container(&status.name).map_or("", |container| &container.image);
    let said = line.is_none();
    Some(
        Finding::new(
            DIAGNOSIS.id,
            &group.workload,
            format!(
                "container {} of {} cannot run `{command}`: {why} in `{}`",
                status.name,
                group.workload,
                clean(image)
            ),
        )
        .shown(if said { Directness::Said } else { Directness::Inferred })
        .explaining(group.pods())
        .because(group.states(scene))
        .because(line.map(|(previous, line)| scene.log_line(pod, &status.name, previous, line)))
        .not("the application fails", "its program never ran")
        .mend(format!("kubectl edit {} -n {}", group.workload, scene.namespace()))
        .mend(format!(
            "Correct `command` and `args` of container {}, or leave them out to run what the image was made to run",
            status.name
        ))
        .mend(scene.undo(&group.workload)),
    )
}

fn failure<'a>(scene: &Scene<'a>, sighting: Sighting<'a>) -> Option<Failure<'a>> {
    let waiting = sighting.waiting().filter(|it| {
        matches!(
            it.reason.as_str(),
            "RunContainerError" | "CreateContainerError" | "StartError"
        )
    });
    let ended = sighting.ended().map(|(_, ended)| ended);
    let started = ended.filter(|it| matches!(it.reason.as_str(), "StartError" | "ContainerCannotRun"));
    let messages = started
        .map(|it| &it.message)
        .into_iter()
        .chain(waiting.map(|it| &it.message));
    for message in messages {
        if let Some(refusal) = REFUSALS
            .iter()
            .find(|refusal| message.contains(**refusal) && message.contains("exec"))
        {
            return Some(Failure {
                command: command_in(message, sighting),
                why: reason(refusal),
                line: None,
            });
        }
    }
    // A shell that does not find its command says so in the log, and ends with 127 or 126.
    let ended = ended.filter(|it| matches!(it.exit_code, 126 | 127))?;
    let previous = sighting.status.state.terminated.is_none();
    let lines = scene.log(sighting.pod, &sighting.status.name, previous);
    let line = lines
        .iter()
        .rev()
        .take(5)
        .find(|line| line.contains("not found") || line.contains("ermission denied"))?;
    let why = if ended.exit_code == 126 {
        "it may not be run"
    } else {
        "there is no such program"
    };
    let words: Vec<&str> = line.split(": ").collect();
    let command = words.len().checked_sub(2).map_or(line.as_str(), |index| words[index]);
    Some(Failure {
        command: clean(command),
        why,
        line: Some((previous, line)),
    })
}

fn reason(refusal: &str) -> &'static str {
    match refusal {
        "permission denied" => "it may not be run",
        "is a directory" | "not a directory" => "that is no program",
        _ => "there is no such program",
    }
}

/// The command that the runtime names: `exec: "serve": executable file not found in $PATH`.
fn command_in(message: &str, sighting: Sighting<'_>) -> String {
    let named = ["exec: \"", "exec \""].iter().find_map(|mark| {
        let rest = &message[message.find(mark)? + mark.len()..];
        rest.split('"').next()
    });
    let asked = || {
        sighting
            .pod
            .container(&sighting.status.name)?
            .command
            .first()?
            .text()
            .map(str::to_owned)
    };
    named.map(clean).or_else(asked).unwrap_or_else(|| "its command".into())
}
