// Runs a model in onnxruntime-web's WebAssembly: node onnxruntime_web.mjs FOLDER
//
// FOLDER holds model.onnx, request.json and request.bin, and gets response.json and response.bin:
//   request   {extra, samples: [{input: {type, dims, offset, bytes}}]}
//   response  {version, samples: [{output: {type, dims, offset, bytes}}]}
// The package is the one that Node.js finds from the folder that this is run in. Exit status 3: there is none.

import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { exit } from 'node:process';

const folder = process.argv[2];
const path = (name) => join(folder, name);

function loadPackage() {
  try {
    return createRequire(join(process.cwd(), 'here.js'))('onnxruntime-web');
  } catch (error) {
    console.error(error.message);
    exit(3);
  }
}

const ARRAYS = {
  bool: Uint8Array,
  float32: Float32Array,
  int32: Int32Array,
  int64: BigInt64Array,
  int8: Int8Array,
  uint8: Uint8Array,
};

function feedsOf(ort, sample, bytes) {
  const feeds = {};
  for (const [name, { type, dims, offset, bytes: length }] of Object.entries(sample)) {
    const View = ARRAYS[type];
    feeds[name] = new ort.Tensor(
      type,
      new View(bytes, offset, length / View.BYTES_PER_ELEMENT),
      dims,
    );
  }
  return feeds;
}

async function runAll(ort) {
  ort.env.wasm.numThreads = 1;
  const request = JSON.parse(readFileSync(path('request.json'), 'utf8'));
  const bytes = new Uint8Array(readFileSync(path('request.bin'))).buffer;
  const session = await ort.InferenceSession.create(readFileSync(path('model.onnx')), {
    executionProviders: ['wasm'],
    extra: request.extra,
    logSeverityLevel: 4,
  });
  const parts = [];
  const samples = [];
  let offset = 0;
  for (const sample of request.samples) {
    const outputs = {};
    const results = await session.run(feedsOf(ort, sample, bytes));
    for (const [name, { type, dims, data }] of Object.entries(results)) {
      outputs[name] = { type, dims, offset, bytes: data.byteLength };
      parts.push(Buffer.from(data.buffer, data.byteOffset, data.byteLength));
      offset += data.byteLength;
    }
    samples.push(outputs);
  }
  writeFileSync(path('response.bin'), Buffer.concat(parts));
  writeFileSync(path('response.json'), JSON.stringify({ version: ort.env.versions.web, samples }));
}

const ort = loadPackage();
try {
  await runAll(ort);
} catch (error) {
  // Not thrown: Node.js would print the package's whole source, which is one line.
  console.error(error.message ?? error);
  exit(1);
}
