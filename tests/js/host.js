/** What the tests share: the artifacts under test, Dawn's adapter in Node, a server, Chromium. */
import { execFileSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { basename, dirname, extname, join, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';

import { writeFixture } from './fixture.js';

export const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), '../..');
export const RUNTIME = join(ROOT, 'runtime_js');
const DIST = join(RUNTIME, 'dist');
export const PICTURE = join(ROOT, 'models/pictures/landmarks_real.png');
const ENVIRONMENT = join(ROOT, '.venv/bin/python');
/** Python with the packages of the project. */
export const PYTHON = process.env.PYTHON ?? (existsSync(ENVIRONMENT) ? ENVIRONMENT : 'python3');
/** Windows that pages are looked at in: a phone's either way, a laptop's, a desk's. */
export const SIZES = [
  [390, 844],
  [844, 390],
  [1280, 800],
  [1920, 1080],
];
export const COMBINATIONS = ['packed', 'emulated'].flatMap((dot) =>
  ['fast', 'integer'].map((requantize) => ({ dot, requantize })),
);
/** The variants that a software adapter takes where none is asked for; and the others. */
export const [TAKEN, OTHERS] = [COMBINATIONS[2], COMBINATIONS[1]];
/** Changes the fixture as if it was compiled without a self-test. */
export function withoutVectors({ model: { vectors } }) {
  vectors.kernels.fill('none');
  for (const checksums of [vectors.pictures, vectors.outputs])
    for (const name in checksums) checksums[name] = 'none';
}
/** What sessions of an artifact are asked for: nothing, and of the fixture all four. */
export const wishesOf = (folder) => [{}, ...(nameOf(folder) === 'fixture' ? COMBINATIONS : [])];

const SWIFTSHADER =
  process.env.ONNX2WGSL_SWIFTSHADER_ICD ?? '/usr/lib/chromium/vk_swiftshader_icd.json';
const CHROMIUM = process.env.ONNX2WGSL_CHROMIUM ?? '/usr/bin/chromium';
// The one set of flags with which compute and canvas both work without a GPU.
const FLAGS = [
  '--no-sandbox',
  '--enable-unsafe-webgpu',
  '--use-angle=swiftshader',
  '--enable-features=Vulkan',
  '--use-vulkan=swiftshader',
];

const TEMPORARY = mkdtempSync(join(tmpdir(), 'onnx2wgsl-js-'));
process.on('exit', () => rmSync(TEMPORARY, { recursive: true, force: true }));

/** A new folder that goes with the process. */
export function temporaryFolder() {
  return mkdtempSync(join(TEMPORARY, 'folder-'));
}

/** The fixture with the runtime beside it, as a compiled artifact has it. */
export function fixtureFolder(damage, spoil) {
  const folder = writeFixture(join(temporaryFolder(), 'fixture'), damage, spoil);
  const page = ['index.html', 'page.css', 'icon.svg'];
  const dist = readdirSync(DIST).filter((name) => name !== 'single.js');
  for (const file of [...page, ...dist.map((name) => `dist/${name}`)])
    copyFileSync(join(RUNTIME, file), join(folder, basename(file)));
  return folder;
}

/** The folders of ONNX2WGSL_ARTIFACTS, else a compiled UNet with the avatar's shaders; and the fixture. */
export function artifactFolders() {
  const names = process.env.ONNX2WGSL_ARTIFACTS?.split(':').filter(Boolean);
  const folders = names?.map((folder) => resolve(folder)) ?? [compiledUnet()];
  return [fixtureFolder(), ...folders];
}

/** The file of a clip of a real face, or of several. */
export function clipSource(name) {
  const code = `from tests.clips import source; print(source('${name}'))`;
  return execFileSync(PYTHON, ['-c', code], { cwd: ROOT, encoding: 'utf8' }).trim();
}

/** A clip of a real face as a file that Chromium takes for a camera; fetched where it is not at hand. */
export function clip(name, ...options) {
  const write = ['-m', 'tests.clips', name, temporaryFolder(), ...options];
  return execFileSync(PYTHON, write, {
    cwd: ROOT,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  }).trim();
}

let models;
/** The file of a small generator of live_models.py: small, other, tiny, unet. */
export function smallModel(name) {
  if (!models) {
    models = temporaryFolder();
    execFileSync(PYTHON, ['-m', 'tests.js.live_models', models], { cwd: ROOT });
  }
  return join(models, `${name}.onnx`);
}

function compiledUnet() {
  const folder = join(temporaryFolder(), 'unet');
  const compile = ['-m', 'onnx2wgsl.compiler', 'compile', smallModel('unet'), '-o', folder];
  execFileSync(PYTHON, compile, {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  return folder;
}

/** An adapter of Dawn in Node: SwiftShader, where no other Vulkan driver is named. */
export async function nodeAdapter() {
  if (existsSync(SWIFTSHADER)) process.env.VK_ICD_FILENAMES ??= SWIFTSHADER;
  process.env.XDG_RUNTIME_DIR ??= temporaryFolder();
  const { create } = await import('webgpu');
  nodeAdapter.gpu ??= create([]);
  const adapter = await nodeAdapter.gpu.requestAdapter();
  if (!adapter) throw new Error('Dawn found no adapter: install a Vulkan driver (make setup).');
  return adapter;
}

/** Counts what is made on a device from now on, and its error scopes, by method. */
export function countCalls(device) {
  const calls = {};
  const wrap = (object, name) => {
    const original = object[name];
    object[name] = (...args) => {
      calls[name] = (calls[name] ?? 0) + 1;
      return original.apply(object, args);
    };
  };
  const methods = Object.getOwnPropertyNames(Object.getPrototypeOf(device));
  for (const name of methods) if (/^(create|import|pushError)/.test(name)) wrap(device, name);
  for (const name of ['submit', 'writeBuffer']) wrap(device.queue, name);
  return calls;
}

const TYPES = {
  '.js': 'text/javascript',
  '.mjs': 'text/javascript',
  '.wasm': 'application/wasm',
  '.json': 'application/json',
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css',
  '.png': 'image/png',
  '.webm': 'video/webm',
  '.svg': 'image/svg+xml',
  '.wgsl': 'text/plain; charset=utf-8',
};

/** Serves folders on a free local port, each under its place in the list; with headers of its own. */
export async function serve(folders, headers = {}) {
  const server = createServer(async (request, response) => {
    const [, index, ...rest] = new URL(request.url, 'http://localhost').pathname.split('/');
    const folder = folders[Number(index || -1)];
    const path = folder && join(folder, rest.join('/') || 'index.html');
    for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
    if (!index) {
      response.setHeader('content-type', 'text/html');
      return response.end('<title>tests</title><link rel="icon" href="data:,">');
    }
    // Browsers ask for it when they please.
    if (index === 'favicon.ico') return response.writeHead(204).end();
    try {
      if (!path?.startsWith(folder + sep)) throw new Error('outside');
      const body = await readFile(path);
      response.setHeader('content-type', TYPES[extname(path)] ?? 'application/octet-stream');
      response.end(body);
    } catch {
      response.writeHead(404).end();
    }
  });
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  const origin = `http://127.0.0.1:${server.address().port}`;
  return { origin, url: (i) => `${origin}/${i}/`, close: () => server.close() };
}

/** Flags with which Chromium has no WebGPU, in the place of those with which it has. */
export const WITHOUT_WEBGPU = ['--no-sandbox', '--disable-gpu', '--disable-blink-features=WebGPU'];

/** Headless Chromium on SwiftShader. */
export function launchChromium(flags = [], basis = FLAGS) {
  if (!existsSync(CHROMIUM))
    throw new Error(
      `No Chromium at ${CHROMIUM}: install it (make setup), or set ONNX2WGSL_CHROMIUM.`,
    );
  return chromium.launch({ executablePath: CHROMIUM, args: [...basis, ...flags] });
}

/** The bytes of a short video, which a page makes. */
export async function film(page) {
  return Buffer.from(await page.evaluate(filmed), 'base64');
}

/** Bytes as text, as which they go to a page and come from it in no time: in a list each number takes some. */
export const textOf = (bytes) => Buffer.from(bytes).toString('base64');
export const bytesOf = (text) => Uint8Array.from(Buffer.from(text, 'base64'));

/** The RGBA bytes of a picture in a PNG file, as a page decodes it. */
export async function pixelsOf(page, file) {
  const text = await page.evaluate(async (base64) => {
    const blob = new Blob([Uint8Array.fromBase64(base64)]);
    const picture = await createImageBitmap(blob, { premultiplyAlpha: 'none' });
    const context = new OffscreenCanvas(picture.width, picture.height).getContext('2d');
    context.drawImage(picture, 0, 0);
    const { data } = context.getImageData(0, 0, picture.width, picture.height);
    return new Uint8Array(data.buffer).toBase64();
  }, file.toString('base64'));
  return bytesOf(text);
}

/** A short video, in base64; in a page. A busy machine encodes late: it goes on until there are some frames. */
async function filmed() {
  const canvas = document.createElement('canvas');
  const context = canvas.getContext('2d');
  const recorder = new MediaRecorder(canvas.captureStream(30), { mimeType: 'video/webm' });
  const parts = [];
  recorder.ondataavailable = ({ data }) => data.size && parts.push(data);
  const end = new Promise((done) => (recorder.onstop = done));
  recorder.start(100);
  for (let i = 0; i < 20 || parts.length < 4; i++) {
    context.fillStyle = `hsl(${18 * i} 90% 50%)`;
    context.fillRect((8 * i) % 240, 0, 60, 150);
    await new Promise((done) => setTimeout(done, 30));
  }
  recorder.stop();
  await end;
  return new Uint8Array(await new Blob(parts).arrayBuffer()).toBase64();
}

/** Where screenshots go. */
export function screenshotPath(name) {
  const folder = join(ROOT, 'build/screenshots');
  mkdirSync(folder, { recursive: true });
  return join(folder, `${name}.png`);
}

export function nameOf(folder) {
  return basename(folder);
}

/** A picture of RGBA bytes, those of tests/pictures.py. */
export function noise(width, height) {
  const data = Uint8ClampedArray.from(
    { length: 4 * width * height },
    (_, i) => (Math.imul(i, 2654435761) >>> 13) & 255,
  );
  return { data, width, height };
}
