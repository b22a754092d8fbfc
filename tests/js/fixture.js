/**
 * A small artifact made by hand, independent of the compiler: an 8x8 picture through quantize,
 * a 1x1 convolution and dequantize. Its checksums come from the arithmetic written here in JS.
 */
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const SIZE = 8;
const PIXELS = SIZE * SIZE;
const CONV_AT = PIXELS; // words of the convolution's slice in the arena, every second word
const ZERO_POINT = 3; // of the convolution's result

// Signed channel weights of one output channel each, biases, and scales of at most 11 bits of
// mantissa: products with the accumulators are exact in f32, so one rounding is left.
const WEIGHTS = [
  [90, -31, 17],
  [-128, 127, -5],
  [3, 64, -77],
];
const BIASES = [-4000, 250, 12345];
const SCALES = [0.0078125, 1023 / 131072, 0.03125];

/** The product's own snippets and probe, by file, as every artifact has them. */
function snippets() {
  const folder = join(import.meta.dirname, '..', 'goldens', 'test_snippets');
  return Object.fromEntries(
    readdirSync(folder).map((name) => [name, readFileSync(join(folder, name), 'utf8')]),
  );
}

// What is loaded when a device or a picture needs it.
const RARE = /^(dot_emulated|requantize_integer|resize_)/;
const SHADERS = {
  ...snippets(),
  '00_quantize.wgsl': `@group(0) @binding(0) var<storage, read_write> arena: array<u32>;
@group(0) @binding(1) var<storage, read> input: array<f32>;
@compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  var word = 0x80u << 24u;
  for (var c = 0u; c < 3u; c++) {
    let x = clamp(i32(round(input[c * ${PIXELS}u + id.x] * 128.0)) + 128, 0, 255);
    word |= u32(x) << (c * 8u);
  }
  arena[id.x] = word ^ 0x80808080u;
}
`,
  '00_picture.wgsl': `@group(0) @binding(0) var<storage, read_write> arena: array<u32>;
@group(0) @binding(1) var<storage, read> image: array<u32>;
@compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  arena[id.x] = (image[id.x] & 0xffffffu) ^ 0x808080u;
}
`,
  '01_conv.wgsl': `@group(0) @binding(0) var<storage, read_write> arena: array<u32>;
@group(0) @binding(1) var<storage, read> weights: array<vec4u>;
@compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  let acc = dots(arena[id.x], weights[0]) + bitcast<vec4i>(weights[1]);
  let v = bitcast<vec4u>(requantize(acc, bitcast<vec4f>(weights[2]), ${ZERO_POINT})) & vec4u(255u);
  arena[${CONV_AT}u + 2u * id.x] = v.x | (v.y << 8u) | (v.z << 16u);
}
`,
  '02_dequantize.wgsl': `@group(0) @binding(0) var<storage, read_write> arena: array<u32>;
@group(0) @binding(1) var<storage, read_write> output: array<f32>;
@compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  let word = bitcast<i32>(arena[${CONV_AT}u + 2u * id.x]);
  for (var c = 0u; c < 3u; c++) {
    let q = extractBits(word, c * 8u, 8u) - ${ZERO_POINT};
    output[c * ${PIXELS}u + id.x] = f32(q) * 0.0078125;
  }
}
`,
};

/** x rounded to the nearest integer, ties to even. */
function roundEven(x) {
  const floor = Math.floor(x);
  const rest = x - floor;
  return rest > 0.5 || (rest === 0.5 && floor % 2 !== 0) ? floor + 1 : floor;
}

function clampByte(x) {
  return Math.min(127, Math.max(-128, x));
}

function requantize(accumulator, scale) {
  return clampByte(roundEven(accumulator * scale) + ZERO_POINT);
}

/** Three signed bytes as a word. */
function packed([a, b, c]) {
  return (a & 255) | ((b & 255) << 8) | ((c & 255) << 16);
}

function checksum(values) {
  return createHash('sha256').update(values).digest('hex').slice(0, 16);
}

/** The seeded input of docs/artifact.md in BigInt, which wraps for nobody by accident. */
function seededInput(count, seed, low, high) {
  const hashes = Array.from({ length: count }, (_, i) => seededHash(i, seed));
  return Float32Array.from(hashes, (h) => low + ((high - low) * h) / 16777216);
}

function seededHash(i, seed) {
  const wrap = (x) => BigInt.asUintN(32, x);
  let h = wrap(BigInt(i) * 0x9e3779b1n + BigInt(seed) * 0x85ebca77n);
  h = wrap((h ^ (h >> 15n)) * 0x2c1b3c6dn);
  h = wrap((h ^ (h >> 12n)) * 0x297a2d39n);
  return Number((h ^ (h >> 15n)) >> 8n);
}

/** The words that the picture kernel makes of the self-test's picture. */
function seededPicture(seed) {
  const byte = (i) => seededHash(i, seed) & 255;
  const values = (c) => Array.from({ length: PIXELS }, (_, p) => byte(4 * p + c) / 128 - 1);
  return reference(Float32Array.from([0, 1, 2].flatMap(values))).quantized;
}

/** The three stages for a planar float input: words of quantize, words of conv, float output. */
export function reference(input) {
  const quantized = new Uint32Array(PIXELS);
  const convolved = new Uint32Array(PIXELS);
  const output = new Float32Array(3 * PIXELS);
  for (let p = 0; p < PIXELS; p++) {
    const x = [0, 1, 2].map((c) => clampByte(roundEven(input[c * PIXELS + p] * 128)));
    const y = WEIGHTS.map((row, c) =>
      requantize(
        row.reduce((sum, w, i) => sum + w * x[i], BIASES[c]),
        SCALES[c],
      ),
    );
    quantized[p] = packed(x);
    convolved[p] = packed(y);
    y.forEach((q, c) => (output[c * PIXELS + p] = (q - ZERO_POINT) / 128));
  }
  return { quantized, convolved, output };
}

/** Accumulator, bits of the scale, zero point and expected result of each case of the probe. */
function probeCases() {
  const bits = new Int32Array(Float32Array.from(SCALES).buffer);
  // Half of the cases are ties, which only round-to-nearest-even gets right.
  return Array.from({ length: 150 }, (_, i) => {
    const accumulator = (i - 75) * 64;
    return [accumulator, bits[i % 3], ZERO_POINT, requantize(accumulator, SCALES[i % 3])];
  });
}

/** Weights, biases and scales of four channels each; the fourth is not stored. */
function weightWords() {
  const scales = new Int32Array(Float32Array.from(SCALES).buffer);
  const words = [WEIGHTS.map(packed), BIASES, [...scales]].flatMap((three) => [...three, 0]);
  return new Uint8Array(Int32Array.from(words).buffer);
}

// What each kernel writes, by name.
export const STORES = new Map();

function kernel(name, shader, uses, bindings, store) {
  const stores = [{ offset: 0, rows: 1, pitch: 1, width: 1, ...store }];
  STORES.set(name, stores);
  const bound = bindings.map(([buffer, access], binding) => ({ binding, buffer, access }));
  const workgroups = [1, 1, 1];
  return {
    name,
    op: name,
    shader,
    constants: [],
    uses,
    workgroups,
    bindings: bound,
  };
}

const digestOf = (data) => createHash('sha256').update(data).digest('hex');

/** A file as model.json records it. */
function recordOf(file, data) {
  return { file, bytes: Buffer.byteLength(data), sha256: digestOf(data) };
}

/** The text of model.json, which ends with the hash of what stands before. */
function sealed(model) {
  const content = JSON.stringify(model).slice(0, -1);
  return `${content},\n "sha256": "${digestOf(content)}"\n}\n`;
}

function modelOf() {
  const arena = ['arena', 'read_write'];
  const shape = [1, 3, SIZE, SIZE];
  const words = { buffer: 'arena', width: PIXELS };
  const results = reference(seededInput(3 * PIXELS, 1, -1.1, 1.1));
  const picture = kernel('picture', '00_picture.wgsl', [], [arena, ['image:input', 'read']], words);
  return {
    format: 'onnx2wgsl',
    version: 5,
    name: 'fixture',
    generator: 'tests/js/fixture.js',
    reference: { runtime: 'tests/js/fixture.js', qdqisint8allowed: false },
    source: { file: 'none.onnx', sha256: '0'.repeat(64) },
    arena: { bytes: 4 * 3 * PIXELS, lower_bound: 4 * 3 * PIXELS },
    inputs: [
      {
        name: 'input',
        dtype: 'float32',
        shape,
        image: {
          size: [SIZE, SIZE],
          channels: 'rgb',
          scale: [1 / 128, 1 / 128, 1 / 128],
          offset: [-1, -1, -1],
          fit: 'cover',
          pad: [0, 0, 0],
          resize: { buffer: 'resize_buffer.wgsl', texture: 'resize_texture.wgsl' },
          replaces: 0,
          kernel: picture,
        },
      },
    ],
    outputs: [{ name: 'output', dtype: 'float32', shape, image: { scale: 128, offset: 128 } }],
    kernels: [
      kernel('quantize', '00_quantize.wgsl', [], [arena, ['input:input', 'read']], words),
      kernel('conv', '01_conv.wgsl', ['dot', 'requantize'], [arena, ['weights', 'read']], {
        buffer: 'arena',
        offset: CONV_AT,
        rows: PIXELS,
        pitch: 2,
        width: 1,
      }),
      kernel('dequantize', '02_dequantize.wgsl', [], [arena, ['output:output', 'read_write']], {
        buffer: 'output:output',
        width: 3 * PIXELS,
      }),
    ],
    snippets: {
      dot: { packed: 'dot_packed.wgsl', emulated: 'dot_emulated.wgsl' },
      requantize: { fast: 'requantize_fast.wgsl', integer: 'requantize_integer.wgsl' },
    },
    probe: { shader: 'probe_requantize.wgsl' },
    vectors: {
      seed: 1,
      inputs: { input: { low: -1.1, high: 1.1 } },
      kernels: [results.quantized, results.convolved, results.output].map(checksum),
      pictures: { input: checksum(seededPicture(1)) },
      outputs: { output: checksum(results.output) },
    },
  };
}

/**
 * Writes the fixture's folder.
 *
 * @param {string} folder
 * @param {(parts: {model: any, cases: number[][], shaders: Record<string, string>}) => void}
 *   [damage] changes the parts before they are written, and described with their hashes; the test vectors are
 *   `model.vectors`
 * @param {(files: Record<string, string | Uint8Array>) => void} [spoil] changes what is written
 */
export function writeFixture(folder, damage = () => {}, spoil = () => {}) {
  const parts = { model: modelOf(), cases: probeCases(), shaders: { ...SHADERS } };
  parts.model.weights = { file: 'weights.bin' };
  damage(parts);
  const { model, cases, shaders } = parts;
  const own = weightWords();
  const weights = new Uint8Array([...own, ...new Uint8Array(Int32Array.from(cases.flat()).buffer)]);
  if (model.probe) Object.assign(model.probe, { offset: own.length / 4, count: cases.length });
  const { vectors } = model;
  delete model.vectors;
  if (vectors.kernels && Array.isArray(model.kernels)) {
    vectors.stores ??= model.kernels.map(({ name }) => STORES.get(name));
    vectors.macs ??= model.kernels.map(() => 0);
  }
  const sections = (rare) =>
    Object.entries(shaders)
      .filter(([name]) => RARE.test(name) === rare)
      .map(([name, text]) => `//// ${name}\n${text}`)
      .join('\n');
  const texts = {
    'shaders.txt': sections(false),
    'rare_shaders.txt': sections(true),
    'self_test.json': JSON.stringify(vectors),
  };
  model.weights = { ...recordOf('weights.bin', weights), ...model.weights };
  model.shaders = recordOf('shaders.txt', texts['shaders.txt']);
  model.rare_shaders = recordOf('rare_shaders.txt', texts['rare_shaders.txt']);
  model.self_test ??= recordOf('self_test.json', texts['self_test.json']);
  const files = { ...texts, 'weights.bin': weights, 'model.json': sealed(model) };
  spoil(files);
  mkdirSync(folder, { recursive: true });
  for (const [name, data] of Object.entries(files)) writeFileSync(join(folder, name), data);
  return folder;
}

/** A model of bytes in and out, of lengths that fill no whole word: y = x with its sign flipped. */
export function bytesModel({ model, shaders }) {
  shaders['00_flip.wgsl'] = `@group(0) @binding(0) var<storage, read> x: array<u32>;
@group(0) @binding(1) var<storage, read_write> y: array<u32>;
@compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  if (id.x < 2u) { y[id.x] = x[id.x] ^ 0x80808080u; }
}
`;
  const flip = kernel(
    'flip',
    '00_flip.wgsl',
    [],
    [
      ['input:x', 'read'],
      ['output:y', 'read_write'],
    ],
    {
      buffer: 'output:y',
      width: 1,
    },
  );
  const bits = new Uint32Array(seededInput(5, 1, 0, 1).map((x) => x * 16777216));
  const flipped = Uint8Array.from(bits, (x) => (x & 255) ^ 128);
  Object.assign(model, {
    inputs: [{ name: 'x', dtype: 'uint8', shape: [1, 5] }],
    outputs: [{ name: 'y', dtype: 'int8', shape: [1, 5] }],
    kernels: [flip],
    vectors: {
      seed: 1,
      inputs: {},
      kernels: [checksum(flipped.slice(0, 4))],
      pictures: {},
      outputs: { y: checksum(flipped) },
    },
  });
}

/** A model without inputs, whose output is a constant. */
export function constantModel({ model, shaders }) {
  shaders['00_copy.wgsl'] = `@group(0) @binding(0) var<storage, read_write> y: array<u32>;
@compute @workgroup_size(1) fn main() { y[0] = 0x04030201u; }
`;
  const checksums = checksum(Uint8Array.of(1, 2, 3, 4));
  Object.assign(model, {
    inputs: [],
    outputs: [{ name: 'y', dtype: 'int8', shape: [4] }],
    kernels: [
      kernel('copy', '00_copy.wgsl', [], [['output:y', 'read_write']], { buffer: 'output:y' }),
    ],
    vectors: {
      seed: 1,
      inputs: {},
      kernels: [checksums],
      pictures: {},
      outputs: { y: checksums },
    },
  });
}

/** The bundle of a folder that was written so. */
export function bundleOf(folder) {
  const read = (name) => readFileSync(join(folder, name));
  const model = read('model.json');
  const head = Buffer.alloc(16);
  head.write('onnx2wgsl');
  head.writeUInt32LE(model.length, 12);
  return Buffer.concat([
    head,
    model,
    ...['shaders.txt', 'rare_shaders.txt', 'self_test.json', 'weights.bin'].map(read),
  ]);
}

/** A model whose output is its input, a picture of any values. */
export function pictureModel(channels, height, width, image = { scale: 127.5, offset: 127.5 }) {
  return ({ model, shaders }) => {
    const count = channels * height * width;
    shaders['00_copy.wgsl'] = `@group(0) @binding(0) var<storage, read> x: array<u32>;
@group(0) @binding(1) var<storage, read_write> y: array<u32>;
@compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  if (id.x < ${count}u) { y[id.x] = x[id.x]; }
}
`;
    const bindings = [
      ['input:x', 'read'],
      ['output:y', 'read_write'],
    ];
    const copy = kernel('copy', '00_copy.wgsl', [], bindings, { buffer: 'output:y', width: count });
    copy.workgroups = [Math.ceil(count / 64), 1, 1];
    const tensor = { dtype: 'float32', shape: [1, channels, height, width] };
    const checksums = checksum(seededInput(count, 1, -1, 1));
    Object.assign(model, {
      inputs: [{ name: 'x', ...tensor }],
      outputs: [{ name: 'y', ...tensor, image }],
      kernels: [copy],
      vectors: {
        seed: 1,
        inputs: { x: { low: -1, high: 1 } },
        kernels: [checksums],
        pictures: {},
        outputs: { y: checksums },
      },
    });
  };
}
