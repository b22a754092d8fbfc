"""What the documents say of files and names is so."""

import importlib
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
GUIDE = (ROOT / "docs" / "adding-an-operator.md").read_text("utf-8").replace("\\_", "_")
ARCHITECTURE = (ROOT / "docs" / "architecture.md").read_text("utf-8")
DOCUMENTS = sorted(
    [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("models/*.md"), *ROOT.glob("tests/*.md")]
)
MEASURED = (
    "api.md", "comparison.md", "coverage.md", "outside-suites.md", "findings.md", "performance.md",
    "avatar/README.md", "ember/README.md",
)  # fmt: skip
"""What holds tables that programs write, which are as wide as they are."""
WRITTEN = [path for path in DOCUMENTS if not path.as_posix().endswith(MEASURED)]
COLUMNS = 110
"""As wide as code is (pyproject.toml)."""


def mentioned_files(text: str) -> set[str]:
    """Paths in the text: everything that begins with a folder of the repository."""
    return set(re.findall(r"(?<![\w/])(?:compiler|tests|docs)/[\w/.-]*[\w/]", text))


def mentioned_names(text: str) -> set[str]:
    """Identifiers in backquotes, the last part of dotted ones; calls without their arguments."""
    quoted = re.findall(r"`([A-Za-z_][\w.]*)(?:\([^`]*\))?`", text)
    files = {name for name in quoted if name.endswith((".j2", ".py"))}
    return {name.split(".")[-1] for name in quoted if name not in files}


def sources() -> str:
    folders = ("compiler", "runtime_py", "tests")
    return "\n".join(
        path.read_text("utf-8")
        for folder in folders
        for path in (ROOT / folder).rglob("*")
        if path.suffix in (".py", ".j2") and path != Path(__file__)
    )


@pytest.mark.parametrize("name", sorted(mentioned_files(GUIDE)))
def test_a_file_that_the_guide_names_exists(name: str) -> None:
    assert (ROOT / name).exists()


def test_the_architecture_lists_the_compilers_rooms() -> None:
    start = ARCHITECTURE.index("| room | what |")
    section = ARCHITECTURE[start : ARCHITECTURE.index("\n\n", start)]
    rooms = set(re.findall(r"\b\w+(?:\.py\b|/)", section))
    entries = {
        path.name + "/" * path.is_dir()
        for path in (ROOT / "compiler").iterdir()
        if not path.name.startswith("_") and path.suffix in (".py", "")
    }
    assert rooms == entries


TESTS = (ROOT / "tests" / "README.md").read_text("utf-8")


@pytest.mark.parametrize("name", sorted(set(re.findall(r"`((?:builders|compiler|zoo)\.[\w.]+)`", TESTS))))
def test_what_the_page_on_tests_names_is_there(name: str) -> None:
    module, _, member = name.rpartition(".")
    assert hasattr(importlib.import_module(f"tests.{module}"), member)


@pytest.mark.parametrize("name", sorted(mentioned_files(TESTS)))
def test_a_file_that_the_page_on_tests_names_exists(name: str) -> None:
    assert (ROOT / name).exists()


def test_the_files_that_the_compilers_docstrings_and_comments_name_exist() -> None:
    named = [
        (str(path.relative_to(ROOT)), name)
        for path in (ROOT / "compiler").rglob("*.py")
        for name in mentioned_files(path.read_text("utf-8"))
    ]
    assert [(path, name) for path, name in named if not (ROOT / name).exists()] == []


def test_every_name_in_the_guide_is_in_the_code() -> None:
    code = sources()
    missing = [name for name in sorted(mentioned_names(GUIDE)) if not re.search(rf"\b{name}\b", code)]
    assert missing == []


def hops() -> list[tuple[str, str]]:
    """The files and names of the way of a weight."""
    start = ARCHITECTURE.index("### The way of a weight")
    section = ARCHITECTURE[start : ARCHITECTURE.index("\n## ", start)]
    return re.findall(r"^\d+\. ([\w/]+\.py), `(?:\w+\.)?(\w+)`", section, re.MULTILINE)


def test_the_way_of_a_weight_is_ten_hops() -> None:
    assert len(hops()) == 10


@pytest.mark.parametrize(("file", "name"), hops())
def test_a_hop_of_a_weight_is_in_its_file(file: str, name: str) -> None:
    source = (ROOT / "compiler" / file).read_text("utf-8")
    assert re.search(rf"^ *def {name}\(", source, re.MULTILINE)


def test_the_picture_of_the_rooms_is_drawn_from_these_imports() -> None:
    command = [sys.executable, str(ROOT / "scripts" / "rooms.py"), "--check"]
    drawn = subprocess.run(command, check=False)
    assert drawn.returncode == 0, "python scripts/rooms.py draws it anew"


@pytest.mark.parametrize("document", WRITTEN, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_line_of_a_document_is_wider_than_code(document: Path) -> None:
    lines = document.read_text("utf-8").splitlines()
    wide = [f"line {n}: {len(line)}" for n, line in enumerate(lines, 1) if len(line) > COLUMNS]
    assert wide == []


def linked_files(text: str) -> set[str]:
    """Where links and pictures lead to within the repository, without anchors."""
    links = re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", text)
    return {link for link in links if not re.match(r"[a-z]+:", link)}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(document: Path) -> None:
    links = linked_files(document.read_text("utf-8"))
    assert [link for link in sorted(links) if not (document.parent / link).exists()] == []


def test_names_and_files_are_found() -> None:
    assert len(mentioned_files(GUIDE)) > 10
    assert {"QMul", "qlinear_mul", "store", "operand"} <= mentioned_names(GUIDE)
    assert "no_such_name_at_all" not in sources()


def test_the_guides_command_works_on_a_kind_that_is_drawn() -> None:
    from onnx2wgsl.compiler.fuzzing.kinds import SUPPORTED

    (kind,) = re.findall(r"fuzz --op (\w+)", GUIDE)
    assert kind in SUPPORTED


VOCABULARY = {"base", "catalogue", "fusion", "onnx_op", "quantize"}
"""Modules of compiler/operators/ that every stage may know."""
TRANSLATORS = ("operators", "frontend", "fuzzing")
"""Rooms that know operators because that is their work."""


def families_imported(source: str) -> set[str]:
    """Modules of families in compiler/operators/ that a file of another room imports."""
    modules = re.findall(r"^\s*from \.+operators\.(\w+)", source, re.MULTILINE)
    return set(modules) - VOCABULARY


def test_the_guide_lists_who_else_knows_an_operator() -> None:
    files = mentioned_files(GUIDE[GUIDE.index("\n## Who else knows an operator") :]) - {"compiler/frontend/"}
    users = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "compiler").rglob("*.py")
        if path.relative_to(ROOT).parts[1] not in TRANSLATORS and families_imported(path.read_text("utf-8"))
    }
    assert files == users


def test_imports_of_families_are_seen() -> None:
    source = "from ..operators.base import FamilyOp\nfrom .operators.moves.op import Move\n"
    assert families_imported(source) == {"moves"}


def test_the_comparison_has_a_row_of_every_system_for_both_models() -> None:
    script = (ROOT / "benchmarks" / "browsers.js").read_text("utf-8")
    systems = re.findall(r"\bsystem: '([^']+)'", script)
    tables = (ROOT / "docs" / "comparison.md").read_text("utf-8").split("\n### ")[1:]
    assert len(tables) == 2
    for table in tables:
        rows = [line for line in table.splitlines() if line.startswith("| on")]
        assert [row[2 : row.index(" (")] for row in rows] == systems
        assert "| 0 of " in rows[0], "onnx2wgsl is exact"
