"""Several processes, started by torchrun: each takes its part of every batch.

Gradients are averaged by DistributedDataParallel, over NCCL between GPUs and gloo between CPUs.
On GPUs norms become SyncBatchNorm, which takes its statistics over the whole batch, as one process
does. gloo has none: on CPUs each process norms its own part, so that training with live norms is
near to one process, not equal; with frozen norms (the fine-tune) it equals one process within
rounding. Process 0 alone validates, logs and writes files; the others read them, so that machines
must share the run folder.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, TypeVar

import torch
import torch.distributed as dist
from torch import nn
from torch.nn.parallel import DistributedDataParallel

T = TypeVar("T")


@contextmanager
def processes(device: torch.device) -> Iterator[None]:
    """Joins the processes that torchrun started, while the body runs; alone, does nothing."""
    if int(os.environ.get("WORLD_SIZE", "1")) == 1 or dist.is_initialized():
        yield
        return
    dist.init_process_group("nccl" if device.type == "cuda" else "gloo")
    try:
        yield
    finally:
        dist.destroy_process_group()


def rank() -> int:
    """This process's number, 0 when alone."""
    return dist.get_rank() if dist.is_initialized() else 0


def world() -> int:
    """How many processes there are."""
    return dist.get_world_size() if dist.is_initialized() else 1


def is_main() -> bool:
    """Whether this process is the one that writes."""
    return rank() == 0


def from_main(value: T) -> T:
    """What process 0 has, for all."""
    if world() == 1:
        return value
    box: list[Any] = [value]
    dist.broadcast_object_list(box, 0)
    result: T = box[0]
    return result


def any_of(flag: bool, device: torch.device) -> bool:
    """Whether any process says so; all get the same answer."""
    if world() == 1:
        return flag
    flags = torch.tensor([int(flag)], device=device)
    dist.all_reduce(flags, dist.ReduceOp.MAX)
    return bool(flags.item())


def wrap(module: nn.Module, device: torch.device) -> nn.Module:
    """The module as it is trained: one that averages gradients where there are others."""
    if world() == 1:
        return module
    if device.type == "cuda":
        module = nn.SyncBatchNorm.convert_sync_batchnorm(module)  # type: ignore[no-untyped-call]
        return DistributedDataParallel(module, device_ids=[device.index])
    return DistributedDataParallel(module)


def bare(module: nn.Module) -> nn.Module:
    """The module that `wrap` wrapped."""
    return module.module if isinstance(module, DistributedDataParallel) else module


def unsynchronised(module: nn.Module) -> AbstractContextManager[None]:
    """Gradients of a backward pass in the body stay here until the next one outside it."""
    if not isinstance(module, DistributedDataParallel):
        return nullcontext()
    context: AbstractContextManager[None] = module.no_sync()
    return context
