"""The wheel is complete, and it runs outside the checkout."""

import os
import shutil
import site
import subprocess
import sys
import tomllib
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
PACKAGES = [name for name in PROJECT["tool"]["setuptools"]["packages"] if name != "onnx2wgsl"]
"""But for the checkout itself."""


def run(*command: str | Path, cwd: Path) -> str:
    """Runs `command` in `cwd` and returns its standard output; a failure shows what it printed."""
    variables = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    process = subprocess.run(command, cwd=cwd, env=variables, capture_output=True, text=True, check=False)
    assert process.returncode == 0, f"{command}\n{process.stdout}\n{process.stderr}"
    return process.stdout


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the packages, as a checkout has them."""
    source = tmp_path_factory.mktemp("source")
    for name in ("compiler", "face", "live", "media", "runtime_py", "runtime_js", "trainer", "web"):
        ignore = shutil.ignore_patterns("__pycache__", "node_modules")
        shutil.copytree(ROOT / name, source / name, ignore=ignore)
    for name in ("pyproject.toml", "setup.py", "__main__.py", "README.md", "LICENSE", "NOTICE"):
        shutil.copy(ROOT / name, source)
    return source


@pytest.fixture(scope="module")
def wheel(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel built from the copy, in which that leaves nothing."""
    files = sorted(source.rglob("*"))
    target = tmp_path_factory.mktemp("wheel")
    options = ("--quiet", "--no-deps", "--no-build-isolation", "--no-index")
    run(sys.executable, "-m", "pip", "wheel", *options, "-w", target, source, cwd=target)
    assert sorted(source.rglob("*")) == files
    (wheel_file,) = target.glob("*.whl")
    return wheel_file


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The scripts folder of a fresh environment with the wheel in it."""
    return environment(tmp_path_factory.mktemp("fresh"), wheel)


@pytest.fixture(scope="module")
def editable(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The scripts folder of one with an editable install of the copy."""
    return environment(tmp_path_factory.mktemp("editable"), "--editable", source)


def environment(home: Path, *what: str | Path) -> Path:
    """The scripts folder of a fresh environment into which pip has installed something.

    The dependencies, and setuptools, come from this environment, over a path line: its own .pth files, and
    with them the editable install of the checkout, are not read there.
    """
    context = venv.EnvBuilder(with_pip=False).ensure_directories(home)
    venv.create(home, with_pip=False)
    python = Path(context.env_exe)
    packages = run(python, "-c", "import site; print(site.getsitepackages()[0])", cwd=home).strip()
    Path(packages, "dependencies.pth").write_text("\n".join(site.getsitepackages()), "utf-8")
    options = ("--quiet", "--no-deps", "--no-index", "--no-build-isolation", "--ignore-installed")
    run(sys.executable, "-m", "pip", "--python", python, "install", *options, *what, cwd=home)
    return Path(context.bin_path)


def test_wheel_holds_every_file_of_the_packages(wheel: Path) -> None:
    expected = {"onnx2wgsl/__main__.py"} | {
        f"onnx2wgsl/{path.relative_to(ROOT).as_posix()}"
        for package in PACKAGES
        for path in (ROOT / Path(*package.split(".")[1:])).iterdir()
        if path.is_file()
    }
    expected |= {
        f"onnx2wgsl/{path.relative_to(ROOT).as_posix()}"
        for pattern in ("live/dist/*", "runtime_js/dist/*", "web/lips/*", "web/rig/*")
        for path in ROOT.glob(pattern)
    }
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {name for name in names if ".dist-info/" not in name} == expected


@pytest.mark.parametrize(
    ("folder", "suffix"),
    [
        ("compiler/templates", ".j2"),
        ("compiler/reference", ".mjs"),
        ("compiler", "/py.typed"),
        ("face", ".json"),
        ("face", ".js"),
        ("face", ".d.ts"),
        ("face", "/canonical_face.npz"),
        ("face", "/py.typed"),
        ("media", "/py.typed"),
        ("runtime_js", ".js"),
        ("runtime_js", ".d.ts"),
        ("runtime_js/dist", "/runtime.js"),
        ("runtime_js", ".html"),
        ("runtime_py", "/model.schema.json"),
        ("web/lips", "/letters.js"),
        ("web/rig", "/rig.js"),
        ("runtime_py", "/py.typed"),
    ],
)
def test_wheel_holds_templates_js_types_and_data(wheel: Path, folder: str, suffix: str) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert [n for n in names if n.startswith(f"onnx2wgsl/{folder}/") and n.endswith(suffix)]


def test_wheel_holds_the_licence(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert {Path(name).name for name in names if "/licenses/" in name} == {"LICENSE", "NOTICE"}


def test_installed_command_prints_its_version(installed: Path, tmp_path: Path) -> None:
    printed = run(installed / "onnx2wgsl", "--version", cwd=tmp_path)
    assert PROJECT["project"]["version"] in printed


def test_installed_package_runs_as_a_module(installed: Path, tmp_path: Path) -> None:
    printed = run(installed / "python", "-m", "onnx2wgsl", "--version", cwd=tmp_path)
    assert PROJECT["project"]["version"] in printed


def test_an_editable_install_runs_as_a_module_of_the_checkout(
    editable: Path, source: Path, tmp_path: Path
) -> None:
    version = PROJECT["project"]["version"]
    assert version in run(editable / "python", "-m", "onnx2wgsl", "--version", cwd=tmp_path)
    assert version in run(editable / "onnx2wgsl", "--version", cwd=tmp_path)
    program = "import onnx2wgsl.compiler.cli as cli; print(cli.__file__)"
    place = Path(run(editable / "python", "-c", program, cwd=tmp_path).strip())
    assert place == source / "compiler" / "cli" / "__init__.py"


def test_installed_modules_come_from_the_wheel(installed: Path, tmp_path: Path) -> None:
    program = """
import importlib, sys
for name in sys.argv[1:]:
    print(importlib.import_module(name).__file__)
"""
    printed = run(installed / "python", "-c", program, *PACKAGES, cwd=tmp_path).splitlines()
    assert len(printed) == len(PACKAGES)
    assert [line for line in printed if not line.startswith(str(installed.parent))] == []
