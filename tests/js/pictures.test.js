import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';

import { loadArtifact } from '../../runtime_js/artifact.js';
import { InputError } from '../../runtime_js/errors.js';
import { frameOf } from '../../runtime_js/feeds.js';
import { createPipeline, runSteps, stagingBuffer, storageBuffer } from '../../runtime_js/gpu.js';
import { coefficients, Resizer, sourceOf } from '../../runtime_js/pictures.js';
import { createProgram } from '../../runtime_js/program.js';
import { createSession } from '../../runtime_js/runtime.js';
import { bytesModel } from './fixture.js';
import {
  countCalls,
  fixtureFolder,
  nodeAdapter,
  noise,
  PYTHON,
  ROOT,
  temporaryFolder,
} from './host.js';

const { pad, cases } = JSON.parse(readFileSync(join(ROOT, 'tests/pictures.json'), 'utf8'));
const FIXTURE = fixtureFolder();
const STORAGE = 0x80;
const COPY_DST = 0x8;
const device = await (await nodeAdapter()).requestDevice();
after(() => device.destroy());

const openSession = (folder = FIXTURE) => createSession(folder, { device });

/** A GPUBuffer of these bytes. */
function bufferOf(bytes, usage = STORAGE) {
  const buffer = device.createBuffer({ size: bytes.byteLength, usage: usage | COPY_DST });
  device.queue.writeBuffer(buffer, 0, bytes);
  return buffer;
}

/** A GPUTexture of a picture's bytes; in a bgra format red and blue change places. */
function textureOf(
  { data, width, height },
  { format = 'rgba8unorm', usage = 0x6, on = device } = {},
) {
  const texture = on.createTexture({ size: [width, height], format, usage });
  const bytes = Uint8Array.from(data);
  if (format === 'bgra8unorm')
    for (let i = 0; i < bytes.length; i += 4) [bytes[i], bytes[i + 2]] = [bytes[i + 2], bytes[i]];
  if (usage & 2)
    on.queue.writeTexture({ texture }, bytes, { bytesPerRow: 4 * width }, [width, height]);
  return texture;
}

const parts = (async () => {
  const artifact = await loadArtifact(FIXTURE);
  await artifact.rareShaders();
  const [input] = artifact.model.inputs;
  return { artifact, input };
})();

describe('pictures are resized as in Python', () => {
  for (const { size, input: inputSize, fit, sha256 } of cases)
    for (const from of ['bytes', 'buffer', 'texture', 'bgra'])
      test(`${size.join('x')} to ${inputSize.join('x')}, ${JSON.stringify(fit)}, from ${from}`, async () => {
        const { artifact, input } = await parts;
        const [width, height] = inputSize;
        const target = storageBuffer(device, 'target', 4 * width * height);
        const kernel = (access) => ({
          name: 'resize',
          shader: `resize_${access === 'texture' ? access : 'buffer'}.wgsl`,
          constants: {},
          uses: [],
          bindings: [
            { binding: 0, buffer: 'plan', access: 'read' },
            { binding: 1, buffer: 'result', access: 'read_write' },
            { binding: 2, buffer: 'source', access },
          ],
        });
        const pipelines = {
          buffer: await createPipeline(device, artifact, {}, kernel('read')),
          texture: await createPipeline(device, artifact, {}, kernel('texture')),
        };
        const image = { ...input.image, pad, size: inputSize };
        const resizer = new Resizer(
          device,
          { ...input, shape: [1, 3, height, width], image },
          target,
          pipelines,
        );
        const picture = noise(...size);
        const given = {
          bytes: () => picture,
          buffer: () => ({ ...picture, data: bufferOf(picture.data) }),
          texture: () => textureOf(picture),
          bgra: () => textureOf(picture, { format: 'bgra8unorm' }),
        }[from]();
        const staging = stagingBuffer(device, 4 * width * height);
        const copies = [{ buffer: target, offset: 0, bytes: 4 * width * height }];
        const frame = resizer.frame(sourceOf('input', given), fit);
        const bytes = await runSteps(device, 'resize', frame, copies, staging);
        const digest = createHash('sha256').update(new Uint8Array(bytes)).digest('hex');
        assert.equal(digest.slice(0, 16), sha256);
        resizer.destroy();
        for (const buffer of [target, staging]) buffer.destroy();
      });

  test('coefficients of an axis add up, and lie within it', () => {
    for (const [size, start, end, count] of [
      [10, 0, 10, 3],
      [3, 0, 3, 50],
      [1, 0, 1, 1],
      [4096, 1.25, 4000.5, 7],
    ]) {
      const { taps, axis } = coefficients(size, start, end, count);
      for (let i = 0; i < count; i++) {
        const [first, ...rest] = axis.subarray(i * (taps + 1), (i + 1) * (taps + 1));
        const last = first + rest.findLastIndex((weight) => weight > 0);
        assert.ok(first >= 0 && last < size);
        assert.ok(Math.abs(rest.reduce((a, b) => a + b) - 2 ** 22) <= taps);
      }
    }
  });
});

describe('a session takes', () => {
  const small = noise(8, 8);
  const large = noise(33, 21);

  /** What a session makes of a picture, and of the same given in another way. */
  async function sameAs(picture, other, options) {
    const session = await openSession();
    const { output } = await session.run({ input: picture }, options);
    assert.deepEqual((await session.run({ input: other }, options)).output, output);
    session.destroy();
  }

  for (const [size, picture] of Object.entries({ small, large }))
    for (const fit of [undefined, 'contain', { x: 1, y: 2, width: 5.5, height: 5 }]) {
      const name = `${size}, ${JSON.stringify(fit)}`;
      test(`a texture (${name})`, () => sameAs(picture, textureOf(picture), { fit }));
      test(`a buffer of RGBA (${name})`, () =>
        sameAs(picture, { ...picture, data: bufferOf(picture.data) }, { fit }));
      test(`a Buffer of Node (${name})`, () =>
        sameAs(picture, { ...picture, data: Buffer.from(picture.data) }, { fit }));
    }

  test('a buffer of the values of an input', async () => {
    const values = Float32Array.from({ length: 192 }, (_, i) => Math.sin(i));
    await sameAs(values, bufferOf(values));
    const larger = new Float32Array(500);
    larger.set(values);
    await sameAs(values, bufferOf(larger));
  });

  test('a buffer beside weights that are larger, and stay whole', async () => {
    const folder = fixtureFolder((parts) => {
      bytesModel(parts);
      const [flip] = parts.model.kernels;
      flip.bindings.push({ binding: 2, buffer: 'weights', access: 'read' });
      parts.shaders['00_flip.wgsl'] = parts.shaders['00_flip.wgsl']
        .replace('@compute', '@group(0) @binding(2) var<storage, read> w: array<u32>;\n@compute')
        .replace('0x80808080u', 'w[4]');
    });
    const session = await openSession(folder);
    const x = Uint8Array.of(1, 2, 3, 4, 5);
    const { y } = await session.run({ x });
    assert.equal(new Int32Array(y.buffer.slice(0, 4))[0], 0x04030201 ^ -4000);
    const given = bufferOf(Uint8Array.of(...x, 0, 0, 0));
    assert.deepEqual((await session.run({ x: given })).y, y);
    session.destroy();
  });

  test('a buffer of bytes that fill no whole word', async () => {
    const session = await openSession(fixtureFolder(bytesModel));
    const { y } = await session.run({ x: bufferOf(Uint8Array.of(0, 1, 127, 128, 255, 0, 0, 0)) });
    assert.deepEqual(y, Int8Array.of(-128, -127, -1, 0, 127));
    session.destroy();
  });

  test('sizes, fits and kinds in turn', async () => {
    const session = await openSession();
    const run = async (picture, fit) => (await session.run({ input: picture }, { fit })).output;
    const pictures = [large, small, textureOf(large), noise(100, 3), textureOf(noise(40, 40))];
    const alone = [];
    for (const picture of pictures) {
      const own = await openSession();
      alone.push((await own.run({ input: picture })).output);
      own.destroy();
    }
    for (let round = 0; round < 3; round++)
      for (const [i, picture] of pictures.entries()) {
        await run(picture, 'stretch');
        assert.deepEqual(await run(picture), alone[i]);
      }
    session.destroy();
  });

  test('the same again without making anything, also where only the rectangle moves', async () => {
    const own = await (await nodeAdapter()).requestDevice();
    const session = await createSession(FIXTURE, { device: own });
    const texture = textureOf(large, { on: own });
    const fits = [0, 1, 2].map((x) => ({ x, y: x, width: 9 + x, height: 8 }));
    const frames = [];
    for (const picture of [large, texture])
      for (const fit of ['cover', ...fits]) frames.push([{ input: picture }, { fit }]);
    for (const frame of frames) await session.run(...frame);
    const calls = countCalls(own);
    for (const frame of frames) await session.run(...frame);
    delete calls.writeBuffer;
    assert.deepEqual(calls, { createCommandEncoder: 8, submit: 8 });
    session.destroy();
    own.destroy();
  });
});

test('a model of its own mean and std, of blue, green and red last in its shape, is exact', async () => {
  const folder = join(temporaryFolder(), 'nhwc');
  const script = `
import sys
from pathlib import Path
from onnx2wgsl.compiler import Preprocessing, compile_file
from tests.compiler.backend.test_pictures import IMAGENET, model
path = model("floats nhwc", Path(sys.argv[1]).parent)
compile_file(path, sys.argv[1], preprocess={"": Preprocessing(**IMAGENET, channels="bgr", fit="stretch")})`;
  execFileSync(PYTHON, ['-c', script, folder], { cwd: ROOT });
  const session = await openSession(folder);
  const [{ image }] = session.inputs;
  assert.deepEqual([image.size, image.channels, image.fit], [[6, 8], 'bgr', 'stretch']);
  const report = await session.selfTest();
  assert.ok(report.ok, report.message);
  assert.ok(report.kernels.some(({ name }) => name === 'x (picture)'));
  const { y } = await session.run({ x: noise(31, 17) });
  assert.deepEqual((await session.run({ x: noise(31, 17) }, { fit: 'stretch' })).y, y);
  session.destroy();
});

describe('is refused, and the next run works:', () => {
  const detached = () => {
    const data = new Uint8ClampedArray(4 * 64);
    structuredClone(data.buffer, { transfer: [data.buffer] });
    return { data, width: 8, height: 8 };
  };
  const layers = () => device.createTexture({ size: [8, 8, 2], format: 'rgba8unorm', usage: 0x6 });
  const foreign = async (make) => make(await (await nodeAdapter()).requestDevice());
  const ofForeignBuffer = () =>
    foreign((other) => other.createBuffer({ size: 768, usage: STORAGE }));
  for (const [what, make, message] of [
    ['a short picture', () => ({ data: new Uint8Array(5), width: 8, height: 8 }), /8x8 in 5 bytes/],
    ['a picture of nothing', () => ({ data: new Uint8Array(0), width: 0, height: 0 }), /0x0 in 0/],
    [
      'a picture of a negative size',
      () => ({ data: new Uint8Array(256), width: -8, height: -8 }),
      /-8x-8 in 256 bytes, expected some/,
    ],
    [
      'a picture of half a pixel',
      () => ({ data: new Uint8Array(272), width: 8.5, height: 8 }),
      /8\.5x8 in 272 bytes, expected some/,
    ],
    ['a detached buffer', detached, /in 0 bytes.*its buffer is empty or was transferred/],
    [
      'a picture of floats',
      () => ({ ...noise(8, 8), data: new Float32Array(256) }),
      /Float32Array/,
    ],
    [
      'a texture of floats',
      () => textureOf({ width: 8, height: 8, data: [] }, { format: 'rgba16float', usage: 4 }),
      /rgba16float, expected rgba8unorm or bgra8unorm/,
    ],
    [
      'an srgb texture',
      () => textureOf({ width: 8, height: 8, data: [] }, { format: 'rgba8unorm-srgb', usage: 4 }),
      /rgba8unorm-srgb, expected/,
    ],
    [
      'a texture to write',
      () => textureOf(noise(8, 8), { usage: 2 }),
      /without the usage TEXTURE_/,
    ],
    ['layers', layers, /more than one layer or sample/],
    [
      'a texture of another device',
      () => foreign((on) => textureOf(noise(8, 8), { on })),
      /device/i,
    ],
    ['a buffer of another device', ofForeignBuffer, /Input input can't be read on this device/],
    [
      'a short GPUBuffer',
      () => bufferOf(new Uint8Array(8)),
      /GPUBuffer of 8 bytes and usage \d+, expected 768 bytes/,
    ],
    [
      'a GPUBuffer to copy',
      () => bufferOf(new Uint8Array(768), 4),
      /usage 12, expected 768 bytes and STORAGE/,
    ],
    [
      'a short GPUBuffer of RGBA',
      () => ({ ...noise(8, 8), data: bufferOf(new Uint8Array(8)) }),
      /GPUBuffer of 8 bytes and usage \d+, expected 256 bytes/,
    ],
    [
      'a Blob in Node',
      () => new Blob(['x'], { type: 'image/png' }),
      /image\/png that can't be read/,
    ],
    [
      'a wide buffer',
      () => ({ ...noise(1, 1), data: bufferOf(new Uint8Array(4)), width: 1e6 }),
      /GPUBuffer/,
    ],
  ])
    test(what, async () => {
      const session = await openSession();
      const { output } = await session.run({ input: noise(9, 9) });
      const picture = await make();
      for (let i = 0; i < 2; i++)
        await assert.rejects(session.run({ input: picture }), (error) => {
          assert.ok(error instanceof InputError, `${error.stack}`);
          assert.match(error.message, message);
          return true;
        });
      assert.deepEqual((await session.run({ input: noise(9, 9) })).output, output);
      session.destroy();
    });

  test('a picture of more rows than a dispatch has', async () => {
    const session = await openSession();
    const { output } = await session.run({ input: noise(9, 9) });
    const tall = { data: new Uint8Array(4 * 600000), width: 1, height: 600000 };
    for (let i = 0; i < 2; i++)
      await assert.rejects(session.run({ input: tall }, { fit: 'stretch' }), {
        name: 'InputError',
        message: /picture of 1x600000, of which 8x600000 are more than this device takes at once/,
      });
    assert.deepEqual((await session.run({ input: noise(9, 9) })).output, output);
    session.destroy();
  });

  test('a picture whose first pass fills more than a buffer', async () => {
    const { input } = await parts;
    const image = { ...input.image, size: [4096, 8] };
    const target = storageBuffer(device, 'target', 4 * 4096 * 8);
    const resizer = new Resizer(device, { ...input, image }, target, {});
    const tall = { data: new Uint8Array(4 * 20000), width: 1, height: 20000 };
    assert.throws(() => resizer.frame(sourceOf('input', tall), 'stretch'), {
      name: 'InputError',
      message: /picture of 1x20000, of which 4096x20000 are more than this device takes at once/,
    });
    resizer.destroy();
    target.destroy();
  });

  for (const [fit, message] of [
    ['crop', /fit is crop, expected cover, contain, stretch or \{x, y, width, height\}/],
    [5, /fit is Number, expected/],
    [null, /fit is Null, expected/],
    [{ x: 0, y: 0, width: '8', height: 8 }, /fit is Object, expected/],
    [{ x: 5, y: 0, width: 5, height: 5 }, /rectangle 5x5 at \(5, 0\) lies not within .* 8x8/],
    [{ x: 0, y: 0, width: 0, height: 5 }, /rectangle 0x5 at/],
    [{ x: 0, y: NaN, width: 5, height: 5 }, /at \(0, NaN\)/],
  ])
    test(`the fit ${JSON.stringify(fit)}`, async () => {
      const session = await openSession();
      const { output } = await session.run({ input: noise(8, 8) });
      await assert.rejects(session.run({ input: noise(8, 8) }, { fit }), (error) => {
        assert.ok(error instanceof InputError, `${error.stack}`);
        assert.match(error.message, message);
        return true;
      });
      assert.deepEqual((await session.run({ input: noise(8, 8) })).output, output);
      session.destroy();
    });

  test('an unknown option of run', async () => {
    const session = await openSession();
    const told = session.run({ input: noise(8, 8) }, { fits: 'cover' });
    await assert.rejects(told, /No option is named fits: expected outputs, as, fit/);
    session.destroy();
  });
});

describe("a model's own arithmetic on a picture", () => {
  /** A compiled model that begins with Sub and Div by channel, a picture, what onnxruntime makes of it. */
  function compiled() {
    const folder = temporaryFolder();
    const script = `
import json, sys
from pathlib import Path
import numpy as np
from onnx2wgsl.compiler import compile_file
from onnx2wgsl.compiler.reference.oracle import Oracle
from tests.compiler.backend.test_fronts import FORMS, every_byte, model
folder = Path(sys.argv[1])
path = model(FORMS["sub div"], folder / "m.onnx", "nhwc early")
compile_file(path, folder / "a")
pixels = every_byte()
y = Oracle(path).run({"x": pixels[None, ..., :3].astype(np.float32)})["y"]
print(json.dumps([pixels.ravel().tolist(), y.ravel().tolist()]))`;
    const told = execFileSync(PYTHON, ['-c', script, folder], { cwd: ROOT }).toString();
    const [data, y] = JSON.parse(told.trim().split('\n').at(-1));
    const picture = { data: Uint8ClampedArray.from(data), width: 16, height: 16 };
    return { folder: join(folder, 'a'), picture, y: Float32Array.from(y) };
  }

  test("is in its table: onnxruntime's bits, without the kernel that does it", async () => {
    const { folder, picture, y } = compiled();
    const session = await openSession(folder);
    assert.deepEqual((await session.run({ x: picture })).y, y);
    const report = await session.selfTest();
    assert.ok(report.ok, report.message);
    const { model } = await loadArtifact(folder);
    assert.deepEqual(model.inputs[0].image.skips, [0]);
    const program = await createProgram(device, await loadArtifact(folder), session.variants);
    const steps = (feeds) => frameOf(program, feeds).steps.map(({ kernel }) => kernel.name);
    const all = model.kernels.map(({ name }) => name);
    assert.deepEqual(steps({ x: new Float32Array(768) }), all);
    assert.deepEqual(steps({ x: picture }), all.slice(1));
    session.destroy();
  });
});

test('two pictures of other sizes are resized each to its own input, as in Python', async () => {
  const folder = temporaryFolder();
  const script = `
import json, sys
from pathlib import Path
import onnx
from onnx2wgsl.compiler import compile_file
from onnx2wgsl.runtime_py import InferenceSession
from tests.pictures import picture
folder = Path(sys.argv[1])
model = onnx.parser.parse_model('''<ir_version: 8, opset_import: ["": 17]>
m (float[1,3,8,8] a, float[1,3,6,4] b) => (float[1,3,8,8] y, float[1,3,6,4] z)
<float scale = {0.01}, uint8 zero = {128}> {
  p = QuantizeLinear(a, scale, zero)
  q = QuantizeLinear(b, scale, zero)
  y = DequantizeLinear(p, scale, zero)
  z = DequantizeLinear(q, scale, zero)
}''')
onnx.save(model, folder / "m.onnx")
compile_file(folder / "m.onnx", folder / "a")
with InferenceSession(folder / "a") as session:
    values = session.run(None, {"a": picture(33, 21), "b": picture(50, 9)})
print(json.dumps([value.ravel().tolist() for value in values]))`;
  const told = execFileSync(PYTHON, ['-c', script, folder], { cwd: ROOT }).toString();
  const [y, z] = JSON.parse(told.trim().split('\n').at(-1)).map((some) => Float32Array.from(some));
  const session = await openSession(join(folder, 'a'));
  const feeds = { a: noise(33, 21), b: noise(50, 9) };
  for (let i = 0; i < 2; i++) assert.deepEqual(await session.run(feeds), { y, z });
  session.destroy();
});
