"""Damaged descriptions that both runtimes refuse, in the same words: refused_models.json.

    python -m tests.refused_models      # writes it anew; look at the difference

It holds a model.json with its test vectors as `vectors`, and cases: what is wrong, the edits that make it so
(a member is set, or removed where there is no value), and what is said.
"""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

from onnx2wgsl.runtime_py.description import problems_of, self_test_problems

from tests.runtime_py import tiny_artifact as tiny

FILE = Path(__file__).with_suffix(".json")


def cases() -> dict[str, Any]:
    """The content of the file."""
    content: dict[str, Any] = json.loads(FILE.read_text("utf-8"))
    return content


def edited(model: dict[str, Any], edits: list[dict[str, Any]]) -> dict[str, Any]:
    """A copy with some members set or removed."""
    result = copy.deepcopy(model)
    for edit in edits:
        *path, last = edit["at"]
        owner: Any = result
        for key in path:
            owner = owner[key]
        if "value" in edit:
            owner[last] = edit["value"]
        else:
            del owner[last]
    return result


def described() -> dict[str, Any]:
    """The model.json that the cases edit."""
    return tiny.description() | {"sha256": "0" * 64, "vectors": tiny.self_test()}


def says(content: dict[str, Any]) -> list[str]:
    """What is wrong with a model.json or else with its test vectors."""
    model = {key: value for key, value in content.items() if key != "vectors"}
    return problems_of(model) or self_test_problems(content["vectors"], model)


def text(content: dict[str, Any]) -> str:
    """One case a line."""
    lines = ",\n".join(f"  {json.dumps(case)}" for case in content["cases"])
    return f'{{\n "model": {json.dumps(content["model"])},\n "cases": [\n{lines}\n ]\n}}\n'


def main() -> None:
    """What is said of every case, as it is now."""
    model = described()
    told = [case | {"says": says(edited(model, case["edits"]))} for case in cases()["cases"]]
    FILE.write_text(text({"model": model, "cases": told}), "utf-8")


if __name__ == "__main__":
    main()
