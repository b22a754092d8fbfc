"""The coverage report: which real networks compile, and how exactly (docs/coverage.md).

python -m tests.coverage           examine every network in every style that is tried
python -m tests.coverage --write   and write docs/coverage.md
"""

from .cases import CASES, Case, networks
from .examine import Examination, Verdict, examine, judge
from .report import DOCUMENT, render, rows_of

__all__ = [
    "CASES",
    "DOCUMENT",
    "Case",
    "Examination",
    "Verdict",
    "examine",
    "judge",
    "networks",
    "render",
    "rows_of",
]
