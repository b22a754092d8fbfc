"""Builds outside of the checkout: `pip install .` leaves nothing in it, and takes nothing old from there."""

import atexit
import shutil
import sys
import tempfile

from setuptools import setup

SCRATCH = tempfile.mkdtemp(prefix="onnx2wgsl-")
atexit.register(shutil.rmtree, SCRATCH, ignore_errors=True)
# For `python -m onnx2wgsl`. An editable install that has it takes the checkout for a package, and finds none.
MODULES = [] if "editable_wheel" in sys.argv else ["onnx2wgsl.__main__"]
setup(py_modules=MODULES, options={"build": {"build_base": SCRATCH}, "egg_info": {"egg_base": SCRATCH}})
