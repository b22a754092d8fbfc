/**
 * Makes what is committed of modules that are bundled, minified:
 *
 * runtime_js/dist, of runtime_js: what artifacts and the npm package hold, with a module of its own for whatever is
 * imported on first use; the types of it in one file; and single.js, a script that has all of the runtime as
 * `onnx2wgsl`, for pages that are one file (`onnx2wgsl embed --single-file`).
 * live/dist, of live/stage.js: a script that has all of the live page's acting as `stage`, for Python.
 *
 * node scripts/dist.js            # writes it
 * node scripts/dist.js --check    # exit status 1 where it is of another state
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';
import { dts } from 'rolldown-plugin-dts';

const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const [RUNTIME, LIVE] = ['runtime_js', 'live'].map((name) => join(ROOT, name));

// To WGSL comments and indentation mean nothing.
const wgsl = {
  name: 'wgsl',
  transform: (code) =>
    code.replace(/\/\* wgsl \*\/ `[^`]*`/g, (text) =>
      text.replace(/ *\/\/.*/g, '').replace(/\n\s+/g, '\n'),
    ),
};

/** What rolldown makes of an entry, by file name. */
async function built(entry, input, output) {
  const bundle = await rolldown({
    input: entry,
    // What is imported on first use finds in the entry what both need.
    preserveEntrySignatures: 'allow-extension',
    ...input,
  });
  const { output: files } = await bundle.generate({
    minify: true,
    chunkFileNames: '[name]-[hash].js',
    ...output,
  });
  return files.map(({ fileName, code }) => [fileName, code]);
}

/** What rolldown makes of an entry as one script, whose exports are those of a global name. */
const script = (entry, name, file, input = {}) =>
  built(entry, input, { format: 'iife', name, codeSplitting: false, entryFileNames: file });

/** The types of the runtime, good for any compiler: only later ones have typed arrays with a type parameter. */
async function types() {
  const plugins = [dts({ dtsInput: true, oxc: true, tsconfig: false })];
  const entry = join(RUNTIME, 'runtime.d.ts');
  const [[name, code]] = await built(entry, { plugins }, { minify: false });
  return [name, code.replace(/(\w+Array)<ArrayBuffer>/g, "ReturnType<$1Constructor['of']>")];
}

const [plugins, runtime] = [[wgsl], join(RUNTIME, 'runtime.js')];
const fresh = {
  [RUNTIME]: new Map([
    ...(await built(runtime, { plugins })),
    ...(await built(join(RUNTIME, 'page.js'), { plugins, external: [/runtime\.js$/] })),
    ...(await script(runtime, 'onnx2wgsl', 'single.js', { plugins })),
    await types(),
  ]),
  [LIVE]: new Map(await script(join(LIVE, 'stage.js'), 'stage', 'stage.js')),
};

/** The files of a folder's dist that are not as they are made. */
function stale(folder, files) {
  const dist = join(folder, 'dist');
  const others = existsSync(dist) ? readdirSync(dist).filter((name) => !files.has(name)) : [];
  for (const [name, text] of files) {
    const path = join(dist, name);
    if (!existsSync(path) || readFileSync(path, 'utf8') !== text) others.push(name);
  }
  return others.map((name) => relative(ROOT, join(dist, name)));
}

if (process.argv.includes('--check')) {
  const names = Object.entries(fresh).flatMap(([folder, files]) => stale(folder, files));
  if (names.length) {
    console.error(`not as rolldown makes it: ${names.join(', ')}. Run: npm run dist`);
    process.exit(1);
  }
} else
  for (const [folder, files] of Object.entries(fresh)) {
    const dist = join(folder, 'dist');
    rmSync(dist, { recursive: true, force: true });
    mkdirSync(dist);
    for (const [name, text] of files) writeFileSync(join(dist, name), text);
  }
