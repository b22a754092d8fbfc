"""Times how compiling grows with the model: chains of quantized groups, the CPU time a group.

    python benchmarks/compile_time.py
    python benchmarks/compile_time.py --chains add,conv --groups 100,200,400,800 --require 1.2

Time within onnxruntime's own loading of a model, which grows faster than the model, is told apart. Exit
status 1 where a group takes more than --require times the least of its chain, without onnxruntime's part.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import onnx
import onnxruntime as ort
from onnx2wgsl.compiler.driver import compile_file
from onnx2wgsl.compiler.fuzzing.chains import chain

REPEATS = 2


class Loads:
    """CPU seconds within onnxruntime's loading of models, from when it is made on."""

    def __init__(self) -> None:
        self.seconds = 0.0
        load = ort.InferenceSession.__init__

        def timed(*args: Any, **options: Any) -> None:
            start = time.process_time()
            load(*args, **options)
            self.seconds += time.process_time() - start

        ort.InferenceSession.__init__ = timed


def cpu_time(name: str, groups: int, folder: Path, loads: Loads) -> tuple[float, float]:
    """The least CPU seconds of compiling a chain, and of these those of onnxruntime's loads."""
    path, seconds = folder / f"{name}{groups}.onnx", []
    onnx.save(chain(name, groups), path)
    for _ in range(REPEATS):
        start, loads.seconds = time.process_time(), 0.0
        compile_file(path, folder / path.stem)
        seconds.append((time.process_time() - start, loads.seconds))
    return min(seconds)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--chains", default="add,conv,residual,concat,move,table,float")
    parser.add_argument("--groups", default="100,200,400,800")
    parser.add_argument("--require", type=float, default=float("inf"))
    arguments = parser.parse_args()
    sizes, worst, loads = [int(size) for size in arguments.groups.split(",")], 1.0, Loads()
    with tempfile.TemporaryDirectory() as folder:
        for name in arguments.chains.split(","):
            cpu_time(name, 10, Path(folder), loads)
            times = {size: cpu_time(name, size, Path(folder), loads) for size in sizes}
            each = [(whole - load) / size for size, (whole, load) in times.items()]
            ratio = max(each) / min(each)
            worst = max(worst, ratio)
            figures = ", ".join(
                f"{size}: {1000 * (whole - load) / size:.2f} + {1000 * load / size:.2f}"
                for size, (whole, load) in times.items()
            )
            print(
                f"{name}: ms a group + onnxruntime's load at {figures}; own part {ratio:.2f} times",
                flush=True,
            )
    sys.exit(worst > arguments.require)


if __name__ == "__main__":
    main()
