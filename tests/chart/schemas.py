#!/usr/bin/env python3
"""Makes JSON schemas of everything that the chart may render, strict: an unknown field is an error. Prints the folder that has them, one below for
each version of Kubernetes.

The API servers' own schemas and the custom resources' come out of the Go modules that publish them, so `go` must be there the first time; what was made
is kept in ${APIMGMT_CACHE:-~/.cache/apimgmt} under a name that follows from this file.
"""
import functools, hashlib, json, os, pathlib, shutil, subprocess, sys, tempfile, yaml

# The newest patch that the module proxy serves of each minor that the chart supports
KUBERNETES = ["v1.33.13", "v1.34.4", "v1.35.4", "v1.36.3", "v1.37.2"]
CUSTOM = {
    "github.com/prometheus-operator/prometheus-operator@v0.85.0": [
        "example/prometheus-operator-crd/monitoring.coreos.com_prometheusrules.yaml",
        "example/prometheus-operator-crd/monitoring.coreos.com_servicemonitors.yaml",
    ],
    "github.com/cert-manager/cert-manager@v1.21.2": ["deploy/crds/cert-manager.io_certificates.yaml"],
    "sigs.k8s.io/gateway-api@v1.6.3": ["config/crd/standard/gateway.networking.k8s.io_httproutes.yaml"],
}
# What the API server takes in more forms than its own document says
FREE = {
    "io.k8s.apimachinery.pkg.util.intstr.IntOrString": {"type": ["string", "integer"]},
    "io.k8s.apimachinery.pkg.api.resource.Quantity": {"type": ["string", "number"]},
    "io.k8s.apimachinery.pkg.runtime.RawExtension": {"type": "object"},
}
WANTED = ["type", "required", "enum", "items", "pattern", "minimum", "maximum", "minLength", "maxLength", "minItems", "maxItems", "anyOf", "allOf", "oneOf", "not", "$ref"]


def module(cache, name):
    """The folder of a Go module, downloaded into a cache that can be removed again."""
    environment = {**os.environ, "GOMODCACHE": cache, "GOFLAGS": "-modcacherw", "GOWORK": "off"}
    answer = subprocess.run(["go", "mod", "download", "-json", name], cwd=cache, env=environment, capture_output=True, text=True)
    if answer.returncode:
        sys.exit(f"error: can't download {name}: {answer.stdout}{answer.stderr}")
    return pathlib.Path(json.loads(answer.stdout)["Dir"])


def strict(schema):
    """An OpenAPI schema as JSON schema: without texts, and closed where it names its fields."""
    if schema.get("x-kubernetes-int-or-string"):
        return {"type": ["string", "integer"]}
    made = {key: schema[key] for key in WANTED if key in schema}
    for key in ["anyOf", "allOf", "oneOf"]:
        if key in made:
            # Conditions on fields, not the fields themselves: closing them would refuse every other field
            made[key] = [{part: one[part] for part in WANTED if part in one} for one in made[key]]
    if "items" in made:
        made["items"] = strict(made["items"])
    if schema.get("nullable") and "type" in made:
        made["type"] = [made["type"], "null"]
    if "properties" in schema:
        made["properties"] = {name: strict(field) for name, field in schema["properties"].items()}
    if isinstance(schema.get("additionalProperties"), dict):
        made["additionalProperties"] = strict(schema["additionalProperties"])
    elif "properties" in schema and not schema.get("x-kubernetes-preserve-unknown-fields"):
        made["additionalProperties"] = False
    return made


def named(schema, group, version, kind):
    """As it is looked up by kubeconform's template `{{.Group}}_{{.ResourceAPIVersion}}_{{.ResourceKind}}`, where the core group is its version."""
    api = f"{group}/{version}" if group else version
    closed = {**schema, "properties": {**schema["properties"], "apiVersion": {"const": api}, "kind": {"const": kind}}}
    return f"{group or version}_{version}_{kind.lower()}.json", {**closed, "required": sorted({*closed.get("required", []), "apiVersion", "kind", "metadata"})}


def parts(schema):
    """The definitions that a schema refers to."""
    if isinstance(schema, dict):
        yield from [schema["$ref"].rsplit("/", 1)[1]] if isinstance(schema.get("$ref"), str) else []
        for inner in schema.values():
            yield from parts(inner)
    elif isinstance(schema, list):
        for inner in schema:
            yield from parts(inner)


def native(swagger):
    """Name and schema of each kind that an API server has of its own."""
    definitions = {name: FREE.get(name) or strict(one) for name, one in swagger["definitions"].items()}
    direct = functools.cache(lambda name: frozenset(parts(definitions[name])))
    for name, one in swagger["definitions"].items():
        kinds = one.get("x-kubernetes-group-version-kind", [])
        if len(kinds) != 1 or "metadata" not in one.get("properties", {}) or name.endswith("List"):
            continue
        used, new = set(), {name}
        while new:
            used |= new
            new = {part for known in new for part in direct(known)} - used
        file, schema = named(definitions[name], *(kinds[0][key] for key in ["group", "version", "kind"]))
        yield file, {**schema, "definitions": {part: definitions[part] for part in sorted(used - {name})}}


def custom(definition):
    """Name and schema of each version of a custom resource."""
    spec = definition["spec"]
    for version in spec["versions"]:
        schema = strict(version["schema"]["openAPIV3Schema"])
        schema["properties"]["metadata"] = {"type": "object"}
        yield named(schema, spec["group"], version["name"], spec["names"]["kind"])


def make(folder):
    with tempfile.TemporaryDirectory() as cache:
        resources = []
        for name, files in CUSTOM.items():
            root = module(cache, name)
            resources += [made for file in files for made in custom(yaml.safe_load((root / file).read_text()))]
        for version in KUBERNETES:
            swagger = json.loads((module(cache, f"k8s.io/kubernetes@{version}") / "api/openapi-spec/swagger.json").read_text())
            (folder / version).mkdir()
            for file, schema in [*native(swagger), *resources]:
                (folder / version / file).write_text(json.dumps(schema, separators=(",", ":")))


cache = pathlib.Path(os.environ.get("APIMGMT_CACHE") or pathlib.Path.home() / ".cache/apimgmt")
wanted = cache / f"chart-schemas-{hashlib.sha256(pathlib.Path(__file__).read_bytes()).hexdigest()[:12]}"
if not wanted.is_dir():
    cache.mkdir(parents=True, exist_ok=True)
    made = pathlib.Path(tempfile.mkdtemp(prefix="chart-schemas.", dir=cache))
    try:
        make(made)
        made.rename(wanted)
    finally:
        shutil.rmtree(made, ignore_errors=True)
print(wanted)
