"""Kernels are compared one by one, each fed with what the device itself wrote before."""

from __future__ import annotations

from onnx2wgsl.compiler.ir.program import Kernel, Program
from onnx2wgsl.compiler.verify.compare import TOLERANCE
from onnx2wgsl.compiler.verify.regions import float_regions
from onnx2wgsl.compiler.verify.replay import Replay, decomposition_errors, first_wrong_kernel, replay

from tests.compiler.verify.simulated import (
    SimulatedDevice,
    float_model,
    integer_model,
    sample,
    verification_of,
)

BIT = 1 << 12  # of an f32: a change of about 1e-3


def replayed(program: Program, faults: dict[str, int]) -> Replay:
    trace = SimulatedDevice(program, faults).trace(sample())
    return replay(program, float_regions(program), sample(), trace)


def end_of_a_region(program: Program) -> Kernel:
    (region,) = float_regions(program)
    (end,) = region.ends
    return end


def test_a_device_that_is_right_is_right_in_every_word() -> None:
    program = verification_of(float_model()).compiled.program
    found = replayed(program, {})
    assert (found.wrong, found.errors, found.ok) == ({}, {1: 0.0}, True)
    assert found.words > 0


def test_only_the_kernel_that_is_wrong_is_blamed() -> None:
    program = verification_of(float_model()).compiled.program
    for kernel in program.kernels:
        if kernel not in float_regions(program)[0].kernels:
            found = replayed(program, {kernel.name: 1})
            assert (found.wrong, found.errors) == ({kernel.name: 1}, {1: 0.0})
            assert not found.ok


def test_a_wrong_float_at_the_end_of_a_region_is_its_error() -> None:
    program = verification_of(float_model()).compiled.program
    found = replayed(program, {end_of_a_region(program).name: BIT})
    assert not found.wrong
    assert TOLERANCE < found.error == found.errors[1] < 0.1
    assert not found.ok


def test_replays_of_several_samples_are_added_up() -> None:
    total = Replay({"a": 1}, 5, {1: 2e-7})
    total.add(Replay({"a": 2, "b": 3}, 7, {1: 1e-7, 2: 3e-7}))
    assert total == Replay({"a": 3, "b": 3}, 12, {1: 2e-7, 2: 3e-7})


def test_the_first_wrong_kernel_is_named() -> None:
    program = verification_of(integer_model()).compiled.program
    last = program.kernels[-1].name
    told = first_wrong_kernel(program, SimulatedDevice(program, {last: 1}), sample())
    assert told.startswith(f"; first in kernel {last!r}: 1 of ")
    told = first_wrong_kernel(program, SimulatedDevice(program), sample())
    assert told.endswith("so a barrier or the read-back is not")


def test_kernels_that_are_not_what_the_node_is_are_measured() -> None:
    check = verification_of(float_model())
    (expected,) = check.expected
    regions = check.expectation.regions
    assert 0 < decomposition_errors(check.compiled, regions, expected)[1] < TOLERANCE
