"""What the commands cost on the sandbox's release."""
import json

from figures import JUDGED, RELEASE, ROOT, in_turn, median, timed


def measure(figures, runs):
    started = {
        "kubectl apimgmt --help, start to end": ["--help"],
        "kubectl apimgmt items list": ["items", "list"],
        "verify --from a recording": ["verify", "--from", "tests/recordings/healthy.yaml"],
    }
    for what, arguments in started.items():
        (taken,) = in_turn(runs, ["kubectl-apimgmt", *arguments], accepted=JUDGED)
        figures.show(what, median(run.seconds for run in taken) * 1000, "ms", most=20)

    verify = ["kubectl-apimgmt", "verify", "--namespace", RELEASE]
    (taken,) = in_turn(runs, verify, accepted=JUDGED)
    figures.show("verify of the sandbox's release", median(run.seconds for run in taken), "s", most=2)
    figures.show("verify of the sandbox's release, peak memory", max(run.memory for run in taken), "MiB", most=40)

    (taken,) = in_turn(runs, ["kubectl-apimgmt", "troubleshoot", "--namespace", RELEASE], accepted=JUDGED)
    figures.show("troubleshoot of the sandbox's release", median(run.seconds for run in taken), "s", most=2)

    values = ["--values", f"{ROOT}/target/sandbox/values.yaml"]
    ours, plain = in_turn(
        runs, ["helm", "apimgmt", "template", *values], ["helm", "template", RELEASE, "chart", *values]
    )
    ratio = median(one.seconds / other.seconds for one, other in zip(ours, plain))
    figures.show("helm apimgmt template / helm template", ratio, "x", most=1.1)
    report = timed([*verify, "--output", "json"], JUDGED)
    print("one verify by its own account:", json.dumps(json.loads(report.output)["cost"]), flush=True)
