/** What is refused of an artifact in Node: damaged, of another kind, or without an end. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { describe, test } from 'node:test';

import { createSession } from '../../runtime_js/runtime.js';
import { fixtureFolder, nodeAdapter } from './host.js';
import { FIXTURE, openSession } from './sessions.js';

describe('a damaged or unfit artifact is refused', () => {
  const cases = {
    'another format': [
      ({ model }) => (model.format = 'onnx'),
      /format is "onnx", not "onnx2wgsl": not an artifact/,
    ],
    'another version': [({ model }) => (model.version = 1), /version is 1, this runtime reads 5/],
    'a missing key': [
      ({ model }) => delete model.arena,
      /^model.json is damaged; compile the model again:\n {2}\$.arena: is missing$/,
    ],
    'six problems': [
      ({ model }) =>
        Object.assign(model, { arena: 0, inputs: 0, kernels: 0, probe: 0, name: 0, outputs: 0 }),
      /\n {2}\$.outputs: 0 is against type "array"\n {2}and 1 more$/,
    ],
    'weights of another folder': [
      ({ model }) => (model.weights = { file: '../weights.bin' }),
      /\$.weights.file: "..\/weights.bin" is against pattern/,
    ],
    'weights of another origin': [
      ({ model }) => (model.weights = { file: 'https://elsewhere.example/weights.bin' }),
      /\$.weights.file: .* is against pattern/,
    ],
    'a shader that is no file': [
      ({ model }) => (model.kernels[1].shader = 'gone.wgsl'),
      /^shaders.txt is damaged; .*\n {2}gone.wgsl is missing$/,
    ],
    'a broken shader': [
      ({ shaders }) => (shaders['01_conv.wgsl'] = 'fn main('),
      /^Kernel conv \(01_conv.wgsl\): /,
    ],
    'a binding that the shader has not': [
      ({ model }) => model.kernels[0].bindings.pop(),
      /^Kernel quantize \(00_quantize.wgsl\): /,
    ],
    'an arena over the limits': [
      ({ model }) => (model.arena.bytes = 2 ** 32),
      /needs maxStorageBufferBindingSize 4294967296, adapter .* has \d+\. Use another device/,
    ],
  };
  for (const [what, [damage, message]] of Object.entries(cases))
    test(what, () =>
      assert.rejects(openSession(fixtureFolder((p) => void damage(p))), { message }),
    );

  const replaced = (name, old, fresh) => (files) => {
    assert.ok(files[name].includes(old));
    files[name] = files[name].replace(old, fresh);
  };
  const spoiled = {
    'no JSON': [replaced('model.json', '{', '{{'), /^model.json is damaged; .*\n {2}not JSON/],
    'a changed model.json': [
      replaced('model.json', '"lower_bound":768', '"lower_bound":764'),
      /^model.json is damaged; .*\n {2}it was changed since it was written: its sha256 is that of/,
    ],
    'lists in lists': [
      (files) => (files['model.json'] = '['.repeat(100000) + ']'.repeat(100000)),
      /\$.format is "nothing", not "onnx2wgsl"/,
    ],
    'lists in lists without end': [
      (files) => (files['model.json'] = '['.repeat(100000)),
      /^model.json is damaged; .*\n {2}not JSON/,
    ],
    'a format of objects': [
      replaced('model.json', '"onnx2wgsl"', '{"toString":1}'),
      /\$.format is {"toString":1}, not "onnx2wgsl"/,
    ],
    'a text of escapes alone': [
      replaced('model.json', '"fixture"', JSON.stringify('\n'.repeat(4e6 - 5000))),
      /\n {2}it was changed since it was written/,
    ],
    'a model.json that is too long': [
      replaced('model.json', '{', `{${' '.repeat(1 << 23)}`),
      /^model.json is damaged; .*\n {2}it has more than 8388608 bytes$/,
    ],
    'long weights': [
      (files) => (files['weights.bin'] = new Uint8Array(2449)),
      /^weights.bin is damaged; .*\n {2}it has more than 2448 bytes$/,
    ],
    'no UTF-8': [(files) => (files['model.json'] = Uint8Array.of(0xff)), /\n {2}not UTF-8$/],
    'short weights': [
      (files) => (files['weights.bin'] = files['weights.bin'].slice(4)),
      /^weights.bin is damaged; .*\n {2}2444 bytes, model.json says 2448$/,
    ],
    'changed weights': [
      (files) => (files['weights.bin'][5] ^= 1),
      /^weights.bin is damaged; .*\n {2}SHA-256 is [0-9a-f]{64}, model.json says [0-9a-f]{64}$/,
    ],
    'a shader of another build': [
      replaced('shaders.txt', 'arena', 'Arena'),
      /^shaders.txt is damaged; .*\n {2}SHA-256 is/,
    ],
    'no shaders': [
      (files) => delete files['shaders.txt'],
      /Cannot read file:.*shaders.txt: ENOENT/,
    ],
  };
  for (const [what, [spoil, message]] of Object.entries(spoiled))
    test(what, () =>
      assert.rejects(openSession(fixtureFolder(undefined, (files) => void spoil(files))), {
        message,
      }),
    );

  const small = ({ model }) => void (model.arena = { bytes: 4, lower_bound: 4 });
  const tooSmall = { message: /\$.self_test.stores\[1\]\[0\]: ends at word \d+ of a buffer of 1/ };
  for (const options of [{ validate: true }, { debug: true }])
    test(`an arena that is too small, with ${Object.keys(options)}`, () =>
      assert.rejects(openSession(fixtureFolder(small), options), tooSmall));

  test('lists in lists within model.json', async () => {
    let nested = 0;
    for (let i = 0; i < 20; i++) nested = [nested];
    const folder = fixtureFolder(({ model }) => void (model.kernels = nested));
    await assert.rejects(openSession(folder), { message: /\n {2}nested more than 16 deep$/ });
  });

  test('a member that stands twice', async () => {
    const folder = fixtureFolder();
    const path = join(folder, 'model.json');
    const content = readFileSync(path, 'utf8')
      .split(',\n')[0]
      .replace('"lower_bound":768', '"lower_bound":768,"lower_bound":768');
    const digest = createHash('sha256').update(content).digest('hex');
    writeFileSync(path, `${content},\n "sha256": "${digest}"\n}\n`);
    await assert.rejects(openSession(folder, { validate: true }), {
      message: /a member stands twice in an object/,
    });
  });

  test('a pipe, which would never end', async () => {
    const folder = fixtureFolder();
    rmSync(join(folder, 'weights.bin'));
    execFileSync('mkfifo', [join(folder, 'weights.bin')]);
    await assert.rejects(openSession(folder), { message: /weights.bin: it is no regular file/ });
  });

  for (const [file, problem] of [
    ['model.json', /^model.json is damaged; .*\n {2}it has more than 8388608 bytes$/],
    ['weights.bin', /^weights.bin is damaged; .*\n {2}it has more than 2448 bytes$/],
  ])
    test(`a server that never ends ${file}`, async () => {
      const folder = fixtureFolder();
      const server = createServer((request, response) => {
        const path = join(folder, new URL(request.url, 'http://x').pathname);
        if (!path.endsWith(file)) return response.end(readFileSync(path));
        const piece = Buffer.alloc(1 << 16, ' ');
        const more = () => {
          while (!response.destroyed && response.write(piece));
        };
        response.on('drain', more);
        more();
      });
      await new Promise((done) => server.listen(0, '127.0.0.1', done));
      const url = `http://127.0.0.1:${server.address().port}/`;
      await assert.rejects(openSession(url), { message: problem });
      server.close();
    });

  test('no folder', () => assert.rejects(openSession('/no/such/folder'), { message: /ENOENT/ }));
});
