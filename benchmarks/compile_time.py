"""Times how compiling grows with the model: chains of quantized groups, the CPU time a group.

    python benchmarks/compile_time.py
    python benchmarks/compile_time.py --chains add,conv --groups 100,200,400,800 --require 1.2

Exit status 1 where a group takes more than --require times the least of its chain.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path

import onnx
from onnx2wgsl.compiler.driver import compile_file
from onnx2wgsl.compiler.fuzzing.chains import chain

REPEATS = 2


def cpu_time(name: str, groups: int, folder: Path) -> float:
    """The least CPU seconds of compiling a chain."""
    path, seconds = folder / f"{name}{groups}.onnx", []
    onnx.save(chain(name, groups), path)
    for _ in range(REPEATS):
        start = time.process_time()
        compile_file(path, folder / path.stem)
        seconds.append(time.process_time() - start)
    return min(seconds)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--chains", default="add,conv,residual,concat,move,table,float")
    parser.add_argument("--groups", default="100,200,400,800")
    parser.add_argument("--require", type=float, default=float("inf"))
    arguments = parser.parse_args()
    sizes, worst = [int(size) for size in arguments.groups.split(",")], 1.0
    with tempfile.TemporaryDirectory() as folder:
        for name in arguments.chains.split(","):
            cpu_time(name, 10, Path(folder))
            each = [cpu_time(name, size, Path(folder)) / size for size in sizes]
            ratio = max(each) / min(each)
            worst = max(worst, ratio)
            figures = ", ".join(f"{size}: {1000 * one:.2f}" for size, one in zip(sizes, each, strict=True))
            print(f"{name}: ms a group at {figures}; the dearest {ratio:.2f} times the cheapest")
    sys.exit(worst > arguments.require)


if __name__ == "__main__":
    main()
