"""Writes runtime_js/schema.js: what the JavaScript runtime reads of runtime_py/model.schema.json.

python scripts/schema.py            # writes it
python scripts/schema.py --check    # exit status 1 where it is of another state
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "runtime_py" / "model.schema.json"
SCRIPT = ROOT / "runtime_js" / "schema.js"
HEAD = "// What model.json must be: scripts/schema.py makes it of runtime_py/model.schema.json.\n"


def script() -> str:
    """The module's text."""
    schema = json.loads(SOURCE.read_text("utf-8"))
    rest = {name: schema.pop(name) for name in ("limits", "rules", "self_test_rules")}
    definitions = {name: short(rule) for name, rule in schema.pop("$defs").items()}
    content = {**short(schema), "definitions": definitions, **rest}
    text = json.dumps(content, separators=(",", ":"))
    return f"{HEAD}export default /** @type {{any}} */ ({text});\n"


def short(rule: Any) -> Any:
    """A schema without what all of its kind have: a reference is the name alone; all members of an object
    but the optional ones are needed, and there are no others.
    """
    if isinstance(rule, list):
        return [short(item) for item in rule]
    if not isinstance(rule, dict):
        return rule
    if "$ref" in rule:
        return rule["$ref"].removeprefix("#/$defs/")
    if "properties" not in rule:
        return {key: short(value) for key, value in rule.items()}
    members = {name: short(value) for name, value in rule["properties"].items()}
    optional = [name for name in members if name not in rule["required"]]
    return {"properties": members} | ({"optional": optional} if optional else {})


if __name__ == "__main__":
    if sys.argv[1:] == ["--check"]:
        sys.exit(SCRIPT.read_text("utf-8") != script())
    SCRIPT.write_text(script(), "utf-8")
