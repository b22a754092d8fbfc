/** The types in an artifact: what a strict TypeScript project, old or new, knows of a compiled model. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';

import { artifactFolders, nameOf, ROOT, RUNTIME, temporaryFolder } from './host.js';

const MODULES = join(ROOT, 'node_modules');
const APP = temporaryFolder();
const STRICT = {
  strict: true,
  noUncheckedIndexedAccess: true,
  exactOptionalPropertyTypes: true,
  skipLibCheck: false,
  noEmit: true,
  target: 'es2022',
  lib: ['es2022', 'dom', 'dom.iterable'],
};
/** Each line with an @ts-expect-error must be refused: else the compiler says that it is unused. */
const useOf = (runtime, model) => `
import { createSession, toPixels } from ${JSON.stringify(runtime)};
import type { Session } from ${JSON.stringify(runtime)};
import type { Model } from ${JSON.stringify(model)};

const session = await createSession<Model>('./unet/');
const picture = new ImageData(32, 32);
const { output } = await session.run({ input: picture });
export const values: Float32Array = output;
export const shape: [1, 3, 32, 32] = session.outputs[0].shape;
export const name: 'input' = session.inputs[0].name;
export const image = new ImageData(toPixels(session.outputs[0], output), 32);
const pixels = await session.run({ input: new Float32Array(3 * 32 * 32) }, { as: 'pixels' });
export const drawn = new ImageData(pixels.output, 32);
export const named = await session.run<{ output: Float32Array }>({ input: picture }, { outputs: ['output'] });
await session.frame(picture, new OffscreenCanvas(32, 32));
export const buffer: GPUBuffer = session.outputBuffer('output');
export const plain: Session = session;

// @ts-expect-error another name
await session.run({ image: picture });
// @ts-expect-error another dtype
await session.run({ input: new Int32Array(3 * 32 * 32) });
// @ts-expect-error an output that the model lacks
await session.run({ input: picture }, { outputs: ['mask'] });
// @ts-expect-error none of its outputs
pixels.mask;
// @ts-expect-error another shape
export const wrong: [1, 3, 512, 512] = session.outputs[0].shape;
// @ts-expect-error no second output
session.outputs[1];

const unknown = await createSession('./other/');
const results = await unknown.run({ ids: new BigInt64Array(4), picture });
export const first = results['scores'];
export const sizes: number[] = unknown.outputs[0].shape;
`;
const SCORES = `
import { createSession } from './unet/runtime.js';
import type { Model } from './scores/model.js';

const session = await createSession<Model>('./scores/');
const { 'a.b': scores, found } = await session.run({ ids: new BigInt64Array(4), mask: new Uint8Array(4) });
export const numbers: Float32Array = scores;
export const bytes: Uint8Array = found;
const { found: alone, ...rest } = await session.run({ ids: new BigInt64Array(4), mask: new Uint8Array(4) },
  { outputs: ['found'] });
export const [both, none]: [Uint8Array, {}] = [alone, rest];
// @ts-expect-error the input is no picture
await session.run({ ids: new ImageData(2, 2), mask: new Uint8Array(4) });
// @ts-expect-error an input is missing
await session.run({ ids: new BigInt64Array(4) });
// @ts-expect-error read was found alone
rest['a.b'];
`;
const MODEL_OF_SCORES = `
export type Model = {
  inputs: [{ name: "ids"; dtype: "int64"; shape: [1, 4] }, { name: "mask"; dtype: "bool"; shape: [1, 4] }];
  outputs: [{ name: "a.b"; dtype: "float32"; shape: [1, 9] }, { name: "found"; dtype: "uint8"; shape: [1] }];
};
`;

before(() => {
  const unet = artifactFolders().find((folder) => nameOf(folder) !== 'fixture');
  cpSync(unet, join(APP, 'unet'), { recursive: true });
  cpSync(RUNTIME, join(APP, 'package'), { recursive: true });
  writeFileSync(join(APP, 'package.json'), '{"private": true, "type": "module"}');
  writeFileSync(join(APP, 'own.ts'), useOf('./unet/runtime.js', './unet/model.js'));
  writeFileSync(join(APP, 'latest.ts'), useOf('./package/runtime.js', './unet/model.js'));
  writeFileSync(join(APP, 'oldest.ts'), useOf('./package/types-5.0/runtime.js', './unet/model.js'));
  writeFileSync(join(APP, 'scores.ts'), SCORES);
  cpSync(join(APP, 'unet/icon.svg'), join(APP, 'scores/icon.svg'));
  writeFileSync(join(APP, 'scores/model.d.ts'), MODEL_OF_SCORES);
  // What lib.dom of TypeScript 5.0 lacks.
  writeFileSync(join(APP, 'globals.d.ts'), 'interface VideoFrame { close(): void }');
});

test('the types are as they are made, and import nothing', () => {
  const types = readFileSync(join(APP, 'unet/model.d.ts'), 'utf8');
  assert.doesNotMatch(types, /import/);
  const runtime = readFileSync(join(APP, 'unet/runtime.d.ts'), 'utf8');
  assert.equal(runtime, readFileSync(join(RUNTIME, 'dist/runtime.d.ts'), 'utf8'));
  assert.doesNotMatch(runtime, /\bimport\b|Array</);
});

describe('a strict TypeScript project knows the model', () => {
  const gpu = join(MODULES, '@webgpu/types');
  const old = ['own.ts', 'oldest.ts', 'scores.ts', 'globals.d.ts'];
  for (const [compiler, files, options] of [
    ['typescript', ['own.ts', 'latest.ts', 'scores.ts'], { module: 'nodenext', types: [] }],
    [
      'typescript',
      ['own.ts', 'latest.ts', 'scores.ts'],
      { module: 'esnext', moduleResolution: 'bundler', types: [] },
    ],
    ['typescript-oldest', old, { module: 'nodenext', moduleResolution: 'nodenext', types: [gpu] }],
    ['typescript-oldest', old, { module: 'esnext', moduleResolution: 'bundler', types: [gpu] }],
  ])
    test(`by ${compiler} with ${options.moduleResolution ?? options.module}`, () => {
      const config = { compilerOptions: { ...STRICT, ...options }, files };
      writeFileSync(join(APP, 'tsconfig.json'), JSON.stringify(config));
      const { bin } = JSON.parse(readFileSync(join(MODULES, compiler, 'package.json'), 'utf8'));
      const command = [join(MODULES, compiler, bin.tsc), '-p', '.'];
      try {
        execFileSync(process.execPath, command, { cwd: APP, encoding: 'utf8' });
      } catch ({ stdout }) {
        assert.fail(stdout);
      }
    });
});
