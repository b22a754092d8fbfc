"""A complete artifact of three kernels, written by hand, with its meaning in plain integers.

    x f32[1,3,4,4] (or a picture) -quantize-> s8 words -conv 1x1 to 4 channels-> s8 words
    -lookup-> y f32[1,4,4,4]; z s8[1,3,1,1] is pixel 0 of the quantized input.
    shift u8[5]: its last byte is added to every accumulator of the convolution.

Every float operation in it is exact (powers of two), so that the reference below needs no rounding.
"""

import hashlib
import json
import struct
from pathlib import Path
from typing import Any

import numpy as np

from tests.golden import GOLDENS
from tests.sealed import record, seal, sections

PIXELS = 16
CONV_AT = 16  # word of the arena where the convolution's rows begin
SCALE = struct.unpack("<I", struct.pack("<f", 2.0**-7))[0]
WEIGHTS = np.array([[1, -2, 3, 9], [127, 127, 127, 9], [-128, -128, -128, 9], [5, 0, -77, 9]], np.int8)
BIAS = np.array([0, 64, -192, 7], np.int32)
TABLE = (np.arange(256, dtype=np.float32) - 100) / 8  # by byte

SNIPPETS = {path.name: path.read_text("utf-8") for path in sorted((GOLDENS / "test_snippets").glob("*.wgsl"))}
"""The product's own, as every artifact has them: the variants of dot and of requantize, the probe."""
QUANTIZE = """@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> arena: array<u32>;
@compute @workgroup_size(16)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    var word = 0u;
    for (var c = 0u; c < 3u; c++) {
        let q = clamp(i32(x[c * 16u + id.x] * 128.0), -128, 127);
        word |= (bitcast<u32>(q) & 255u) << (8u * c);
    }
    arena[id.x] = word;
}
"""
QUANTIZE_IMAGE = """@group(0) @binding(0) var<storage, read> pixels: array<u32>;
@group(0) @binding(1) var<storage, read_write> arena: array<u32>;
@compute @workgroup_size(16)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    arena[id.x] = (pixels[id.x] ^ 0x808080u) & 0xffffffu;
}
"""
CONV = """@group(0) @binding(0) var<storage, read_write> arena: array<u32>;
@group(0) @binding(1) var<storage, read> weights: array<u32>;
@group(0) @binding(2) var<storage, read> shift: array<u32>;
@compute @workgroup_size(16)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let w = vec4u(weights[0], weights[1], weights[2], weights[3]);
    let bias = bitcast<vec4i>(vec4u(weights[4], weights[5], weights[6], weights[7]));
    let sums = bias + dots(arena[id.x], w) + i32(shift[1] & 255u);
    let q = requantize(sums, vec4f(bitcast<f32>(weights[8])), 0);
    let v = bitcast<vec4u>(q) & vec4u(255u);
    arena[16u + 2u * id.x] = v.x | (v.y << 8u) | (v.z << 16u) | (v.w << 24u);
}
"""
LOOKUP = """@group(0) @binding(0) var<storage, read_write> arena: array<u32>;
@group(0) @binding(1) var<storage, read> weights: array<u32>;
@group(0) @binding(2) var<storage, read_write> y: array<u32>;
@group(0) @binding(3) var<storage, read_write> z: array<u32>;
@compute @workgroup_size(16)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let word = arena[16u + 2u * id.x];
    for (var c = 0u; c < 4u; c++) {
        y[16u * c + id.x] = weights[9u + ((word >> (8u * c)) & 255u)];
    }
    if (id.x == 0u) { z[0] = arena[0] & 0xffffffu; }
}
"""
RARE = ("dot_emulated.wgsl", "requantize_integer.wgsl", "resize_buffer.wgsl", "resize_texture.wgsl")
SHADERS = SNIPPETS | {
    "00_quantize.wgsl": QUANTIZE,
    "00_quantize_image.wgsl": QUANTIZE_IMAGE,
    "01_conv.wgsl": CONV,
    "02_lookup.wgsl": LOOKUP,
}


PROBE_AT = 4 + 4 + 1 + 256  # word of the weights where the probe's cases begin


def _usual(texts: dict[str, str]) -> dict[str, str]:
    return {name: text for name, text in texts.items() if name not in RARE}


def _rare(texts: dict[str, str]) -> dict[str, str]:
    return {name: text for name, text in texts.items() if name in RARE}


def weights_bin() -> bytes:
    """Four weight words, four biases, the scale, the table, the probe's cases."""
    cases = np.array(probe_cases(), np.int64).astype("<u4").ravel()
    words = [WEIGHTS.view("<u4").ravel(), BIAS.view("<u4"), [SCALE], TABLE.view("<u4"), cases]
    return np.concatenate([np.asarray(w, dtype="<u4") for w in words]).tobytes()


def reference(x: np.ndarray, shift: np.ndarray) -> dict[str, list[np.ndarray]]:
    """Kernel name -> the words that it writes, a [rows, width] array for each store."""
    q = np.clip(np.trunc(x[0].reshape(3, PIXELS) * 128), -128, 127).astype(np.int64)
    quads = np.zeros((PIXELS, 4), np.int8)
    quads[:, :3] = q.T
    sums = q.T @ WEIGHTS[:, :3].T.astype(np.int64) + BIAS + int(shift[4])
    conv = np.clip(np.round(sums / 128), -128, 127).astype(np.int8)
    y = TABLE[conv.T.view(np.uint8)]
    z = np.append(quads[0, :3], np.int8(0))
    return {
        "quantize": [quads.view("<u4")],
        "conv": [np.ascontiguousarray(conv).view("<u4")],
        "lookup": [y.reshape(1, -1).view("<u4"), z.reshape(1, 4).view("<u4")],
    }


def seeded(seed: int, count: int) -> list[int]:
    """`h >> 8` of docs/artifact.md for each element, in Python's integers."""
    values, mask = [], 0xFFFFFFFF
    for i in range(count):
        h = (i * 0x9E3779B1 + seed * 0x85EBCA77) & mask
        h = ((h ^ (h >> 15)) * 0x2C1B3C6D) & mask
        h = ((h ^ (h >> 12)) * 0x297A2D39) & mask
        values.append((h ^ (h >> 15)) >> 8)
    return values


def seeded_feed() -> dict[str, np.ndarray]:
    """The input of the self-test (seed 3, x between -1.1 and 1.1)."""
    x = [-1.1 + (1.1 - -1.1) * h / 16777216 for h in seeded(3, 48)]
    shift = [h & 255 for h in seeded(4, 5)]
    return {
        "x": np.array(x, np.float32).reshape(1, 3, 4, 4),
        "shift": np.array(shift, np.uint8),
    }


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:16]


STORES = [
    [("arena", 0, PIXELS, 1, 1)],
    [("arena", CONV_AT, PIXELS, 2, 1)],
    [("output:y", 0, 1, 64, 64), ("output:z", 0, 1, 1, 1)],
]
"""What each kernel writes."""


def _store(buffer: str, offset: int, rows: int, pitch: int, width: int) -> dict[str, Any]:
    return {"buffer": buffer, "offset": offset, "rows": rows, "pitch": pitch, "width": width}


def _kernel(name: str, shader: str, uses: list[str], buffers: list[str]) -> dict:
    return {
        "name": name,
        "op": name,
        "shader": shader,
        "constants": [],
        "uses": uses,
        "workgroups": [1, 1, 1],
        "bindings": [
            {
                "binding": i,
                "buffer": buffer,
                "access": "read" if buffer[:5] in ("weigh", "input", "image") else "read_write",
            }
            for i, buffer in enumerate(buffers)
        ],
    }


def probe_cases() -> list[tuple[int, int, int, int]]:
    """Accumulator, bits of the scale, zero point and expected result of each."""
    accumulators = [*range(-320, 384, 16), *range(-70, 70, 7), 40000, -40000]
    return [
        (a, SCALE, i % 5 - 2, max(-128, min(127, round(a / 128) + i % 5 - 2)))
        for i, a in enumerate(accumulators)
    ]


def self_test() -> dict[str, Any]:
    """The test vectors, for a test to change before they are written."""
    words = reference(**seeded_feed())
    y, z = words["lookup"]
    pixels = np.array(seeded(3, 4 * PIXELS), np.int64).astype(np.uint8).reshape(PIXELS, 4)
    picture = (pixels[:, :3].T / 128 - 1).astype(np.float32).reshape(1, 3, 4, 4)
    from_picture = reference(picture, seeded_feed()["shift"])["quantize"][0]
    return {
        "seed": 3,
        "inputs": {"x": {"low": -1.1, "high": 1.1}},
        "kernels": [_digest(b"".join(w.tobytes() for w in v)) for v in words.values()],
        "stores": [[_store(*one) for one in stores] for stores in STORES],
        "macs": [0, 0, 0],
        "pictures": {"x": _digest(from_picture.tobytes())},
        "outputs": {"y": _digest(y.tobytes()), "z": _digest(z.tobytes()[:3])},
    }


def description() -> dict[str, Any]:
    """model.json as a dict without its own hash, for a test to change before it is written."""
    image_kernel = _kernel("quantize_image", "00_quantize_image.wgsl", [], ["image:x", "arena"])
    return {
        "format": "onnx2wgsl",
        "version": 5,
        "name": "tiny",
        "generator": "written by hand",
        "reference": {"runtime": "integers", "qdqisint8allowed": False},
        "source": {"file": "tiny.onnx", "sha256": "0" * 64},
        "arena": {"bytes": 4 * (CONV_AT + 2 * PIXELS), "lower_bound": 128},
        "weights": record("weights.bin", weights_bin()),
        "shaders": record("shaders.txt", sections(_usual(SHADERS))),
        "rare_shaders": record("rare_shaders.txt", sections(_rare(SHADERS))),
        "inputs": [
            {
                "name": "x",
                "dtype": "float32",
                "shape": [1, 3, 4, 4],
                "image": {
                    "size": [4, 4],
                    "channels": "rgb",
                    "scale": [1 / 128] * 3,
                    "offset": [-1] * 3,
                    "fit": "cover",
                    "pad": [0, 0, 0],
                    "resize": {"buffer": "resize_buffer.wgsl", "texture": "resize_texture.wgsl"},
                    "replaces": 0,
                    "kernel": image_kernel,
                },
            },
            {"name": "shift", "dtype": "uint8", "shape": [5]},
        ],
        "outputs": [
            {
                "name": "y",
                "dtype": "float32",
                "shape": [1, 4, 4, 4],
                "image": {"scale": 8, "offset": 100},
            },
            {"name": "z", "dtype": "int8", "shape": [1, 3, 1, 1]},
        ],
        "kernels": [
            _kernel("quantize", "00_quantize.wgsl", [], ["input:x", "arena"]),
            _kernel(
                "conv",
                "01_conv.wgsl",
                ["dot", "requantize"],
                ["arena", "weights", "input:shift"],
            ),
            _kernel(
                "lookup",
                "02_lookup.wgsl",
                [],
                ["arena", "weights", "output:y", "output:z"],
            ),
        ],
        "snippets": {
            "dot": {"packed": "dot_packed.wgsl", "emulated": "dot_emulated.wgsl"},
            "requantize": {"fast": "requantize_fast.wgsl", "integer": "requantize_integer.wgsl"},
        },
        "probe": {"shader": "probe_requantize.wgsl", "offset": PROBE_AT, "count": len(probe_cases())},
        "self_test": record("self_test.json", json.dumps(self_test()).encode()),
    }


def write(
    folder: Path,
    model: dict[str, Any] | None = None,
    shaders: dict[str, str] | None = None,
    vectors: dict[str, Any] | None = None,
) -> Path:
    """Writes the artifact; what is given replaces parts of it. The hashes are right."""
    folder.mkdir(parents=True)
    (folder / "weights.bin").write_bytes(weights_bin())
    texts = SHADERS | (shaders or {})
    (folder / "shaders.txt").write_bytes(sections(_usual(texts)))
    (folder / "rare_shaders.txt").write_bytes(sections(_rare(texts)))
    (folder / "self_test.json").write_text(json.dumps(vectors or self_test()))
    seal(folder, model or description())
    return folder


def bundle(folder: Path, path: Path) -> Path:
    """Writes the bundle of a folder."""
    names = ("model.json", "shaders.txt", "rare_shaders.txt", "self_test.json", "weights.bin")
    model, *rest = ((folder / name).read_bytes() for name in names)
    path.write_bytes(b"".join([b"onnx2wgsl\0\0\0", len(model).to_bytes(4, "little"), model, *rest]))
    return path
