/**
 * Checks the types of what pages import and the .d.ts files beside it; with --write it writes them anew.
 *
 * tsc runs on a copy without .d.ts files, because beside one it would read that and not the .js.
 */
import { execFileSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), '../..');
// For compilers whose typed arrays have no type parameter.
const OLD = 'runtime_js/types-5.0';
const FOLDERS = ['runtime_js', 'face', OLD];
const WORK = join(ROOT, 'build/js_types');
const TSC = join(ROOT, 'node_modules/typescript/bin/tsc');

/** The files of a folder with an ending, named from the root of the folders. */
const list = (root, ending) =>
  FOLDERS.flatMap((folder) =>
    readdirSync(join(root, folder))
      .filter((name) => name.endsWith(ending))
      .map((name) => join(folder, name)),
  );

rmSync(WORK, { recursive: true, force: true });
for (const root of [ROOT, join(WORK, 'out')]) mkdirSync(join(root, OLD), { recursive: true });
// The page is checked, too, but nobody imports it.
const page = ['web', 'web/lips', 'web/rig'].flatMap((folder) =>
  readdirSync(join(ROOT, folder))
    .filter((name) => name.endsWith('.js'))
    .map((name) => join(folder, name)),
);
for (const path of [...list(ROOT, '.js'), ...page])
  cpSync(join(ROOT, path), join(WORK, 'src', path));
const compilerOptions = { noEmit: false, rootDir: 'src', outDir: 'out' };
const config = { extends: '../../tsconfig.json', compilerOptions, include: ['src/**/*.js'] };
writeFileSync(join(WORK, 'tsconfig.json'), JSON.stringify(config));
try {
  execFileSync(process.execPath, [TSC, '-p', WORK], { stdio: 'inherit' });
} catch {
  process.exit(1);
}

// Nobody imports the page.
for (const name of readdirSync(join(WORK, 'out/runtime_js')).filter((name) => /^page/.test(name)))
  rmSync(join(WORK, 'out/runtime_js', name));
for (const name of readdirSync(join(WORK, 'out/runtime_js')).filter((name) =>
  /\.d\.ts$/.test(name),
)) {
  const types = readFileSync(join(WORK, 'out/runtime_js', name), 'utf8');
  writeFileSync(join(WORK, 'out', OLD, name), types.replace(/(Array)<ArrayBuffer>/g, '$1'));
}
const fresh = list(join(WORK, 'out'), '.d.ts');
const committed = list(ROOT, '.d.ts');
const text = (path) => (existsSync(path) ? readFileSync(path, 'utf8') : null);
const stale = [...new Set([...fresh, ...committed])].filter(
  (path) => text(join(WORK, 'out', path)) !== text(join(ROOT, path)),
);
if (process.argv.includes('--write'))
  for (const path of stale) {
    rmSync(join(ROOT, path), { force: true });
    if (fresh.includes(path)) cpSync(join(WORK, 'out', path), join(ROOT, path));
  }
else if (stale.length) {
  console.error(`not as tsc writes them: ${stale.join(', ')}. Run: npm run types`);
  process.exit(1);
}
