//! Help, word for word.

/// `helm apimgmt --help`.
pub(crate) const OVERVIEW: &str = "\
Installs and upgrades the API management platform through six gated phases.

Usage: helm apimgmt COMMAND [NAME] [CHART] [flags]

Release, chart and namespace are `integration-api-management` and the bundled chart unless named.

Commands:
  install     Install, with a gate after each phase
  upgrade     Upgrade; what fails a gate is undone, and the return is verified
  diff        Show what an upgrade would change, and save it as a plan
  check       Check values, objects and the cluster before anything is changed
  template    Show the rendered chart, or its values with where each comes from
  test        Run the release's tests, and show their logs
  status      Show the release, its phases and its pods
  rescue      Bring a release whose Helm died midway to a good state
  uninstall   Remove the release, and keep what holds data

`helm apimgmt COMMAND --help` lists the flags of a command.
";

/// Help of a command.
pub(crate) fn of(verb: &str) -> &'static str {
    match verb {
        "install" => INSTALL,
        "upgrade" => UPGRADE,
        "diff" => DIFF,
        "check" => CHECK,
        "template" => TEMPLATE,
        "test" => TEST,
        "status" => STATUS,
        "rescue" => RESCUE,
        _ => UNINSTALL,
    }
}

const INSTALL: &str = "\
Installs the platform and judges each phase's items at its gate.

Usage: helm apimgmt install [NAME] [CHART] [flags]

What fails at a gate, or can't come about (an image that doesn't exist, a crash loop, a failed hook), ends the
install within seconds, with its cause. The release is then kept as `failed`.

Flags:
      --dry-run[=client|server]    show the plan and what would change; change nothing
      --env FILE                   variables of the profiles, in YAML; repeatable, the last wins
      --gate-timeout DURATION      longest wait for items that are not good yet (default 90s)
      --hooks FILE                 what you want done before and after: commands, Jobs, HTTP calls; repeatable
  -o, --output table|json|yaml     form of the result (default table)
      --plan-file FILE             apply the plan that `helm apimgmt diff --plan-file FILE` saved
      --profile FILE               values as a Handlebars template, beneath every -f; repeatable
      --reason TEXT                why an item or a rule is set aside
      --rollback-on-failure        remove a failed install again
      --schedule-grace DURATION    longest wait for a node where something adds nodes (default 5m)
      --skip-check ID              set an item or a rule aside, with --reason; repeatable
      --skip-hooks                 run no hooks, neither Helm's nor yours
      --strict                     items that are unknown give exit code 4
      --test                       run the release's own tests as the last gate
  -y, --yes                        ask nothing

Every flag of `helm install` works too, with Helm's own meaning: -f, --set, --version, --timeout, …

Exit codes: 0 deployed, every gate passed; 1 could not; 2 usage; 3 failed and kept as failed; 4 unknown items (--strict);
5 failed and undone; 6 stopped midway; 130 interrupted.
";

const UPGRADE: &str = "\
Upgrades the platform. What held before must hold after; else the former revision is brought back, and that is verified.

Usage: helm apimgmt upgrade [NAME] [CHART] [flags]

Flags:
      --dry-run[=client|server]    show the plan and what would change; change nothing
      --env FILE                   variables of the profiles, in YAML; repeatable, the last wins
      --gate-timeout DURATION      longest wait for items that are not good yet (default 90s)
      --hooks FILE                 what you want done before and after: commands, Jobs, HTTP calls; repeatable
  -i, --install                    install when there is no such release
  -o, --output table|json|yaml     form of the result (default table)
      --plan-file FILE             apply the plan that `helm apimgmt diff --plan-file FILE` saved
      --profile FILE               values as a Handlebars template, beneath every -f; repeatable
      --reason TEXT                why an item or a rule is set aside
      --rollback-on-failure=false  keep a failed revision instead of returning to the former one
      --schedule-grace DURATION    longest wait for a node where something adds nodes (default 5m)
      --skip-check ID              set an item or a rule aside, with --reason; repeatable
      --skip-hooks                 run no hooks, neither Helm's nor yours
      --strict                     items that are unknown give exit code 4
      --test                       run the release's own tests as the last gate
  -y, --yes                        ask nothing

Every flag of `helm upgrade` works too, with Helm's own meaning: -f, --set, --reuse-values, --version, --timeout, …

Exit codes: 0 deployed, every gate passed; 1 could not; 2 usage; 3 failed and kept as failed; 4 unknown items (--strict);
5 failed, the former revision serves again, verified; 6 the way back failed; 130 interrupted, the former revision serves.
";

const DIFF: &str = "\
Shows what an install or upgrade would change: objects field by field, values, images, the database's schema, and what
will be away meanwhile. Secrets are redacted. Nothing is changed.

Usage: helm apimgmt diff [NAME] [CHART] [flags]

Flags:
      --env FILE                   variables of the profiles, in YAML; repeatable, the last wins
      --exit-code                  exit code 3 when something would change
  -o, --output table|json|yaml     form of the result (default table)
      --plan-file FILE             save it; `helm apimgmt upgrade --plan-file FILE` then does just that, or refuses when the
                                   release, the cluster, the chart or the values moved. The file holds your flags: it is
                                   readable by you alone
      --profile FILE               values as a Handlebars template, beneath every -f; repeatable

The flags of `helm upgrade` that choose values and chart work too: -f, --set, --reuse-values, --version, …

Exit codes: 0 shown; 1 could not; 2 usage; 3 something would change (--exit-code).
";

const CHECK: &str = "\
Checks values, rendered objects and the cluster before anything is changed.

Usage: helm apimgmt check [NAME] [CHART] [flags]

The values are held against the chart's schema, the rendered objects against rules between fields (pools against
connections, requests against quota, hosts against certificate, …), each object is tried on the server without keeping
it, and the pre-deployment items are judged. It works for any chart: a folder, an archive or a reference.

Flags:
      --env FILE                   variables of the profiles, in YAML; repeatable, the last wins
      --offline                    only what needs no cluster
  -o, --output table|json|yaml     form of the result (default table)
      --profile FILE               values as a Handlebars template, beneath every -f; repeatable
      --reason TEXT                why an item or a rule is set aside
      --skip-check ID              set an item or a rule aside, with --reason; repeatable

The flags of `helm template` that choose values, chart and cluster work too: -f, --set, --version, --kube-version, …

Exit codes: 0 good; 2 values are wrong; 3 something would fail; 4 something can't be told.
";

const TEMPLATE: &str = "\
Shows the rendered chart: `helm template` itself, with our release and chart where none are named.

Usage: helm apimgmt template [NAME] [CHART] [flags]

Flags:
      --env FILE                   variables of the profiles, in YAML; repeatable, the last wins
      --profile FILE               values as a Handlebars template, beneath every -f; repeatable
      --show-origin                the merged values instead, each with the file and line that it comes from

Every flag of `helm template` works.
";

const TEST: &str = "\
Runs the release's tests one after another, as `helm test --logs`.

Usage: helm apimgmt test [NAME] [flags]

Flags:
      --filter name=TEST           run this test alone; `!name=TEST` leaves it out
      --timeout DURATION           longest wait for each of them

Exit codes: 0 all passed; 1 could not; 3 a test failed.
";

const RESCUE: &str = "\
Brings a release that is stuck in pending-install, -upgrade or -rollback, or whose operator died before the gates were
judged, to a state from which plain Helm goes on. First it is proven that nobody works on it: by our lease, by the process
that the journal names, or by a silence that is longer than any wait of Helm.

Usage: helm apimgmt rescue [NAME] [flags]

Flags:
      --dry-run                    show what would be done; change nothing
      --gate-timeout DURATION      longest wait for items that are not good yet (default 90s)
  -o, --output table|json|yaml     form of the result (default table)
      --quiet DURATION             silence after which a Helm is taken for dead (default 5m30s): longer than its --timeout
  -y, --yes                        ask nothing

Exit codes: 0 rescued, or nothing to rescue; 1 somebody is at work; 3 failed and kept as failed; 4 nobody can say yet whether
somebody is at work; 5 the revision failed its gates, the former one serves again; 6 the way back failed.
";

const STATUS: &str = "\
Shows the release, how far each phase is, and its pods.

Usage: helm apimgmt status [NAME] [flags]

Flags:
  -o, --output table|json|yaml     form of the result (default table)
";

const UNINSTALL: &str = "\
Removes the release. Volumes, backups and generated Secrets are listed and kept.

Usage: helm apimgmt uninstall [NAME] [flags]

Flags:
      --confirm NAME               with --yes: the release's name, instead of typing it
      --delete-data                remove what holds data too: then nothing is left
      --dry-run                    list what would be removed and kept; change nothing
  -y, --yes                        ask nothing
";
