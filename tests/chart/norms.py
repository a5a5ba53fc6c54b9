#!/usr/bin/env python3
"""Holds every object of a rendered chart to what a good chart does. usage: helm template … | norms.py [budget] [spread] [REGISTRY/]

What is looked at follows from what is there: whoever runs more than once is spread, drained gently and guarded by a budget; whoever mounts settings rolls
with them; whoever is scaled by an autoscaler names no replicas. What is named as an argument was switched off on purpose; of
REGISTRY every image must come, by a login.
"""
import sys, yaml

HELM_TIMEOUT = 300  # seconds: the default of --timeout, before which a Deployment must have given up
# Its scripts are read on an empty volume, and by backups: a restart of the database would be for nothing
ROLLS_NOT = {"StatefulSet/postgres"}

REGISTRIES = [word for word in sys.argv[1:] if word.endswith("/")]

things = [thing for thing in yaml.safe_load_all(sys.stdin) if thing]
broken = []


def expect(thing, holds, what):
    if not holds:
        broken.append(f"{thing['kind']}/{thing['metadata']['name']}: {what}")


def of(kind):
    return [thing for thing in things if thing["kind"] == kind]


def pod_of(thing):
    """The pod template of a workload, or a Pod itself."""
    spec = thing.get("spec", {})
    if thing["kind"] == "Pod":
        return thing
    return (spec["jobTemplate"]["spec"] if thing["kind"] == "CronJob" else spec).get("template")


def matches(selector, labels):
    return all(labels.get(key) == value for key, value in selector.items())


def container(thing, one):
    context, resources = one["securityContext"], one["resources"]
    name = one["name"]
    expect(thing, context == {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]}}, f"{name} may do more than it needs")
    expect(thing, {"cpu", "memory"} <= resources["requests"].keys() and "memory" in resources["limits"], f"{name} has no requests, or no limit of memory")
    last = one["image"].rsplit("/", 1)[-1]
    expect(thing, ("@sha256:" in last or ":" in last) and not last.endswith(":latest"), f"{name} may get any image as {one['image']}")
    expect(thing, all(one["image"].startswith(registry) for registry in REGISTRIES), f"{name} does not come from the mirror")
    expect(thing, one.get("imagePullPolicy"), f"{name} leaves its pull policy to the tag")


def pod(thing, template):
    labels, spec = template["metadata"]["labels"], template["spec"]
    context = spec["securityContext"]
    expect(thing, context["runAsNonRoot"] and context["runAsUser"] > 0 and context["seccompProfile"] == {"type": "RuntimeDefault"}, "its pods are not restricted")
    expect(thing, spec.get("imagePullSecrets") or not REGISTRIES, "its images are pulled without a login")
    expect(thing, spec["enableServiceLinks"] is False, "its pods get variables of every Service")
    accounts = [account for account in of("ServiceAccount") if account["metadata"]["name"] == spec["serviceAccountName"]]
    expect(thing, accounts and accounts[0]["automountServiceAccountToken"] is False, "its ServiceAccount is not the chart's, or mounts a token")
    for volume in spec.get("volumes", []):
        expect(thing, "emptyDir" not in volume or volume["emptyDir"].get("sizeLimit"), f"volume {volume['name']} may fill the node")
    for one in [*spec.get("initContainers", []), *spec["containers"]]:
        container(thing, one)
    policies = of("NetworkPolicy")
    chosen = [policy for policy in policies if matches(policy["spec"]["podSelector"].get("matchLabels", {"": ""}), labels)]
    expect(thing, not policies or chosen, "no policy says whom its pods may reach")


def serves(thing):
    """A workload that goes on until it is stopped."""
    spec, template = thing["spec"], pod_of(thing)
    labels, selector = template["metadata"]["labels"], spec["selector"]["matchLabels"]
    expect(thing, selector.keys() == {"app", "app.kubernetes.io/instance"} and matches(selector, labels), "its selector is not the immutable one")
    expect(thing, spec["revisionHistoryLimit"] == 10, "its history has no bound")
    for one in template["spec"]["containers"]:
        expect(thing, {"startupProbe", "readinessProbe", "livenessProbe"} <= one.keys(), f"{one['name']} lacks a probe")
    if thing["kind"] == "Deployment":
        expect(thing, spec["progressDeadlineSeconds"] < HELM_TIMEOUT, "it gives up later than Helm")
    mounted = any(key in volume for volume in template["spec"].get("volumes", []) for key in ["configMap", "secret", "projected"])
    mounted |= any(one.get("envFrom") for one in template["spec"]["containers"])
    name = f"{thing['kind']}/{thing['metadata']['name']}"
    summed = any(key.startswith("checksum/") for key in template["metadata"].get("annotations", {}))
    expect(thing, summed or not mounted or name in ROLLS_NOT, "it does not roll when its settings change")
    scaled = any(scaler["spec"]["scaleTargetRef"]["name"] == thing["metadata"]["name"] for scaler in of("HorizontalPodAutoscaler"))
    expect(thing, "replicas" not in spec if scaled else "replicas" in spec, "its replicas are for the autoscaler alone, or for nobody")
    if scaled or spec["replicas"] > 1:
        expect(thing, template["spec"].get("terminationGracePeriodSeconds"), "it has no time of its own to stop")
        serving = template["spec"]["containers"][0]
        expect(thing, "preStop" in serving.get("lifecycle", {}), "its pods get requests while they stop")
        budgets = [budget for budget in of("PodDisruptionBudget") if matches(budget["spec"]["selector"]["matchLabels"], labels)]
        expect(thing, budgets or "budget" in sys.argv, "no budget keeps an eviction from all of it")
        expect(thing, len(template["spec"].get("topologySpreadConstraints", [])) == 2 or "spread" in sys.argv, "its pods may all be on one node, or in one zone")


def check():
    for thing in things:
        template = pod_of(thing)
        if not template:
            continue
        pod(thing, template)
        if thing["kind"] in ["Deployment", "StatefulSet"]:
            serves(thing)
        if thing["kind"] in ["Job", "CronJob"]:
            spec = thing["spec"].get("jobTemplate", thing)["spec"]
            expect(thing, "backoffLimit" in spec and "activeDeadlineSeconds" in spec, "it may go on for ever")
            expect(thing, thing["kind"] == "Job" or thing["spec"]["concurrencyPolicy"] == "Forbid", "it may run beside itself")
    templates = [pod_of(thing) for thing in things if pod_of(thing)]
    for service in of("Service"):
        behind = [one for one in templates if matches(service["spec"]["selector"], one["metadata"]["labels"])]
        ports = {port["name"] for one in behind for each in one["spec"]["containers"] for port in each.get("ports", [])}
        expect(service, behind and all(port["targetPort"] in ports for port in service["spec"]["ports"]), "nothing answers behind it")
    for monitor in of("ServiceMonitor"):
        services = [one for one in of("Service") if matches(monitor["spec"]["selector"]["matchLabels"], one["metadata"]["labels"])]
        expect(monitor, services, "it watches no Service")


check()
print("\n".join(broken), end="\n" if broken else "")
sys.exit(bool(broken) or not things)
