"""onnx2wgsl doctor: what is here, what is missing and how to get it."""

import re

from tests.command import NO_ADAPTER, cells, script, succeed


def test_here_everything_is_ready() -> None:
    text = succeed("doctor")
    assert re.match(
        r"Python 3\.\d+\.\d+, onnx2wgsl \d\S+, onnxruntime 1\.31\.\d+, onnx \d\S+, "
        r"wgpu 0\.32\.\d+\n",
        text,
    )
    assert text.endswith("Ready: compiled models run here.\n")
    row = next(row for row in cells(text) if "Vulkan" in row)
    assert row[4] in ("yes", "no")
    assert any("MiB" in cell for cell in row)


def test_without_an_adapter_it_fails_and_says_how_to_get_one() -> None:
    result = script("doctor", **NO_ADAPTER)
    assert result.status == 1
    assert "missing: VK_ICD_FILENAMES names /nowhere.json, which is missing\n" in result.out
    assert "  unset VK_ICD_FILENAMES\n" in result.out
    assert "missing: no Vulkan driver was found\n" in result.out
    assert re.search(r"^  (sudo )?apt-get install mesa-vulkan-drivers libvulkan1$", result.out, re.M)
    assert result.out.endswith("No adapter can run a compiled model here.\n")
    assert result.err == ""
