"""The Python that README.md shows runs as it stands there."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.builders.unet import unet_file

README = (Path(__file__).parent.parent / "README.md").read_text("utf-8")
SNIPPETS = re.findall(r"```python\n(.*?)```", README, re.DOTALL)


def test_a_model_is_compiled_and_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """All snippets one after the other, as a reader would run them, on a model of 32 x 32 pixels."""
    assert unet_file(tmp_path).name == "model.onnx"
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {"x": np.zeros((1, 3, 32, 32), np.float32)}
    for number, snippet in enumerate(SNIPPETS):
        exec(compile(snippet, f"README.md, snippet {number}", "exec"), names)
    assert (tmp_path / "build" / "model" / "model.json").is_file()
    assert names["output"].shape == (1, 3, 32, 32)
    output = capsys.readouterr().out
    assert re.match(r"\d+ dispatches, \d+ bytes in build/model\n", output)
    assert "self-test passed" in output


def test_both_ends_are_shown() -> None:
    assert [re.search(r"import (\w+)", snippet)[1] for snippet in SNIPPETS] == [
        "compile_file",
        "InferenceSession",
    ]
