"""onnx2wgsl tune: what is fastest on this device, and what is said of it."""

import re
from pathlib import Path

from tests.command import cells, refusal, succeed
from tests.runtime_py import tiny_artifact as tiny

WRONG = "fn dots(x: u32, w: vec4u) -> vec4i { return vec4i(1); }"


def test_the_fastest_is_named_with_the_time_of_each(compiled: Path) -> None:
    text = succeed("tune", compiled)
    first, second = (row for row in cells(text) if row[0] in ("packed", "emulated"))
    assert {first[0], second[0]} == {"packed", "emulated"}
    assert float(first[1]) <= float(second[1])
    assert first[2] == "1.00"
    advice = rf"(what sessions take here|give sessions dot='{first[0]}')"
    assert re.fullmatch(rf"{first[0]} is the fastest on .+, Vulkan\): {advice}", text.splitlines()[-1])


def test_a_model_is_compiled_first(model: Path) -> None:
    assert "is the fastest on" in succeed("tune", model)


def test_what_is_exact_in_no_variant_is_told(tmp_path: Path) -> None:
    folder = tiny.write(tmp_path / "a", shaders={"dot_packed.wgsl": WRONG, "dot_emulated.wgsl": WRONG})
    assert "no variant of dot is exact on" in refusal("tune", folder)
