"""Upgrades that fail, ours beside Helm's own way back, and what a healthy one costs.

Each contender has a release of its own in a namespace of its own, and all of them meet the same fault at the same moment.
`named` is when the first line with the cause is printed, `back` when the command has ended and the former revision runs
again. Helm gives up at its own timeout of five minutes; with the shorter progress deadline some of its versions do earlier.
"""
import json, os, re, subprocess, sys, threading, time
from dataclasses import dataclass, field

from figures import ENVIRONMENT, RELEASE, ROOT, median, text_of

NAMESPACE = "bench-upgrade-"
# What Helm waits for at most, and a minute for the way back.
LONGEST = 420


@dataclass
class Contender:
    name: str
    command: list
    place: str = field(init=False)

    def __post_init__(self):
        self.place = NAMESPACE + re.sub(r"[^a-z0-9]+", "-", self.name)

    def upgrade(self, settings, words=()):
        values = values_of(self.place)
        return [*self.command, *words, "--namespace", self.place, "--values", values, *settings]


OURS = Contender("apimgmt", ["helm-4.3", "apimgmt", "upgrade", "--yes"])
HELM_3 = Contender("helm 3.22 --atomic", ["helm-3.22", "upgrade", RELEASE, "chart", "--atomic"])
HELM_4 = Contender("helm 4.3 --rollback-on-failure", ["helm-4.3", "upgrade", RELEASE, "chart", "--rollback-on-failure"])
ALL = [OURS, HELM_3, HELM_4]


@dataclass
class Fault:
    name: str
    settings: list
    # What names the cause, in whoever's words.
    cause: str


FAULTS = [
    Fault("bad image", ["--set", "application.image.digest=", "--set", "application.image.tag=9.9.9"], r"not found|9\.9\.9.*(absent|not)"),
    Fault("crash loop", ["--set", "application.config.ILL_EXIT_AFTER=1s"], r"ill on purpose|exits? (with|code)|ended with|crash"),
    Fault("failing migration", ["--set", "migrations.command={sample-app,no-such-command}"], r"no-such-command|exit code 2|ended with"),
    Fault("unschedulable", ["--set", "application.nodeSelector.nowhere=here"], r"node.?selector|affinity/selector|no node"),
]


def measure(figures, names, deadlines, runs, slow):
    for contender in ALL:
        install(contender)
    for deadline in deadlines:
        words = ["--set", f"application.progressDeadlineSeconds={deadline}"] if deadline else []
        about = f"progress deadline {deadline} s" if deadline else "at their defaults"
        for fault in FAULTS:
            if not names or fault.name in names:
                race(figures, fault, words, about, limited=not deadline)
    healthy(figures, runs)
    slow_starts(figures, slow)
    for contender in ALL:
        subprocess.run(["kubectl", "delete", "namespace", contender.place, "--wait=false"], env=ENVIRONMENT, check=True)


def values_of(place):
    """The sandbox's values with a public host of this namespace, so that the releases don't share one."""
    file = f"{ROOT}/target/bench/{place}.yaml"
    os.makedirs(os.path.dirname(file), exist_ok=True)
    with open(f"{ROOT}/target/sandbox/values.yaml") as common, open(file, "w") as own:
        own.write(common.read().replace("api-management.sandbox.test", f"{place}.sandbox.test"))
    return file


def install(contender):
    install = ["helm-4.3", "apimgmt", "install", "--yes", "--namespace", contender.place]
    text_of([*install, "--values", values_of(contender.place)])


def race(figures, fault, words, about, limited):
    """All contenders at once; a way back that ends elsewhere than on a deployed revision ends the benchmark."""
    ended = {}
    threads = [
        threading.Thread(target=lambda one=one: ended.update({one.name: failing(one, fault, words)})) for one in ALL
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print(f"{fault.name}, {about}:", flush=True)
    for name, (named, back) in ended.items():
        said = f"named after {named:.1f} s" if named is not None else "cause not named"
        print(f"  {name:<32} {said:<24} back after {back:.1f} s", flush=True)
    ours = ended[OURS.name][1]
    if limited and fault.name in ("bad image", "crash loop"):
        figures.show(f"  {fault.name}: back on the former revision", ours, "s", most=20)
    rival = min(back for name, (_, back) in ended.items() if name != OURS.name)
    figures.show(f"  {fault.name}, {about}: ours / Helm", ours / rival, "x", most=1)


def failing(contender, fault, words):
    before = revision(contender)
    began, named = time.perf_counter(), None
    process = subprocess.Popen(
        contender.upgrade([*fault.settings, *words]),
        env=ENVIRONMENT, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )
    alarm = threading.Timer(LONGEST, process.kill)
    alarm.start()
    for line in process.stdout:
        if named is None and re.search(fault.cause, line, re.IGNORECASE):
            named = time.perf_counter() - began
    code = process.wait()
    alarm.cancel()
    back = time.perf_counter() - began
    after = revision(contender)
    if code == 0 or after["status"] != "deployed" or after["revision"] <= before["revision"]:
        sys.exit(f"error: {contender.name} ended with {code} and revision {after} after {before}")
    return named, back


def revision(contender):
    history = ["helm-4.3", "history", RELEASE, "--namespace", contender.place, "--max", "1", "--output", "json"]
    return json.loads(text_of(history))[-1]


def healthy(figures, runs):
    """A change of one setting, rolled out whole, in turn."""
    plain = Contender(HELM_4.name, ["helm-4.3", "upgrade", RELEASE, "chart", "--wait"])
    seconds = {OURS.name: [], plain.name: []}
    for number in range(runs + 1):
        for contender in (OURS, plain):
            level = ["debug", "info"][number % 2]
            began = time.perf_counter()
            text_of(contender.upgrade(["--set", f"application.config.LOG_LEVEL={level}"]))
            if number > 0:
                seconds[contender.name].append(time.perf_counter() - began)
    ratio = median(one / other for one, other in zip(*seconds.values()))
    figures.show("a healthy upgrade / helm upgrade --wait", ratio, "x", most=1.1)


def slow_starts(figures, count):
    """Starts that take long and are well must not be called hopeless."""
    alarms = 0
    for number in range(count):
        seconds = 5 + 4 * number
        upgrade = OURS.upgrade(["--set", f"application.config.ILL_SLOW_START={seconds}s"])
        alarms += subprocess.run(upgrade, env=ENVIRONMENT, cwd=ROOT, capture_output=True).returncode != 0
    if count:
        figures.show(f"false alarms in {count} slow and healthy starts", alarms, "", most=0)
