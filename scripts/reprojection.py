"""Measures what the live page shows between frames of the generator, against the renderer's truth.

python -m scripts.reprojection [--model MODEL.onnx] [--frames 50] [--work build/reprojection]

Clips of the renderer (scripts/motion_clips.py) go through the page's keyframe, mesh and shader on this
machine's device (scripts/motion_device.py). Everything is measured as it is shown, the truth too: by the
display at the generator's own size, without sharpness. Printed are tables for docs/live-page.md; its picture
strip is written.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from onnx2wgsl.trainer.data.mouth import mouth_box
from onnx2wgsl.trainer.evaluation.metrics import psnr
from onnx2wgsl.trainer.evaluation.table import perceptual
from onnx2wgsl.trainer.training.perceptual import perceptual_distance
from PIL import Image

from scripts.motion_clips import MODEL, SIZE, WORK, MotionClip, clips
from scripts.motion_device import UNLIMITED, Device
from scripts.weave import maps_of, woven

STRIP = Path(__file__).resolve().parents[1] / "docs" / "images" / "reprojection.webp"
COUNTS = (2, 3, 4)
TRUTH, FULL, WEAVE, MOVED_WEAVE = "truth", "the generator", "weave", "weave, moved"
HOLD, MOVED, RULES = (f"{name} {{}}" for name in ("last one, N =", "moved, N =", "moved by the rules, N ="))
COLUMNS = (TRUTH, FULL, HOLD.format(4), WEAVE, MOVED_WEAVE, RULES.format(4))
"""Of the picture strip."""
KINDS = ("speech", "turn slow", "turn brisk", "turn fast")

Pictures = NDArray[np.uint8]
Figures = tuple[float, ...]


@dataclass(frozen=True)
class Take:
    """Pictures as they are shown, u8[n,256,256,3]; the share of the generator, and its frames."""

    pictures: Pictures
    share: float = 1.0
    due: tuple[bool, ...] = ()


def takes_of(clip: MotionClip, device: Device) -> dict[str, Take]:
    """What is shown of a clip, by how."""
    mesh = device.ask_mesh(clip, 1)
    names = {TRUTH: device.ask(clip, 1, {}, clip.truths), FULL: device.ask(clip, 1, {}, clip.pictures)}
    for every in COUNTS:
        names[MOVED.format(every)] = device.ask(clip, every, UNLIMITED, clip.pictures)
        names[RULES.format(every)] = device.ask(clip, every, {}, clip.pictures)
    device.run()
    maps = maps_of(device.mesh(mesh), device.triangles(), SIZE)
    names[WEAVE] = device.ask(clip, 1, {}, woven(clip.pictures))
    names[MOVED_WEAVE] = device.ask(clip, 1, {}, woven(clip.pictures, maps))
    device.run()
    takes = {}
    for name, job in names.items():
        due = device.due(job)
        takes[name] = Take(device.pictures(job), float(np.mean(due)), tuple(due))
    for name in (WEAVE, MOVED_WEAVE):
        takes[name] = Take(takes[name].pictures, 0.25)
    full = takes[FULL].pictures
    for every in COUNTS:
        last = np.arange(len(full)) // every * every
        takes[HOLD.format(every)] = Take(full[last], float(np.mean(np.arange(len(full)) == last)))
    return takes


def check(device: Device, clip: MotionClip, full: Pictures) -> None:
    """A mesh that has not moved shows what the generator's frame does, within one step."""
    still = MotionClip("still", np.repeat(clip.landmarks[:1], 4, axis=0), clip.truths[:4], clip.pictures[:4])
    job = device.ask(still, 4, UNLIMITED, still.pictures)
    device.run()
    step = np.abs(device.pictures(job).astype(int) - full[0]).max()
    if step > 1:
        raise SystemExit(f"a mesh at rest differs by {step} of 255 from the generator's picture")


def figures(takes: Mapping[str, Take], clip: MotionClip, distance: Any) -> dict[str, Figures]:
    """By take: PSNR to the truth, that of the mouth, Perc-Lite0, PSNR to the generator, its share.

    That to the generator is of all pictures together: of some it would be infinite.
    """
    truth, full = takes[TRUTH].pictures, takes[FULL].pictures
    boxes = [mouth_box(face, SIZE) for face in clip.landmarks]
    result = {}
    for name, take in takes.items():
        if name != TRUTH:
            pairs = list(zip(take.pictures, truth, boxes, strict=True))
            whole = np.mean([psnr(a, b) for a, b, _ in pairs])
            lips = np.mean([psnr(a[y:v, x:u], b[y:v, x:u]) for a, b, (y, v, x, u) in pairs])
            near = distance(take.pictures, truth).mean()
            result[name] = (*map(float, (whole, lips, near)), psnr(take.pictures, full), take.share)
    return result


def table(kind: str, rows: Mapping[str, Figures]) -> str:
    """In Markdown."""
    lines = [
        f"| {kind} | share | PSNR | mouth | Perc-Lite0 | to the generator |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for name, (whole, lips, near, loss, share) in rows.items():
        lines.append(f"| {name} | {share:.2f} | {whole:.2f} | {lips:.2f} | {near:.2f} | {loss:.1f} |")
    return "\n".join(lines)


def moment(takes: Mapping[str, Take]) -> Pictures:
    """A row of the strip: of the frames that the rules moved, that where the last is furthest behind."""
    due, truth = takes[RULES.format(4)].due, takes[TRUTH].pictures
    late = takes[HOLD.format(4)].pictures
    errors = [0 if due[i] else np.square(late[i].astype(float) - truth[i]).mean() for i in range(len(due))]
    return np.concatenate([takes[name].pictures[np.argmax(errors)] for name in COLUMNS], axis=1)


def write_strip(rows: Iterable[Pictures]) -> None:
    """Writes the picture of docs/live-page.md."""
    sheet = cv2.resize(np.concatenate(list(rows)), None, fx=0.75, fy=0.75, interpolation=cv2.INTER_AREA)
    Image.fromarray(sheet).save(STRIP, quality=85)


def main() -> None:
    """Measures, prints, writes."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=Path, default=MODEL)
    parser.add_argument("--frames", type=int, default=50)
    parser.add_argument("--work", type=Path, default=WORK)
    options = parser.parse_args()
    device, distance = Device(options.work), perceptual(perceptual_distance())
    rows: dict[str, dict[str, Figures]] = {}
    moments = {}
    for clip in clips(options.model, options.frames):
        takes = takes_of(clip, device)
        check(device, clip, takes[FULL].pictures)
        rows[clip.name] = figures(takes, clip, distance)
        moments[clip.name] = moment(takes)
    for kind in KINDS:
        alike = [row for name, row in rows.items() if name.startswith(kind)]
        means = {name: tuple(np.mean([row[name] for row in alike], axis=0).tolist()) for name in alike[0]}
        print(table(kind, means), end="\n\n")
    write_strip([moments["turn fast"], moments["speech 2"]])


if __name__ == "__main__":
    main()
