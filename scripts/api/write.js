/**
 * Writes docs/api.md of the JSDoc: what the npm package and every artifact's runtime.js export.
 *
 * node scripts/api/write.js            # writes it
 * node scripts/api/write.js --check    # exit status 1 where it is of another state
 */
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Application, Comment, CommentTag, Converter, ReflectionKind } from 'typedoc';

const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), '../..');
const DOCUMENT = join(ROOT, 'docs/api.md');
// A copy without .d.ts files: beside one, its types are read and not the JSDoc's.
const WORK = join(ROOT, 'build/api');
/** The types that the exports speak of, by their module, in the order of their use. */
const TYPES = {
  runtime: ['Options', 'DeviceOptions', 'AdapterSource'],
  fallback: ['Fallback', 'OnnxRuntime'],
  files: ['Source', 'Loading', 'FileCache', 'Progress'],
  variants: ['Wishes', 'Variants'],
  artifact: ['Dtype', 'Tensor', 'Image', 'InputFormat', 'Values'],
  feeds: ['Feeds'],
  pictures: ['Picture', 'Pixels', 'Drawable', 'Fit'],
  frames: ['Result'],
  session: ['Show'],
  model_type: [
    ...['ModelType', 'AnyModel', 'AnyInput', 'FeedsOf', 'ResultsOf', 'PixelsOf', 'OutputName'],
    ...['ValuesOf', 'Arrays'],
  ],
  canvas: ['Canvas', 'View', 'Look'],
  labels: ['Class', 'Colour'],
  self_test: ['Report', 'Verdict'],
  profile: ['Profile', 'Row'],
  tuning: ['Tuning'],
};
const HEAD = `# API

What \`runtime.js\` of every artifact exports, and the npm package \`onnx2wgsl\`. [embedding.md](embedding.md)
shows it at work, [artifact.md](artifact.md) says how pictures become values. \`npm run api\` writes this page,
of the JSDoc in runtime_js/.

`;

rmSync(WORK, { recursive: true, force: true });
mkdirSync(join(WORK, 'src'), { recursive: true });
for (const name of readdirSync(join(ROOT, 'runtime_js')).filter((name) => name.endsWith('.js')))
  cpSync(join(ROOT, 'runtime_js', name), join(WORK, 'src', name));
const types = Object.entries(TYPES).map(
  ([module, names]) => `export type { ${names.join(', ')} } from './${module}.js';\n`,
);
writeFileSync(join(WORK, 'src/onnx2wgsl.ts'), `export * from './runtime.js';\n${types.join('')}`);
const compilerOptions = {
  noEmit: true,
  emitDeclarationOnly: false,
  declaration: false,
  rootDir: 'src',
};
const config = { extends: '../../tsconfig.json', compilerOptions, include: ['src/*'] };
writeFileSync(join(WORK, 'tsconfig.json'), JSON.stringify(config));

const application = await Application.bootstrapWithPlugins({
  entryPoints: [join(WORK, 'src/onnx2wgsl.ts')],
  tsconfig: join(WORK, 'tsconfig.json'),
  plugin: ['typedoc-plugin-markdown'],
  basePath: ROOT,
  out: join(WORK, 'out'),
  readme: 'none',
  disableSources: true,
  skipErrorChecking: true, // npm run types:check does that, by the TypeScript of today
  excludePrivate: true,
  excludeInternal: true,
  excludeExternals: true,
  validation: { notExported: true, invalidLink: true, notDocumented: false },
  treatWarningsAsErrors: true,
  treatValidationWarningsAsErrors: true,
  sort: ['source-order'],
  groupOrder: ['Functions', 'Session', 'Errors', 'Types'],
  hidePageHeader: true,
  hideBreadcrumbs: true,
  hidePageTitle: true,
  outputFileStrategy: 'modules',
  entryFileName: 'api.md',
  useCodeBlocks: true,
  parametersFormat: 'table',
  classPropertiesFormat: 'table',
  interfacePropertiesFormat: 'table',
  typeAliasPropertiesFormat: 'table',
  typeDeclarationFormat: 'table',
  tableColumnSettings: { hideInherited: true, hideOverrides: true, hideModifiers: true },
});
application.converter.on(Converter.EVENT_RESOLVE_BEGIN, ({ project }) => {
  const all = Object.values(project.reflections);
  // Callers make neither sessions nor errors.
  for (const one of all.filter(({ kind }) => kind === ReflectionKind.Constructor))
    project.removeReflection(one);
  for (const one of all) {
    const group = groupOf(one);
    if (group) {
      one.comment ??= new Comment();
      one.comment.blockTags.push(new CommentTag('@group', [{ kind: 'text', text: group }]));
    }
    // A JSDoc alias has a list of none, which would get a heading.
    if (!one.typeParameters?.length) delete one.typeParameters;
    // JSDoc indents what goes on in the next line.
    for (const { content } of [
      { content: one.comment?.summary },
      ...(one.comment?.blockTags ?? []),
    ])
      for (const part of content ?? []) part.text = part.text.replace(/\n {2,3}(?=\S)/g, '\n');
  }
});

/** The heading that an export stands under, where it is not its kind. */
function groupOf({ kind, name }) {
  if (kind & (ReflectionKind.TypeAlias | ReflectionKind.Interface)) return 'Types';
  if (kind !== ReflectionKind.Class) return undefined;
  return name === 'Session' ? name : 'Errors';
}

const project = await application.convert();
if (project) application.validate(project);
if (!project || application.logger.hasErrors() || application.logger.hasWarnings()) process.exit(1);
await application.generateOutputs(project);
const fresh = HEAD + readFileSync(join(WORK, 'out/api.md'), 'utf8');
if (!process.argv.includes('--check')) writeFileSync(DOCUMENT, fresh);
else if (readFileSync(DOCUMENT, 'utf8') !== fresh) {
  console.error('docs/api.md is not what the JSDoc says. Run: npm run api');
  process.exit(1);
}
