"""What a machine lacks to run WebGPU outside a browser, and the command or step that gets it."""

import ctypes.util
import os
import shutil
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

# Package manager -> how it installs a software Vulkan adapter and the Vulkan loader.
_INSTALL = {
    "apt-get": "apt-get install mesa-vulkan-drivers libvulkan1",
    "dnf": "dnf install mesa-vulkan-drivers vulkan-loader",
    "pacman": "pacman -S vulkan-swrast vulkan-icd-loader",
    "zypper": "zypper install libvulkan_lvp libvulkan1",
    "apk": "apk add mesa-vulkan-swrast vulkan-loader",
}
_DRIVER_VARIABLES = ("VK_DRIVER_FILES", "VK_ICD_FILENAMES")


@dataclass(frozen=True)
class Problem:
    """Something missing and what gets it; where it is not `fatal`, sessions still run."""

    what: str
    fix: str
    fatal: bool


def system_problems(names: Sequence[str], hardware: bool) -> list[Problem]:
    """What is missing, given the names of the adapters found and whether one is a real GPU."""
    fatal = not names
    problems = list(_driver_files(fatal))
    if sys.platform.startswith("linux"):
        problems += _linux(names, fatal)
    elif fatal:
        problems.append(
            Problem("no WebGPU adapter", "install the graphics driver of this machine's GPU", True)
        )
    if names and not hardware:
        problems.append(
            Problem(
                "only software adapters (they compute on the CPU)",
                "on a machine with a GPU, install the Vulkan driver of its maker",
                False,
            )
        )
    return problems


def _driver_files(fatal: bool) -> Iterator[Problem]:
    """The variables that replace Vulkan's search for drivers must name files that exist."""
    for variable in _DRIVER_VARIABLES:
        for name in filter(None, os.environ.get(variable, "").split(os.pathsep)):
            if not Path(name).exists():
                yield Problem(f"{variable} names {name}, which is missing", f"unset {variable}", fatal)


def _linux(names: Sequence[str], fatal: bool) -> Iterator[Problem]:
    if ctypes.util.find_library("vulkan") is None:
        yield Problem("the Vulkan loader (libvulkan.so.1) is missing", _install_command(), fatal)
    elif not any("vulkan" in name.lower() for name in names):
        yield Problem("no Vulkan driver was found", _install_command(), fatal)
    nvidia = Path("/proc/driver/nvidia/version").exists() or Path("/dev/nvidia0").exists()
    if nvidia and not any("nvidia" in name.lower() for name in names):
        yield Problem(
            "an NVIDIA GPU is here, but not its Vulkan driver",
            "install the driver's graphics part; in a container, start it with "
            "NVIDIA_DRIVER_CAPABILITIES=all",
            fatal,
        )


def _install_command() -> str:
    for manager, command in _INSTALL.items():
        if shutil.which(manager):
            prefix = "" if os.geteuid() == 0 else "sudo "
            return prefix + command
    return "install Mesa's Vulkan drivers and the Vulkan loader (libvulkan.so.1)"
