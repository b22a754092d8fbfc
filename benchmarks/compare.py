"""Times onnx2wgsl against tinygrad WEBGPU: same model, same adapter, one frame each in turn.

    pip install -r benchmarks/requirements.txt
    python benchmarks/compare.py --adapter lavapipe
    python benchmarks/compare.py --adapter swiftshader --frames 5

A frame is upload, compute and read-back. tinygrad runs the model twice: as the int8 QDQ file is
(it computes the Q and DQ nodes in float), and as the float32 model without them, which is faster;
the ratio that counts is against the faster one. Exit status 1 where --require is not met.
"""

import argparse
import glob
import json
import os
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import onnx
from onnx2wgsl.compiler.reference.oracle import Oracle
from onnx2wgsl.web.floats import float_model
from systems import frame_input

HERE = Path(__file__).resolve().parent
MODEL = HERE.parent / "models" / "avatar_256_u8.onnx"
WARM_UP = 4  # tinygrad records its kernels on the second frame and replays them from the third

# Vulkan driver files by adapter; `default` leaves the choice to both libraries.
DRIVERS = {
    "lavapipe": ["/usr/share/vulkan/icd.d/lvp_icd*.json", "/etc/vulkan/icd.d/lvp_icd*.json"],
    "swiftshader": ["/usr/lib/chromium/vk_swiftshader_icd.json"],
}


@dataclass
class System:
    """A running worker and its times in milliseconds."""

    name: str
    process: subprocess.Popen[str]
    adapter: str = ""
    times: list[float] = field(default_factory=list)

    def ask(self, command: str) -> dict[str, float | str]:
        """Sends one line, if any, and returns the answer."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        if command:
            self.process.stdin.write(f"{command}\n")
            self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit(f"{self.name} ended with status {self.process.wait()}; see above")
        return dict(json.loads(line))

    def stop(self) -> None:
        """Lets the worker end, or ends it."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        try:
            self.process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            self.process.kill()

    def frame(self) -> float:
        """Runs one frame; milliseconds."""
        return float(self.ask("frame")["ms"])


def environment(adapter: str) -> dict[str, str]:
    """The environment in which both libraries see only the adapter asked for."""
    if adapter == "default":
        return dict(os.environ)
    drivers = [path for pattern in DRIVERS[adapter] for path in sorted(glob.glob(pattern))]
    if not drivers:
        raise SystemExit(f"{adapter}: no driver file at {' or '.join(DRIVERS[adapter])}")
    quiet = {"XDG_RUNTIME_DIR": os.environ.get("XDG_RUNTIME_DIR", tempfile.gettempdir())}
    return os.environ | {"VK_DRIVER_FILES": drivers[0], "VK_ICD_FILENAMES": drivers[0]} | quiet


def start(name: str, system: str, path: Path, env: dict[str, str]) -> System:
    process = subprocess.Popen(
        [sys.executable, str(HERE / "systems.py"), system, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=env,
    )
    return System(name, process)


def compile_model(model: Path, folder: Path) -> None:
    command = [sys.executable, "-m", "onnx2wgsl.compiler", "compile", str(model), "-o", str(folder)]
    if subprocess.run(command, check=False).returncode:
        raise SystemExit(f"could not compile {model}; see above")


def measure(systems: list[System], frames: int) -> None:
    """Starts every system, then runs them in turn."""
    for system in systems:
        system.adapter = str(system.ask("")["adapter"])
        for _ in range(WARM_UP):
            system.frame()
    adapters = {system.adapter for system in systems}
    if len(adapters) != 1:
        raise SystemExit(f"the systems run on different adapters: {sorted(adapters)}")
    for _ in range(frames):
        for system in systems:
            system.times.append(system.frame())


def reference_output(model: Path) -> np.ndarray:
    """onnxruntime's integer kernels on the same input."""
    oracle = Oracle(model)
    (output,) = oracle.run({next(iter(oracle.inputs)): frame_input()}).values()
    return output


def report(systems: list[System], reference: np.ndarray, folder: Path) -> float:
    """Prints the table; returns how much faster onnx2wgsl is than the fastest peer."""
    medians = {s.name: statistics.median(s.times) for s in systems}
    ours = medians["onnx2wgsl"]
    print(f"adapter: {systems[0].adapter}; median of {len(systems[0].times)} frames, in turn\n")
    print(f"{'system':16} {'ms':>8} {'least':>8} {'ratio':>6}   against onnxruntime int8")
    for system in systems:
        path = folder / f"{system.name}.npy"
        system.ask(f"save {path}")
        output = np.load(path)
        differing = int(np.count_nonzero(output != reference))
        error = float(np.mean((output - reference) ** 2))
        quality = f"{10 * np.log10(4 / error):.1f} dB" if error else "the same"
        print(
            f"{system.name:16} {medians[system.name]:8.1f} {min(system.times):8.1f} "
            f"{medians[system.name] / ours:6.2f}   {differing} of {output.size} differ, {quality}"
        )
    ratio = min(value for name, value in medians.items() if name != "onnx2wgsl") / ours
    print(f"\nonnx2wgsl is {ratio:.2f} times as fast as the fastest peer")
    return ratio


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--model", type=Path, default=MODEL, help="int8 QDQ model, 3x256x256 in")
    parser.add_argument("--artifact", type=Path, help="compiled folder (default: compile now)")
    parser.add_argument("--adapter", choices=[*DRIVERS, "default"], default="lavapipe")
    parser.add_argument("--frames", type=int, default=15)
    parser.add_argument("--require", type=float, help="least ratio to the fastest peer")
    return parser.parse_args()


def main() -> None:
    options = arguments()
    env = environment(options.adapter)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        artifact = options.artifact or folder / "artifact"
        if options.artifact is None:
            compile_model(options.model, artifact)
        floating = folder / "float.onnx"
        onnx.save(float_model(onnx.load(options.model)), floating)
        systems = [
            start("onnx2wgsl", "onnx2wgsl", artifact, env),
            start("tinygrad fp32", "tinygrad", floating, env),
            start("tinygrad QDQ", "tinygrad", options.model, env),
        ]
        try:
            measure(systems, options.frames)
            ratio = report(systems, reference_output(options.model), folder)
        finally:
            for system in systems:
                system.stop()
    if options.require and ratio < options.require:
        raise SystemExit(f"{ratio:.2f} is less than the {options.require} that was required")


if __name__ == "__main__":
    main()
