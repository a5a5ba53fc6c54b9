#!/usr/bin/env python3
"""Every alert of the chart has its page in docs/runbooks, with the four parts of one, and every page its alert. Pages name checklist items that exist, and
pages that exist.
"""
import pathlib, re, sys, yaml

root = pathlib.Path(__file__).resolve().parents[2]
PARTS = ["Meaning", "Impact", "Diagnosis", "Mitigation"]

rules = {}
for file in sorted((root / "chart/files/alerts").glob("*.yaml")):
    for group in yaml.safe_load(file.read_text())["groups"]:
        rules |= {rule["alert"]: rule for rule in group["rules"] if "alert" in rule}
pages = {page.stem: page.read_text() for page in (root / "docs/runbooks").glob("*.md")}
items = set(re.findall(r"^### `(.+)`$", (root / "docs/items.md").read_text(), re.MULTILINE))
sections = {item.split("/")[0] for item in items}

faults = [f"alert {name} has no docs/runbooks/{name}.md" for name in rules if name not in pages]
faults += [f"docs/runbooks/{name}.md is of no alert" for name in pages if name not in rules]
for name, text in pages.items():
    rule = rules.get(name, {"labels": {"severity": ""}})
    after = f", after {rule['for']}" if "for" in rule else ""
    if not text.startswith(f"# {name}\n\nSeverity {rule['labels']['severity']}{after}.\n"):
        faults.append(f"docs/runbooks/{name}.md does not begin as its alert does: severity {rule['labels']['severity']}{after}")
    if re.findall(r"^## (.+)$", text, re.MULTILINE) != PARTS:
        faults.append(f"docs/runbooks/{name}.md has other parts than {', '.join(PARTS)}")
    for arguments in re.findall(r"kubectl apimgmt verify ([^`\n#]*)", text):
        named = [word for word in arguments.split() if not word.startswith("-")]
        faults += [f"docs/runbooks/{name}.md names {word}, which is no item" for word in named if word not in items | sections]
    faults += [f"docs/runbooks/{name}.md leads to {page}, which is none" for page in re.findall(r"\]\((\w+)\.md\)", text) if page not in pages]
if faults or not rules:
    sys.exit("error: " + ("\n".join(faults) or "no alerts were found"))
