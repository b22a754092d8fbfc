"""The folders keep apart, and pyproject.toml packages all of what they hold."""

import ast
import tomllib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import pytest

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
SETUPTOOLS = PROJECT["tool"]["setuptools"]

# These meet in files (the model, the artifact) and nowhere else.
APART = ("compiler", "face", "runtime_py", "trainer")
# But for these: what a folder may import of another one.
SHARED = {"trainer": {"face"}}
# The command line is the one place that joins compiler and runtime.
COMMAND_LINE = ("compiler/__main__.py", "compiler/cli.py", "compiler/cli/*.py")
PACKAGED = (*APART, "runtime_js")
NOT_PACKAGED = ("__pycache__", "node_modules")


def imported_modules(source: str, package: str) -> Iterator[tuple[int, str]]:
    """Yields (line, absolute module name) of each import in `source`, a module of `package`."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parents = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*parents, base] if base else parents)
            for alias in node.names:
                yield node.lineno, f"{base}.{alias.name}"


def forbidden_imports(source: str, path: PurePosixPath) -> list[str]:
    """Says which imports of the file `path` (relative to the root) reach into another folder."""
    package = ".".join(["onnx2wgsl", *path.parent.parts])
    folder = path.parts[0]
    apart = set(APART) - {folder} - SHARED.get(folder, set())
    others = [f"onnx2wgsl.{name}" for name in sorted(apart)]
    return [
        f"{path}:{line} imports {module}"
        for line, module in imported_modules(source, package)
        if any(module == other or module.startswith(f"{other}.") for other in others)
    ]


def files_of(folder: str) -> list[PurePosixPath]:
    """Lists the files under ROOT/folder, relative to ROOT, without caches."""
    return sorted(
        PurePosixPath(path.relative_to(ROOT).as_posix())
        for path in (ROOT / folder).rglob("*")
        if path.is_file() and not set(path.relative_to(ROOT).parts) & set(NOT_PACKAGED)
    )


def packages_in_tree() -> set[str]:
    folders = {path.parent for name in PACKAGED for path in files_of(name) if path.suffix == ".py"}
    return {".".join(["onnx2wgsl", *folder.parts]) for folder in folders}


def folder_of(package: str) -> PurePosixPath:
    return PurePosixPath(*package.split(".")[1:])


def data_files() -> set[PurePosixPath]:
    """Lists the files of the packages that are not Python."""
    return {path for name in PACKAGED for path in files_of(name) if path.suffix != ".py"}


@pytest.mark.parametrize("name", APART)
def test_folder_imports_none_of_the_others(name: str) -> None:
    sources = [path for path in files_of(name) if path.suffix == ".py"]
    assert sources
    checked = [path for path in sources if not any(path.match(p) for p in COMMAND_LINE)]
    found = [text for path in checked for text in forbidden_imports((ROOT / path).read_text("utf-8"), path)]
    assert found == []


@pytest.mark.parametrize(
    ("source", "module"),
    [
        ("import onnx2wgsl.runtime_py", "onnx2wgsl.runtime_py"),
        ("from onnx2wgsl import runtime_py", "onnx2wgsl.runtime_py"),
        ("from onnx2wgsl.runtime_py.session import X", "onnx2wgsl.runtime_py.session.X"),
        ("from ...trainer import export", "onnx2wgsl.trainer.export"),
        ("from ... import runtime_py", "onnx2wgsl.runtime_py"),
        ("def f():\n    import onnx2wgsl.trainer", "onnx2wgsl.trainer"),
        ("from onnx2wgsl.face.drawing import draw", "onnx2wgsl.face.drawing.draw"),
    ],
)
def test_a_forbidden_import_is_seen(source: str, module: str) -> None:
    path = PurePosixPath("compiler/passes/fuse.py")
    line = source.count("\n") + 1
    assert forbidden_imports(source, path) == [f"{path}:{line} imports {module}"]


@pytest.mark.parametrize(
    "source",
    ["from .. import ir", "from ..ir import Graph", "import onnx2wgsl.compiler.ir", "import numpy"],
)
def test_an_allowed_import_passes(source: str) -> None:
    assert forbidden_imports(source, PurePosixPath("compiler/passes/fuse.py")) == []


def test_package_list_equals_the_tree() -> None:
    packages = SETUPTOOLS["packages"]
    assert packages == sorted(set(packages))
    assert set(packages) == packages_in_tree()


def test_every_package_has_an_init() -> None:
    missing = [p for p in SETUPTOOLS["packages"] if not (ROOT / folder_of(p) / "__init__.py").is_file()]
    assert missing == []


def test_every_package_data_pattern_matches_a_file() -> None:
    idle = [
        f"{package}: {pattern}"
        for package, patterns in SETUPTOOLS["package-data"].items()
        for pattern in patterns
        if not any((ROOT / folder_of(package)).glob(pattern))
    ]
    assert idle == []


def test_every_data_file_is_matched_by_a_pattern() -> None:
    matched = {
        PurePosixPath(path.relative_to(ROOT).as_posix())
        for package, patterns in SETUPTOOLS["package-data"].items()
        for pattern in patterns
        for path in (ROOT / folder_of(package)).glob(pattern)
    }
    assert data_files() - matched == set()


def test_importing_the_package_needs_no_torch() -> None:
    """torch is an extra: nothing of the compiler and the runtimes imports it."""
    users = [
        f"{path}:{line}"
        for folder in ("compiler", "face", "runtime_py", "runtime_js")
        for path in files_of(folder)
        if path.suffix == ".py"
        for line, module in imported_modules((ROOT / path).read_text("utf-8"), "")
        if module.split(".")[0] == "torch"
    ]
    assert users == []
