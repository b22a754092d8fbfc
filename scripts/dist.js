/**
 * Makes runtime_js/dist of runtime_js: what artifacts and the npm package hold, minified, with a module of its own for
 * whatever is imported on first use; the types of it in one file; and single.js, a script that has all of the runtime
 * as `onnx2wgsl`, for pages that are one file (`onnx2wgsl embed --single-file`).
 *
 * node scripts/dist.js            # writes it
 * node scripts/dist.js --check    # exit status 1 where it is of another state
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';
import { dts } from 'rolldown-plugin-dts';

const SOURCE = resolve(dirname(fileURLToPath(import.meta.url)), '../runtime_js');
const DIST = join(SOURCE, 'dist');

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
    input: join(SOURCE, entry),
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

/** The types of the runtime, good for any compiler: only later ones have typed arrays with a type parameter. */
async function types() {
  const plugins = [dts({ dtsInput: true, oxc: true, tsconfig: false })];
  const [[name, code]] = await built('runtime.d.ts', { plugins }, { minify: false });
  return [name, code.replace(/(\w+Array)<ArrayBuffer>/g, "ReturnType<$1Constructor['of']>")];
}

const plugins = [wgsl];
const fresh = new Map([
  ...(await built('runtime.js', { plugins })),
  ...(await built('page.js', { plugins, external: [/runtime\.js$/] })),
  ...(await built(
    'runtime.js',
    { plugins },
    { format: 'iife', name: 'onnx2wgsl', codeSplitting: false, entryFileNames: 'single.js' },
  )),
  await types(),
]);
const stale = existsSync(DIST) ? readdirSync(DIST).filter((name) => !fresh.has(name)) : [];
for (const [name, text] of fresh) {
  const path = join(DIST, name);
  if (!existsSync(path) || readFileSync(path, 'utf8') !== text) stale.push(name);
}
if (process.argv.includes('--check')) {
  if (stale.length) {
    console.error(`not as rolldown makes it: ${stale.join(', ')}. Run: npm run dist`);
    process.exit(1);
  }
} else {
  rmSync(DIST, { recursive: true, force: true });
  mkdirSync(DIST);
  for (const [name, text] of fresh) writeFileSync(join(DIST, name), text);
}
