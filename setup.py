"""Builds outside of the checkout: `pip install .` leaves nothing in it, and takes nothing old from there."""

import atexit
import shutil
import tempfile

from setuptools import setup

SCRATCH = tempfile.mkdtemp(prefix="onnx2wgsl-")
atexit.register(shutil.rmtree, SCRATCH, ignore_errors=True)
# By its name setup.py is known among the modules of the package onnx2wgsl, which is the checkout itself.
setup(script_name="setup.py", options={"build": {"build_base": SCRATCH}, "egg_info": {"egg_base": SCRATCH}})
