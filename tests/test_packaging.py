"""The wheel is complete, and it runs outside the checkout."""

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


def run(*command: str | Path, cwd: Path) -> str:
    """Runs `command` in `cwd` and returns its standard output; a failure shows what it printed."""
    process = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    assert process.returncode == 0, f"{command}\n{process.stdout}\n{process.stderr}"
    return process.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel built from a copy of the packages, in which that leaves nothing."""
    source = tmp_path_factory.mktemp("source")
    for name in ("compiler", "face", "media", "runtime_py", "runtime_js", "trainer"):
        ignore = shutil.ignore_patterns("__pycache__", "node_modules")
        shutil.copytree(ROOT / name, source / name, ignore=ignore)
    for name in ("pyproject.toml", "setup.py", "__main__.py", "README.md", "LICENSE", "NOTICE"):
        shutil.copy(ROOT / name, source)
    files = sorted(source.rglob("*"))
    target = tmp_path_factory.mktemp("wheel")
    options = ("--quiet", "--no-deps", "--no-build-isolation", "--no-index")
    run(sys.executable, "-m", "pip", "wheel", *options, "-w", target, source, cwd=target)
    assert sorted(source.rglob("*")) == files
    (wheel_file,) = target.glob("*.whl")
    return wheel_file


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The scripts folder of a fresh environment with the wheel in it.

    The dependencies come from this environment, over a path line: its own .pth files, and with
    them the editable install of the checkout, are not read there.
    """
    home = tmp_path_factory.mktemp("fresh")
    context = venv.EnvBuilder(with_pip=False).ensure_directories(home)
    venv.create(home, with_pip=False)
    python = Path(context.env_exe)
    options = ("--quiet", "--no-deps", "--no-index")
    run(sys.executable, "-m", "pip", "--python", python, "install", *options, wheel, cwd=home)
    packages = run(python, "-c", "import site; print(site.getsitepackages()[0])", cwd=home).strip()
    Path(packages, "dependencies.pth").write_text("\n".join(site.getsitepackages()), "utf-8")
    return Path(context.bin_path)


def test_wheel_holds_every_file_of_the_packages(wheel: Path) -> None:
    expected = {"onnx2wgsl/__main__.py"} | {
        f"onnx2wgsl/{path.relative_to(ROOT).as_posix()}"
        for package in PROJECT["tool"]["setuptools"]["packages"]
        for path in (ROOT / Path(*package.split(".")[1:])).iterdir()
        if path.is_file()
    }
    expected |= {f"onnx2wgsl/runtime_js/dist/{path.name}" for path in ROOT.glob("runtime_js/dist/*")}
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


def test_installed_modules_come_from_the_wheel(installed: Path, tmp_path: Path) -> None:
    program = """
import importlib, sys
for name in sys.argv[1:]:
    print(importlib.import_module(name).__file__)
"""
    packages = PROJECT["tool"]["setuptools"]["packages"]
    printed = run(installed / "python", "-c", program, *packages, cwd=tmp_path).splitlines()
    assert len(printed) == len(packages)
    assert [line for line in printed if not line.startswith(str(installed.parent))] == []
