//! A deployment's way to another template, watched; what can't come about is undone.

use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior, interval};

use super::{
    Context, Outcome,
    template::{give_former, give_template},
};
use crate::{
    Error, ExitCode,
    operation::{Entry, Interrupt, Journal, Lease, Plan},
    release::{
        Stage,
        hopeless::{Hopeless, Patience, Watchfulness},
        scene::Scene,
    },
    report::progress::Progress,
};

/// Longest wait for a rollout where the deployment itself declares none.
const ROLLOUT: Duration = Duration::from_mins(10);

/// Gives the deployment the old template, and waits; what can't come about is undone.
pub(super) async fn run(
    context: &Context,
    name: &str,
    plan: &Plan,
    journal: &mut Journal,
    (lease, interrupt): (&Lease, &Interrupt),
    progress: &Progress,
) -> Result<Option<Outcome>, Error> {
    let mut stage = Stage::open(
        &context.connected.client,
        context.namespace(),
        Scene::of_deployment(name),
        progress,
    )
    .await;
    if let Some(error) = lease.is_lost() {
        return Err(error);
    }
    journal.before("rollback").await?;
    give_template(context, name, plan.to).await?;
    progress.say(&format!(
        "deployment/{name} has the pod template of revision {}",
        plan.to
    ));
    journal.after("rollback", "template given").await?;
    journal.before("rollout").await?;
    let why = match rollout(&mut stage, interrupt).await {
        Rollout::Done => {
            journal.after("rollout", "complete").await?;
            return Ok(None);
        }
        Rollout::Hopeless(hopeless) => format!("{}: {}", hopeless.object, hopeless.text),
        Rollout::TooLong => format!("the rollout was not complete after {} minutes", ROLLOUT.as_secs() / 60),
        Rollout::Interrupted => "interrupted".to_owned(),
    };
    progress.say(&why);
    journal.before("return").await?;
    give_former(context, name, plan.to).await?;
    let back = rollout(&mut stage, &Interrupt::never()).await;
    let Rollout::Done = back else {
        return Err(Error::new(
            ExitCode::Midway,
            format!("deployment/{name} did not come up with its former template either"),
        )
        .because(why)
        .hint("`kubectl apimgmt troubleshoot pod` names the cause; then `rollback --resume` or `--abort`"));
    };
    journal.after("return", "former template runs").await?;
    let code = if interrupt.is_asked() {
        ExitCode::Interrupted
    } else {
        ExitCode::Returned
    };
    let message = format!(
        "revision {} of deployment/{name} did not come up ({why}); the former template runs again",
        plan.to
    );
    Ok(Some(Outcome::new(plan, code, message, progress)))
}

/// Back to the template that ran when the rollback began.
pub(super) async fn abort(context: &Context, name: &str, entry: &Entry, progress: &Progress) -> Result<String, Error> {
    let mut stage = Stage::open(
        &context.connected.client,
        context.namespace(),
        Scene::of_deployment(name),
        progress,
    )
    .await;
    give_former(context, name, entry.plan.to).await?;
    match rollout(&mut stage, &Interrupt::never()).await {
        Rollout::Done => Ok(format!(
            "deployment/{name} runs the template that it had before the rollback"
        )),
        _ => Err(Error::new(
            ExitCode::Midway,
            format!("deployment/{name} does not come up with the template that it had before"),
        )
        .hint("`kubectl apimgmt troubleshoot pod` names the cause")),
    }
}

enum Rollout {
    Done,
    Hopeless(Hopeless),
    TooLong,
    Interrupted,
}

async fn rollout(stage: &mut Stage<'_>, interrupt: &Interrupt) -> Rollout {
    let began = Instant::now();
    let mut watchfulness = Watchfulness::of(true);
    let patience = Patience {
        schedule_grace: Duration::from_mins(1),
        autoscaler: false,
    };
    let mut ticks = interval(Duration::from_millis(200));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    // The controller sees a change within milliseconds; the watch must have brought it before "done" means anything.
    let mut looks = 0;
    loop {
        tokio::select! {
            sight = stage.watches.next() => stage.scene.apply(sight),
            () = interrupt.asked() => return Rollout::Interrupted,
            _ = ticks.tick() => {
                for line in stage.scene.news() {
                    stage.progress.say(&line);
                }
                stage.progress.spin(&stage.scene.waiting_for());
                looks += 1;
                let workloads = stage.scene.workloads();
                if looks > 5 && !workloads.is_empty() && workloads.iter().all(|workload| workload.ready) {
                    stage.progress.still();
                    return Rollout::Done;
                }
                if let Some(hopeless) = watchfulness.look(&stage.scene, patience, began.elapsed()) {
                    return Rollout::Hopeless(hopeless);
                }
                if began.elapsed() > ROLLOUT {
                    return Rollout::TooLong;
                }
            }
        }
    }
}
