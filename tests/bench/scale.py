"""What `verify` costs beside thousands of fake pods, against a bare read of the same lists and against popeye.

The fake pods are all in the namespace `scale`, with a Service for every ten of them. `verify` is measured twice: of the
release, beside them; and of `scale` itself, where every one of them is its own concern. popeye is run on `scale`, too.
The bare read is that of the design: the same kinds, full JSON, consistent, bodies thrown away, the best of paged and unpaged.
"""
import json

import popeye
from figures import JUDGED, RELEASE, median, text_of, timed

CROWD = "scale"
# From here on the limits hold.
MANY = 10_000


def measure(figures, runs, sizes, keep):
    for size in sizes:
        text_of(["sandbox", "scale", str(size)])
        beside = verified(figures, runs, size, RELEASE)
        among = verified(figures, runs, size, CROWD)
        if size >= MANY:
            compared(figures, size, among)
    if not keep:
        text_of(["sandbox", "scale", "0"])


def verified(figures, runs, size, namespace):
    """Judges the namespace and reads the same lists bare, in turn; gives the runs of `verify`."""
    paths = lists(namespace)
    verify = ["kubectl-apimgmt", "verify", "--namespace", namespace, "--output", "json"]
    paged, whole = ["sandbox", "bare", "--paged", *paths], ["sandbox", "bare", *paths]
    ours, bare = [], []
    for number in range(runs + 1):
        run = timed(verify, JUDGED)
        reads = [timed(command).seconds for command in (paged, whole)]
        if number > 0:  # the first round warms up
            ours.append(run)
            bare.append(min(reads))
    cost = json.loads(ours[-1].output)["cost"]
    print(
        f"{size} pods, verify --namespace {namespace}: {cost['apiRequests']} requests, {cost['bytes'] / 2**20:.1f} MiB read, "
        f"{median(run.seconds for run in ours):.2f} s; bare {median(bare):.2f} s in {len(paths)} lists",
        flush=True,
    )
    limited = size >= MANY
    ratio = median(run.seconds / read for run, read in zip(ours, bare))
    figures.show(f"  verify / bare read, {size} pods", ratio, "x", most=1.3 if limited else None)
    figures.show(f"  peak memory, {size} pods", max(run.memory for run in ours), "MiB", most=40)
    return ours


def compared(figures, size, ours):
    """popeye looks at the same namespace once: it takes minutes."""
    other = popeye.run(CROWD)
    print(f"popeye {popeye.VERSION} --namespace {CROWD}: {other.seconds:.1f} s, {other.memory:.0f} MiB{other.ended}", flush=True)
    figures.show(f"  popeye / verify, time, {size} pods", other.seconds / median(run.seconds for run in ours), "x", least=40)
    figures.show(f"  popeye / verify, memory, {size} pods", other.memory / max(run.memory for run in ours), "x", least=200)


def lists(namespace):
    """The paths of every list that `verify` reads, from the role that it prints for itself."""
    manifest = text_of(["kubectl-apimgmt", "items", "rbac", "--namespace", namespace])
    made = text_of(["kubectl", "create", "--dry-run=client", "--output", "json", "--filename", "-"], input=manifest)
    paths, versions = set(), preferred()
    for role in objects(made):
        place = f"/namespaces/{namespace}" if role["kind"] == "Role" else ""
        for rule in role.get("rules", []):
            if "list" not in rule["verbs"]:
                continue
            for group in rule.get("apiGroups", []):
                base = "/api/v1" if group == "" else f"/apis/{versions[group]}" if group in versions else None
                # A kind that the cluster does not serve costs one refusal.
                paths.update(f"{base}{place}/{resource}" for resource in rule["resources"] if base)
    # One list of all pods has those of the namespace.
    return sorted(path for path in paths if path != f"/api/v1/namespaces/{namespace}/pods")


def objects(text):
    """kubectl prints one JSON object after the other."""
    decoder, at = json.JSONDecoder(), 0
    while at < len(text.rstrip()):
        at += len(text[at:]) - len(text[at:].lstrip())
        value, at = decoder.raw_decode(text, at)
        yield from value.get("items", [value])


def preferred():
    """The version of each API group that the server prefers."""
    groups = json.loads(text_of(["kubectl", "get", "--raw", "/apis"]))["groups"]
    return {group["name"]: group["preferredVersion"]["groupVersion"] for group in groups}
