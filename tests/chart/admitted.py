#!/usr/bin/env python3
"""Asks a live API server whether it would take every object of a rendered chart, and every pod of its templates under Pod Security `restricted`.

usage: helm template … | admitted.py NAMESPACE
The namespace must exist and enforce `restricted`. Nothing is made: all is dry run with strict field validation. Kinds that the server doesn't know are listed.
"""
import json, subprocess, sys, yaml

namespace = sys.argv[1]


def kubectl(*arguments, given=None):
    return subprocess.run(["kubectl", "--namespace", namespace, *arguments], input=given, capture_output=True, text=True)


def pod_of(thing):
    """The pod that a workload would make, since quota and Pod Security judge pods."""
    spec = thing.get("spec", {})
    if thing["kind"] == "CronJob":
        spec = spec["jobTemplate"]["spec"]
    template = spec.get("template", {})
    if "spec" not in template:
        return None
    pod = json.loads(json.dumps({**template, "apiVersion": "v1", "kind": "Pod"}))
    pod["metadata"]["name"] = thing["metadata"]["name"] + "-pod"
    claims = [claim["metadata"]["name"] for claim in spec.get("volumeClaimTemplates", [])]
    pod["spec"].setdefault("volumes", []).extend({"name": name, "emptyDir": {}} for name in claims)
    return pod


resources = kubectl("api-resources", "--no-headers")
if resources.returncode:
    sys.exit(resources.stderr)
kinds = {line.split()[-1] for line in resources.stdout.splitlines()}
asked, unknown = [], []
for thing in filter(None, yaml.safe_load_all(sys.stdin)):
    if thing["kind"] in kinds:
        asked += filter(None, [thing, pod_of(thing)])
        if asked[-1]["kind"] == "Pod":
            # The chart's ServiceAccount is only pretended, too, and a pod of one that isn't there is refused
            asked[-1]["spec"].pop("serviceAccountName")
    else:
        unknown.append(f"{thing['kind']}/{thing['metadata']['name']}")
if unknown:
    print(f"unknown to this server: {', '.join(unknown)}")
if not asked:
    sys.exit("nothing was rendered")
answer = kubectl("create", "--dry-run=server", "--validate=strict", "--filename=-", given=json.dumps({"apiVersion": "v1", "kind": "List", "items": asked}))
taken = answer.stdout.count("created (server dry run)")
print(answer.stderr, end="")
print(f"{taken} passed, {len(asked) - taken} failed")
sys.exit(taken != len(asked) or "Warning" in answer.stderr)
