"""Which device training runs on, and whether it can.

A torch without kernels for the GPU at hand is found by computing with it, before hours are spent:
a new GPU (sm_120, for example) needs a torch built for its CUDA version (12.8), and an older
build may fail late, or train on another device than meant.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from dataclasses import dataclass
from typing import TypeVar

import torch
from torch import nn

from ..errors import TrainerError
from ..models import MobileUNet

Network = TypeVar("Network", bound=nn.Module)


@dataclass(frozen=True)
class Machine:
    """What there is to train on."""

    torch: str
    cuda: str | None
    """The CUDA version that torch was built for; None: for CPUs only."""
    usable: bool
    """Whether torch finds a CUDA device."""
    gpus: tuple[str, ...]
    """Names of torch's CUDA devices."""
    capability: str
    """The first one's, as sm_NN."""
    kernels: tuple[str, ...]
    """The architectures that torch has kernels for."""
    driver: tuple[str, ...]
    """Names of the GPUs that nvidia-smi lists."""
    threads: int
    cpu: str
    """The CPU's instructions that torch uses."""


def machine() -> Machine:
    """Looks."""
    usable = torch.cuda.is_available()
    count = torch.cuda.device_count() if usable else 0
    capability = "sm_{}{}".format(*torch.cuda.get_device_capability(0)) if count else ""
    return Machine(
        torch=torch.__version__,
        cuda=torch.version.cuda,
        usable=usable,
        gpus=tuple(torch.cuda.get_device_name(i) for i in range(count)),
        capability=capability,
        kernels=tuple(torch.cuda.get_arch_list()) if count else (),
        driver=_nvidia_smi(),
        threads=torch.get_num_threads(),
        cpu=torch.backends.cpu.get_cpu_capability(),
    )


def _nvidia_smi() -> tuple[str, ...]:
    command = shutil.which("nvidia-smi")
    if command is None:
        return ()
    query = [command, "--query-gpu=name", "--format=csv,noheader"]
    process = subprocess.run(query, capture_output=True, text=True, timeout=30, check=False)
    return tuple(process.stdout.splitlines()) if process.returncode == 0 else ()


def unused_gpu(host: Machine) -> str | None:
    """What to say where there is a GPU that torch does not see."""
    if host.usable or not host.driver:
        return None
    build = "for CPUs only" if host.cuda is None else f"for CUDA {host.cuda}"
    return (
        f"there is a GPU ({', '.join(host.driver)}), but torch {host.torch} is built {build} "
        "and finds none: training runs on the CPU, many times slower. Install the torch build "
        "for your driver's CUDA version (nvidia-smi shows it; sm_120 GPUs need cu128 or later)"
    )


def choose(name: str, host: Machine) -> torch.device:
    """The device of a name: auto (a GPU where torch finds one, else the CPU), cpu, cuda, cuda:N.

    It has computed something when this returns. Under torchrun each process takes the GPU of its
    local number.

    Raises:
        TrainerError: no such device, or torch can't compute on it.
    """
    if name == "auto":
        name = "cuda" if host.usable else "cpu"
    if name == "cpu":
        return torch.device("cpu")
    number = name.removeprefix("cuda").removeprefix(":") or os.environ.get("LOCAL_RANK", "0")
    if not name.startswith("cuda") or not number.isdecimal():
        raise TrainerError(f"device {name!r}: choose auto, cpu, cuda or cuda:N")
    if not host.usable or int(number) >= len(host.gpus):
        has = ", ".join(host.gpus) or "none"
        hint = unused_gpu(host) or "use --device cpu, or see onnx2wgsl-train doctor"
        raise TrainerError(f"device {name}: torch {host.torch} finds these GPUs: {has}. {hint}")
    device = torch.device("cuda", int(number))
    check(device, host)
    torch.cuda.set_device(device)
    return device


def place(network: Network, device: torch.device) -> Network:
    """Moves a network to a device, its weights channels last: what convolutions are fastest in."""
    result: Network = network.to(device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return result


def check(device: torch.device, host: Machine) -> None:
    """Computes on a device.

    Raises:
        TrainerError: torch has no kernels for it, or it computes something else than the CPU.
    """
    try:
        difference = exercise(device)
    except RuntimeError as error:
        raise TrainerError(
            f"torch {host.torch} (CUDA {host.cuda}) can't compute on {device} "
            f"({', '.join(host.gpus)}, {host.capability}): "
            f"{str(error).splitlines()[0]}. It has kernels for {', '.join(host.kernels)}: "
            "install a torch build that has them for this GPU (sm_120 needs cu128 or later), "
            "or train with --device cpu"
        ) from error
    if not difference < 0.05:
        raise TrainerError(
            f"{device} computes something else than the CPU (by {difference:.3g} of 1): "
            "check the GPU and its driver, or train with --device cpu"
        )


def exercise(device: torch.device) -> float:
    """Forward and backward of a matmul and a Conv; the largest difference from the CPU's."""
    rng = torch.Generator().manual_seed(0)
    matrix = torch.rand(64, 64, generator=rng) / 8
    picture = torch.rand(2, 8, 32, 32, generator=rng)
    weight = torch.rand(8, 8, 4, 4, generator=rng) / 128

    def compute(where: torch.device) -> torch.Tensor:
        w = weight.to(where, copy=True).requires_grad_()
        y = nn.functional.conv2d(picture.to(where), w, stride=2, padding=1)
        torch.autograd.backward(y.square().mean() * 8)
        assert w.grad is not None
        product = matrix.to(where) @ matrix.to(where)
        return torch.cat([part.detach().flatten().cpu() for part in (product, y, w.grad)])

    return float((compute(device) - compute(torch.device("cpu"))).abs().max())


def step_seconds(device: torch.device, amp: bool) -> float:
    """The least time of a student's iteration (64 pixels, ngf 16, batch 4, L1, no data), seconds."""
    network = place(MobileUNet(64, 16), device)
    drawing = torch.rand(4, 3, 64, 64, device=device).to(memory_format=torch.channels_last)
    adam = torch.optim.Adam(network.parameters(), fused=True)
    best = float("inf")
    for _ in range(4):
        start = time.perf_counter()
        with torch.autocast(device.type, torch.bfloat16, enabled=amp):
            output = network(drawing)
        torch.autograd.backward((output.float() - drawing).abs().mean())
        adam.step()
        adam.zero_grad()
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        best = min(best, time.perf_counter() - start)
    return best
