/**
 * Says what is wrong with a model.json, by the schema and the rules that the Python runtime reads, too: its
 * rules.py tells how they are written.
 *
 * @import {Model, SelfTest} from './artifact.js'
 */
import { parseJson, text } from './artifact.js';
import { damaged, shown } from './files.js';
import schema from './schema.js';

// Every string of a JSON text without escapes, with the colon that follows the name of a member.
const MEMBER = /"[^"]*"(?:\s*:)?/g;

/**
 * Refuses a model.json with all that is wrong with it.
 *
 * @param {string} content
 * @param {any} model what it says
 * @param {(model: any) => Record<string, number>} sizes the bytes of each buffer
 * @throws {Error} an ArtifactError
 */
export function requireValid(content, model, sizes) {
  const members = countMembers(model, schema.limits.depth);
  const strings = content.replace(/\\./g, '').match(MEMBER);
  const problems =
    members === Infinity
      ? [`nested more than ${schema.limits.depth} deep`]
      : members !== strings?.filter((string) => string.at(-1) === ':').length
        ? ['a member stands twice in an object']
        : problemsOf(model, sizes);
  if (problems.length) throw damaged('model.json', problems);
}

/**
 * The members of all objects in a value, infinitely many where it is nested deeper.
 *
 * @param {any} value
 * @param {number} depth
 * @returns {number}
 */
function countMembers(value, depth) {
  if (value === null || typeof value !== 'object') return 0;
  if (!depth) return Infinity;
  const members = Object.values(value);
  return members.reduce(
    (sum, one) => sum + countMembers(one, depth - 1),
    Array.isArray(value) ? 0 : members.length,
  );
}

/**
 * 'place: problem' for whatever is against the schema or, where nothing is, against the rules.
 *
 * @param {any} model
 * @param {(model: any) => Record<string, number>} sizes the bytes of each buffer
 * @returns {string[]}
 */
export function problemsOf(model, sizes) {
  const against = first(checkSchema(model, schema, '$'));
  return unique(
    against.length ? against : first(checkRules(model, schema.rules, sizes(model))),
  ).sort();
}

/**
 * The same for the test vectors, which lie in a file of their own.
 *
 * @param {any} test
 * @param {any} model
 * @param {(model: any) => Record<string, number>} sizes the bytes of each buffer
 * @returns {string[]}
 */
export function selfTestProblems(test, model, sizes) {
  const against = first(checkSchema(test, 'self_test', '$.self_test'));
  const all = { ...model, self_test: test };
  return unique(
    against.length ? against : first(checkRules(all, schema.self_test_rules, sizes(model))),
  ).sort();
}

/**
 * The test vectors, checked.
 *
 * @param {Uint8Array<ArrayBuffer>} data
 * @param {Model} model
 * @param {(model: any) => Record<string, number>} sizes the bytes of each buffer
 * @returns {SelfTest}
 */
export function readSelfTest(data, model, sizes) {
  const { file } = model.self_test;
  const test = parseJson(file, text(file, data));
  const problems = selfTestProblems(test, model, sizes);
  if (problems.length) throw damaged(file, problems);
  return test;
}

/**
 * As many problems as are looked for.
 *
 * @param {Generator<string>} problems
 */
function first(problems) {
  const found = [];
  for (const problem of problems) if (found.push(problem) === schema.limits.problems) break;
  return found;
}

// Whether a value is within a keyword's limit; a keyword is about one kind of value, and all others pass.
/** @type {Record<string, (value: any, limit: any) => boolean>} */
const KEYWORDS = {
  type: (value, limit) =>
    kind(value) === limit || (limit === 'number' && kind(value) === 'integer'),
  const: (value, limit) => value === limit,
  enum: (value, limit) => limit.includes(value),
  pattern: (value, limit) => typeof value !== 'string' || new RegExp(limit, 'u').test(value),
  minLength: (value, limit) => typeof value !== 'string' || value.length >= limit,
  minimum: (value, limit) => !Number.isFinite(value) || value >= limit,
  maximum: (value, limit) => !Number.isFinite(value) || value <= limit,
  multipleOf: (value, limit) => !Number.isFinite(value) || value % limit === 0,
  minItems: (value, limit) => !Array.isArray(value) || value.length >= limit,
  maxItems: (value, limit) => !Array.isArray(value) || value.length <= limit,
};

/**
 * @param {any} value
 * @param {any} rule
 * @param {string} place
 * @returns {Generator<string>}
 */
function* checkSchema(value, rule, place) {
  if (typeof rule === 'string') return yield* checkSchema(value, schema.definitions[rule], place);
  const { items, properties, optional = [], additionalProperties } = rule;
  const limits = properties ? { type: 'object' } : rule;
  for (const keyword in KEYWORDS)
    if (keyword in limits && !KEYWORDS[keyword](value, limits[keyword]))
      yield `${place}: ${shown(value)} is against ${keyword} ${shown(limits[keyword])}`;
  if (Array.isArray(value) && items && !(value.length > limits.maxItems))
    for (const [i, item] of value.entries()) yield* checkSchema(item, items, at(place, i));
  if (kind(value) !== 'object' || !(properties || additionalProperties)) return;
  for (const key in properties)
    if (!Object.hasOwn(value, key) && !optional.includes(key))
      yield `${at(place, key)}: is missing`;
  for (const [key, member] of Object.entries(value)) {
    const own = properties
      ? Object.hasOwn(properties, key) && properties[key]
      : additionalProperties;
    if (own) yield* checkSchema(member, own, at(place, key));
    else yield `${at(place, key)}: is unknown`;
  }
}

/** @type {Record<string, (a: any, b: any) => any[]>} what to say where a relation does not hold */
const RELATIONS = {
  '==': (a, b) => (a === b ? [] : [a, b]),
  '<=': (a, b) => (a <= b ? [] : [a, b]),
  in: (a, b) => (has(b, a) ? [] : [a]),
  unique: (a) => {
    const seen = new Set();
    return told(unique(a.filter((/** @type {any} */ x) => seen.has(x) || !seen.add(x))));
  },
  subset: (a, b) => told(list(a).filter((x) => !has(b, x))),
  disjoint: (a, b) => told(list(a).filter((x) => has(b, x))),
};

/** @type {Record<string, (a: any, b: any) => any>} */
const FUNCTIONS = {
  '+': (a, b) => a + b,
  '-': (a, b) => a - b,
  '*': (a, b) => a * b,
  '/': (a, b) => Math.floor(a / b),
  at: (a, key) => (Object.hasOwn(a, key) ? a[key] : 0),
  count: (a) => a.length,
  product: (a) => a.reduce((/** @type {number} */ x, /** @type {number} */ y) => x * y, 1),
};

const KERNELS = ['$.kernels[]', '$.inputs[].image.kernel'];

/**
 * @param {any} model
 * @param {any[]} rules
 * @param {Record<string, number>} buffers
 */
function* checkRules(model, rules, buffers = {}) {
  const writable = Object.keys(buffers).filter((name) => /^(arena$|output:)/.test(name));
  const root = { ...model, buffers, writable };
  const lists = new Map();
  /** @type {(operand: any, item: any) => any} */
  const valueOf = (operand, item) => {
    if (Array.isArray(operand)) {
      const [name, ...operands] = operand;
      const [a, b] = operands.map((one) => valueOf(one, item));
      return FUNCTIONS[name](a, b);
    }
    if (typeof operand !== 'string') return operand.value ?? operand;
    if (lists.has(operand)) return lists.get(operand);
    const values = places(operand, root, item).map(([, value]) => value);
    if (!operand.includes('[')) return values[0] ?? 0;
    if (operand[0] === '$') lists.set(operand, new Set(values));
    return lists.get(operand) ?? values;
  };
  for (const { each, holds, says } of rules)
    for (const [place, item] of each.flatMap((/** @type {string} */ path) =>
      places(path, root, 0),
    )) {
      const [relation, ...operands] = holds;
      const [a, b] = operands.map((/** @type {any} */ operand) => valueOf(operand, item));
      const told = RELATIONS[relation](a, b);
      if (told.length)
        yield `${place}: ${says.replace(/\{(\d)\}/g, (/** @type {any} */ _, /** @type {number} */ i) => shown(told[i]))}`;
    }
}

/**
 * What a path leads to, each with its place.
 *
 * @param {string} path
 * @param {any} root
 * @param {any} item
 * @returns {[string, any][]}
 */
function places(path, root, item) {
  if (path[0] === '@')
    return KERNELS.flatMap((kernels) => places(kernels + path.slice(1), root, item));
  let ends = [path[0] === '$' ? end('$', root) : end('', item)];
  for (const [, name, member, text] of path.matchAll(/\.(\w+)|\[(\w*)=?(\w*)\]/g))
    ends = ends.flatMap(([place, value]) =>
      Object.entries(value)
        .filter(([key, child]) => (name ? key === name : fits(child, member, text)))
        .map(([key, child]) => end(at(place, Array.isArray(value) ? Number(key) : key), child)),
    );
  return ends;
}

/** @type {(place: string, value: any) => [string, any]} */
const end = (place, value) => [place, value];

/** @type {(value: any, member: string, text: string) => boolean} */
const fits = (value, member, text) =>
  !member || (Object.hasOwn(value, member) && (!text || value[member] === text));

/** @type {(values: any, value: any) => boolean} */
const has = (values, value) => {
  if (values instanceof Set) return values.has(value);
  return Array.isArray(values) ? values.includes(value) : Object.hasOwn(values, value);
};

/** @type {(values: any) => any[]} */
const list = (values) => (Symbol.iterator in values ? [...values] : Object.keys(values));

/** @type {(values: any[]) => any[]} */
const told = (values) => (values.length ? [values] : []);

/** @type {(values: any[]) => any[]} */
const unique = (values) => [...new Set(values)];

/** @type {(place: string, key: string | number) => string} */
const at = (place, key) =>
  /^[A-Za-z_][A-Za-z0-9_]*$/.test(`${key}`) ? `${place}.${key}` : `${place}[${shown(key)}]`;

/**
 * As JSON Schema has it, where numbers are finite, and integers those that a double holds exactly.
 *
 * @param {any} value
 */
function kind(value) {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  if (typeof value !== 'number') return typeof value;
  if (!Number.isFinite(value)) return 'infinite';
  return Number.isSafeInteger(value) && !Object.is(value, -0) ? 'integer' : 'number';
}
