#!/usr/bin/env python3
"""Writes docs/values.md, the reference of the chart's values, out of values.schema.json and values.yaml; with --check it fails when the page says something
else. Fails, too, when a key has no description, or when values.yaml has one that the schema doesn't know.
"""
import json, pathlib, sys, yaml

root = pathlib.Path(__file__).resolve().parents[2]
schema = json.loads((root / "chart/values.schema.json").read_text())
values = yaml.safe_load((root / "chart/values.yaml").read_text())
page = root / "docs/values.md"
LONGEST = 80  # characters of a default that fit a table
ABSENT = object()
faults = []


def shape(node):
    """A schema with what it refers to."""
    return {**schema["definitions"][node["$ref"].rsplit("/", 1)[1]], **node} if "$ref" in node else node


def kind(node):
    """What a value may be, in few words."""
    if "$ref" in node and "properties" in shape(node):
        name = node["$ref"].rsplit("/", 1)[1]
        return f"[{name}](#shape-{name.lower()})"
    full = shape(node)
    if "enum" in full:
        return " ".join(f"`{json.dumps(one)}`" for one in full["enum"])
    if "anyOf" in full:
        return " or ".join(dict.fromkeys(kind(one) for one in full["anyOf"]))
    types = full.get("type", "any")
    text = types if isinstance(types, str) else " or ".join(types)
    return f"{text} of {kind(full['items'])}" if text == "array" and full.get("items", {}).get("type") != "object" and "items" in full else text


def default(value):
    if value is ABSENT:
        return ""
    text = json.dumps(value, ensure_ascii=False)
    return f"`{text}`" if len(text) <= LONGEST else "[as in values.yaml](../chart/values.yaml)"


def cell(text):
    return text.replace("|", "\\|").replace("\n", " ")


def rows(node, path, given):
    """One line of a table for each key below a node."""
    for name, child in node.get("properties", {}).items():
        key = f"{path}.{name}" if path else name
        if not child.get("description"):
            faults.append(f"`{key}` has no description in values.schema.json")
        value = given.get(name, ABSENT) if isinstance(given, dict) else ABSENT
        inner = "$ref" not in child and "properties" in child
        listed = child.get("items", {}) if "$ref" not in child else {}
        yield f"| `{key}` | {cell(kind(child))} | {'' if inner else cell(default(value))} | {cell(child.get('description', ''))} |"
        if inner:
            yield from rows(child, key, value)
        elif "properties" in listed:
            yield from rows(listed, f"{key}[]", ABSENT)
    if isinstance(given, dict) and "properties" in node:
        faults.extend(f"`{path}.{name}` of values.yaml is not in values.schema.json" for name in given if name not in node["properties"])


def table(title, node, path, given):
    yield from ["", f"## {title}", ""]
    if node.get("description"):
        yield from [f"{node['description']}.", ""]
    yield from ["| key | type | default | what it is |", "|---|---|---|---|"]
    yield from rows(node, path, given)


def document():
    yield from ["<!-- Written by tests/chart/values.py from chart/values.schema.json and chart/values.yaml: change those. -->", "# Values of the chart"]
    plain = {name: child for name, child in schema["properties"].items() if "properties" not in child}
    yield from table("Everywhere", {"properties": plain}, "", {name: value for name, value in values.items() if name in plain})
    for name, child in schema["properties"].items():
        if not child.get("description"):
            faults.append(f"`{name}` has no description in values.schema.json")
        if name not in plain:
            yield from table(name, child, name, values.get(name, {}))
    faults.extend(f"`{name}` of values.yaml is not in values.schema.json" for name in values if name not in schema["properties"])
    for name, child in schema["definitions"].items():
        if "properties" in child:
            yield from table(f"shape {name}", child, "", ABSENT)
        elif "properties" in child.get("items", {}):
            list(rows(child["items"], f"{name}[]", ABSENT))


text = "\n".join(document()) + "\n"
if faults:
    sys.exit("error: " + "\n".join(faults))
if "--check" not in sys.argv:
    page.write_text(text)
elif not page.is_file() or page.read_text() != text:
    sys.exit("error: docs/values.md is out of date\n\nhint: tests/chart/values.py")
