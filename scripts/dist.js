/**
 * Makes runtime_js/dist of runtime_js: what artifacts and the npm package hold, minified, with a module of its own for
 * whatever is imported on first use.
 *
 * node scripts/dist.js            # writes it
 * node scripts/dist.js --check    # exit status 1 where it is of another state
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';

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

/** The minified modules of an entry, by file name. */
async function modules(entry, external = []) {
  const bundle = await rolldown({
    input: join(SOURCE, entry),
    external,
    plugins: [wgsl],
    // What is imported on first use finds in the entry what both need.
    preserveEntrySignatures: 'allow-extension',
  });
  const { output } = await bundle.generate({
    format: 'esm',
    minify: true,
    chunkFileNames: '[name]-[hash].js',
  });
  return output.map(({ fileName, code }) => [fileName, code]);
}

const fresh = new Map([
  ...(await modules('runtime.js')),
  ...(await modules('page.js', [/runtime\.js$/])),
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
