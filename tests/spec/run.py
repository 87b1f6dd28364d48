"""The OpenAPI document: as the program writes it, as Redocly's recommended-strict rules want it, each problem explained."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import jsonschema_rs

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT = ROOT / "openapi/afterglow.json"
PROBLEMS = ROOT / "openapi/problems.md"


def fresh():
    """The committed document is what this build would write."""
    written = subprocess.run([os.environ["AFTERGLOW_BINARY"], "openapi"], capture_output=True, text=True, check=True).stdout
    return [] if written.strip() == DOCUMENT.read_text().strip() else [
        f"{DOCUMENT.name} is stale: cargo run --release -- openapi > openapi/{DOCUMENT.name}"]


def linted():
    """Redocly, recommended-strict, with no rule turned off and no ignore list."""
    command = ["tests/node_modules/.bin/redocly", "lint", "--config", "openapi/redocly.yaml", str(DOCUMENT)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False,
                          env={**os.environ, "REDOCLY_TELEMETRY": "off", "REDOCLY_SUPPRESS_UPDATE_NOTICE": "true"})
    ignored = list(ROOT.glob("openapi/.redocly.lint-ignore.yaml")) + list(ROOT.glob(".redocly.lint-ignore.yaml"))
    return [*([done.stdout + done.stderr] if done.returncode else []), *(f"{path} must not be" for path in ignored)]


def explained():
    """Every problem type that the document or the code names has its section in problems.md."""
    sources = [DOCUMENT, *(path for path in (ROOT / "api/src").rglob("*.rs") if path.stem != "tests")]
    named = {name for path in sources for name in re.findall(r"/problems/([a-z][a-z0-9-]+)", path.read_text())}
    sections = set(re.findall(r"^#+ .*?([a-z][a-z0-9-]+)`?\s*$", PROBLEMS.read_text(), re.MULTILINE))
    return [f"{PROBLEMS.name} does not explain {name}" for name in sorted(named - sections)]


def described():
    """Every operation has an id, a summary, a description, an example of what it takes, and its errors."""
    faults = []
    for path, item in json.loads(DOCUMENT.read_text())["paths"].items():
        for method, operation in item.items():
            faults += [f"{method} {path} has no {member}" for member in ("operationId", "summary", "description") if not operation.get(member)]
            if not any(status[0] in "45" for status in operation["responses"]):
                faults.append(f"{method} {path} documents no error")
    return faults


def in_json_schema(schema):
    """OpenAPI 3.0 in the words of JSON Schema: what is nullable is of either form; an exclusive bound is a number."""
    if isinstance(schema, list):
        return [in_json_schema(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    said = {name: in_json_schema(value) for name, value in schema.items() if name not in ("nullable", "example")}
    for bound, exclusive in (("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")):
        if said.get(exclusive) is True:
            said[exclusive] = said.pop(bound)
        elif said.get(exclusive) is False:
            del said[exclusive]
    return {"anyOf": [{"type": "null"}, said]} if schema.get("nullable") else said


def examples(node, path=""):
    """Every schema of the document that shows an example, and where it stands."""
    if isinstance(node, dict):
        if "example" in node and ("type" in node or "allOf" in node or "properties" in node):
            yield path, node
        for name, value in node.items():
            if name != "example":
                yield from examples(value, f"{path}/{name}")
    elif isinstance(node, list):
        for index, value in enumerate(node):
            yield from examples(value, f"{path}/{index}")


def exemplified():
    """Every example of the document is right by its own schema."""
    document = json.loads(DOCUMENT.read_text())
    components, faults, seen = in_json_schema({"schemas": document["components"]["schemas"]}), [], 0
    for path, schema in examples(document):
        seen += 1
        whole = {**in_json_schema(schema), "components": components}
        validator = jsonschema_rs.Draft7Validator(whole, validate_formats=True)
        faults += [f"{path}: {error.message} at {list(error.instance_path)}" for error in validator.iter_errors(schema["example"])]
    return faults if seen > 40 else [*faults, f"only {seen} examples were found"]


def main():
    failed = 0
    checks = (fresh, linted, explained, described, exemplified)
    for check in checks:
        faults = check()
        failed += bool(faults)
        print(f"{'FAILED' if faults else 'ok    '} {check.__doc__}", *faults, sep="\n    ")
    print(f"{len(checks) - failed} passed, {failed} failed")
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())
