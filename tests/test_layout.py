"""The folders keep apart, and pyproject.toml packages all of what they hold."""

import ast
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from pathlib import Path, PurePosixPath

import pytest

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
SETUPTOOLS = PROJECT["tool"]["setuptools"]

# These meet in files (the model, the artifact) and nowhere else.
APART = ("compiler", "face", "live", "media", "runtime_py", "trainer", "web")
# But for these: what a folder may import of another one.
SHARED = {
    "live": {"compiler", "face", "media", "runtime_py"},
    "trainer": {"face", "media"},
    "web": {"compiler", "face"},
}
# The rooms of a folder, the lowest first: a room imports itself and those before it. Each module of
# the folder is a room, and so is each folder in it, with all that it holds.
ROOMS = {
    "compiler": [
        "errors", "budgets", "files", "folders", "arithmetic", "ir", "reference", "lowering", "operators",
        "frontend", "passes", "templates", "pipeline", "verify", "backend", "driver", "__init__", "strip",
        "fuzzing", "cli", "__main__",
    ],
    "face": [
        "__init__", "errors", "framing", "camera", "topology", "drawing", "procrustes", "head",
        "shape", "landmarker", "detector",
    ],
    "live": [
        "__init__", "errors", "actor", "source", "sound", "script", "sink", "display", "avatar",
        "conversion", "camera", "window", "__main__",
    ],
    "media": ["__init__", "errors", "pictures", "arrays"],
    "trainer": [
        "__init__", "errors", "config", "files", "renderer", "landmarks", "data", "models",
        "training", "evaluation", "export", "recipe", "cli", "__main__",
    ],
    "web": ["__init__", "errors", "packages", "floats", "site", "__main__"],
}  # fmt: skip
# The command line is the one place that joins compiler and runtime.
COMMAND_LINE = ("compiler/__main__.py", "compiler/cli/*.py")
# A command imports what it needs when it is called, so that the others start quickly; the compiler's own
# names, which commands import through, are loaded when they are asked for.
LATE = (*COMMAND_LINE, "compiler/__init__.py", "trainer/cli/*.py", "live/__main__.py")
PACKAGED = (*APART, "runtime_js")
NOT_PACKAGED = ("__pycache__", "node_modules")
ROOT_PACKAGE = "onnx2wgsl"
"""The checkout itself, for `python -m onnx2wgsl`: without __init__.py, so that it adds to no import."""

Check = Callable[[str, PurePosixPath], list[str]]
"""Says what is wrong with a source and its path, relative to the root."""


def imported_modules(source: str, package: str, late: bool = False) -> Iterator[tuple[int, str]]:
    """Yields (line, absolute module name) of each import in `source`, a module of `package`.

    late: only of those that stand within a function, an `if`, or another statement.
    """
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if late and node in tree.body:
            continue
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
    folder = path.parts[0]
    apart = set(APART) - {folder} - SHARED.get(folder, set())
    others = [f"onnx2wgsl.{name}" for name in sorted(apart)]
    return [
        f"{path}:{line} imports {module}"
        for line, module in imported_modules(source, package_of(path))
        if any(within(module, other) for other in others)
    ]


def upward_imports(source: str, path: PurePosixPath) -> list[str]:
    """Says which imports of the file `path` lead from its room to a higher one of its folder."""
    folder, own, *_ = path.with_suffix("").parts
    rank = ROOMS[folder].index
    return [
        f"{path}:{line} imports {module}"
        for line, module in imported_modules(source, package_of(path))
        if within(module, f"onnx2wgsl.{folder}") and rank(room_of(module, folder)) > rank(own)
    ]


def room_of(name: str, folder: str) -> str:
    """The room that a name of a folder is in: `__init__` where it is the folder's own."""
    first = f"{name}.".removeprefix(f"onnx2wgsl.{folder}.").split(".")[0]
    return first if first in ROOMS[folder] else "__init__"


def late_imports(source: str, path: PurePosixPath) -> list[str]:
    """Says which imports of this project stand within a function or another statement."""
    return [
        f"{path}:{line} imports {module}"
        for line, module in imported_modules(source, package_of(path), late=True)
        if within(module, "onnx2wgsl")
    ]


def import_graph(sources: Mapping[PurePosixPath, str]) -> dict[str, set[str]]:
    """What each of some modules imports of the others."""
    paths = {module_of(path): path for path in sources}

    def owner(name: str) -> str:
        """The module that a dotted name is, or is a name of; empty for one of another folder."""
        return name if name in paths or not name else owner(name.rpartition(".")[0])

    graph = {}
    for module, path in paths.items():
        imported = imported_modules(sources[path], package_of(path))
        graph[module] = {owner(name) for _, name in imported} - {""}
    return graph


def complaints(folder: str, check: Check, but_for: Sequence[str] = ()) -> list[str]:
    """What a check says of the Python files of a folder that match none of some patterns."""
    return [
        text
        for path, source in sources_of(folder).items()
        if not any(path.match(pattern) for pattern in but_for)
        for text in check(source, path)
    ]


def within(module: str, package: str) -> bool:
    return module == package or module.startswith(f"{package}.")


def package_of(path: PurePosixPath) -> str:
    """The package that the file `path` is a module of."""
    return ".".join(["onnx2wgsl", *path.parent.parts])


def module_of(path: PurePosixPath) -> str:
    """The name that the file `path` is imported by."""
    return f"{package_of(path)}.{path.stem}".removesuffix(".__init__")


def sources_of(folder: str) -> dict[PurePosixPath, str]:
    """The Python files of a folder, by their paths."""
    paths = [path for path in files_of(folder) if path.suffix == ".py"]
    return {path: (ROOT / path).read_text("utf-8") for path in paths}


def files_of(folder: str) -> list[PurePosixPath]:
    """Lists the files under ROOT/folder, relative to ROOT, without caches."""
    return sorted(
        PurePosixPath(path.relative_to(ROOT).as_posix())
        for path in (ROOT / folder).rglob("*")
        if path.is_file() and not set(path.relative_to(ROOT).parts) & set(NOT_PACKAGED)
    )


def packages_in_tree() -> set[str]:
    folders = {path.parent for name in PACKAGED for path in files_of(name) if path.suffix == ".py"}
    return {".".join(["onnx2wgsl", *folder.parts]) for folder in folders} | {ROOT_PACKAGE}


def folder_of(package: str) -> PurePosixPath:
    return PurePosixPath(*package.split(".")[1:])


def data_files() -> set[PurePosixPath]:
    """Lists the files of the packages that are not Python, but those of the npm package alone."""
    files = (path for name in PACKAGED for path in files_of(name))
    return {path for path in files if path.suffix != ".py" and path.parent.name != "types-5.0"}


@pytest.mark.parametrize("name", APART)
def test_folder_imports_none_of_the_others(name: str) -> None:
    assert sources_of(name)
    assert complaints(name, forbidden_imports, COMMAND_LINE) == []


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


@pytest.mark.parametrize("folder", ROOMS)
def test_every_module_and_folder_is_a_room(folder: str) -> None:
    rooms = {path.with_suffix("").parts[1] for path in sources_of(folder)}
    assert sorted(ROOMS[folder]) == sorted(rooms)


@pytest.mark.parametrize("folder", ROOMS)
def test_a_lower_room_imports_no_higher_one(folder: str) -> None:
    assert complaints(folder, upward_imports) == []


@pytest.mark.parametrize("folder", ROOMS)
def test_no_modules_import_each_other_in_a_circle(folder: str) -> None:
    order = list(TopologicalSorter(import_graph(sources_of(folder))).static_order())
    assert len(order) == len(sources_of(folder))


@pytest.mark.parametrize("folder", ROOMS)
def test_imports_stand_at_the_top_but_for_the_command_line(folder: str) -> None:
    assert complaints(folder, late_imports, LATE) == []


@pytest.mark.parametrize(
    ("source", "module"),
    [
        ("from ..export import gate", "onnx2wgsl.trainer.export.gate"),
        ("from .. import recipe", "onnx2wgsl.trainer.recipe"),
        ("import onnx2wgsl.trainer.models.unet", "onnx2wgsl.trainer.models.unet"),
        ("def f():\n    from ..training.run import Run", "onnx2wgsl.trainer.training.run.Run"),
    ],
)
def test_an_upward_import_is_seen(source: str, module: str) -> None:
    path = PurePosixPath("trainer/data/store.py")
    line = source.count("\n") + 1
    assert upward_imports(source, path) == [f"{path}:{line} imports {module}"]


@pytest.mark.parametrize(
    "source", ["from . import store", "from ..errors import X", "from .. import files, version"]
)
def test_a_downward_import_passes(source: str) -> None:
    assert upward_imports(source, PurePosixPath("trainer/data/store.py")) == []


@pytest.mark.parametrize("head", ["def f():", "if TYPE_CHECKING:", "class A:"])
def test_a_late_import_is_seen(head: str) -> None:
    path = PurePosixPath("trainer/data/store.py")
    source = f"{head}\n    import numba\n    from ..files import replacing\n"
    assert late_imports(source, path) == [f"{path}:3 imports onnx2wgsl.trainer.files.replacing"]
    assert late_imports("from ..files import replacing", path) == []


def test_a_circle_is_seen() -> None:
    texts = {"a": "from . import b", "b": "from .c.d import D", "c/d": "from ..a import A"}
    sources = {PurePosixPath(f"trainer/{name}.py"): text for name, text in texts.items()}
    with pytest.raises(CycleError):
        TopologicalSorter(import_graph(sources)).prepare()


def test_package_list_equals_the_tree() -> None:
    packages = SETUPTOOLS["packages"]
    assert packages == sorted(set(packages))
    assert set(packages) == packages_in_tree()


def test_every_package_has_an_init() -> None:
    packages = [name for name in SETUPTOOLS["packages"] if name != ROOT_PACKAGE]
    assert [name for name in packages if not (ROOT / folder_of(name) / "__init__.py").is_file()] == []


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
        for folder in ("compiler", "face", "live", "media", "runtime_py", "runtime_js")
        for path in files_of(folder)
        if path.suffix == ".py"
        for line, module in imported_modules((ROOT / path).read_text("utf-8"), "")
        if module.split(".")[0] == "torch"
    ]
    assert users == []
