/**
 * Checks the types of the runtime and its .d.ts files; with --write it writes them anew.
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
const RUNTIME = join(ROOT, 'runtime_js');
const WORK = join(ROOT, 'build/js_types');
const TSC = join(ROOT, 'node_modules/typescript/bin/tsc');

rmSync(WORK, { recursive: true, force: true });
mkdirSync(join(WORK, 'src'), { recursive: true });
for (const name of readdirSync(RUNTIME).filter((name) => name.endsWith('.js')))
  cpSync(join(RUNTIME, name), join(WORK, 'src', name));
const compilerOptions = { noEmit: false, rootDir: 'src', outDir: 'out' };
const config = { extends: '../../tsconfig.json', compilerOptions, include: ['src/*.js'] };
writeFileSync(join(WORK, 'tsconfig.json'), JSON.stringify(config));
try {
  execFileSync(process.execPath, [TSC, '-p', WORK], { stdio: 'inherit' });
} catch {
  process.exit(1);
}

rmSync(join(WORK, 'out/page.d.ts')); // nobody imports the page
const made = readdirSync(join(WORK, 'out'));
const committed = readdirSync(RUNTIME).filter((name) => name.endsWith('.d.ts'));
const text = (path) => (existsSync(path) ? readFileSync(path, 'utf8') : null);
const stale = [...new Set([...made, ...committed])].filter(
  (name) => text(join(WORK, 'out', name)) !== text(join(RUNTIME, name)),
);
if (process.argv.includes('--write'))
  for (const name of stale) {
    rmSync(join(RUNTIME, name), { force: true });
    if (made.includes(name)) cpSync(join(WORK, 'out', name), join(RUNTIME, name));
  }
else if (stale.length) {
  console.error(`not as tsc writes them: ${stale.join(', ')}. Run: npm run types`);
  process.exit(1);
}
