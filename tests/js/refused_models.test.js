import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { bufferSizes } from '../../runtime_js/artifact.js';
import { problemsOf, selfTestProblems } from '../../runtime_js/check.js';
import { ROOT } from './host.js';

const { model: all, cases } = JSON.parse(
  readFileSync(join(ROOT, 'tests/refused_models.json'), 'utf8'),
);

const { vectors: _, ...model } = all;

/** A copy with some members set or removed. */
function edited(edits) {
  const result = structuredClone(all);
  for (const { at, ...edit } of edits) {
    const owner = at.slice(0, -1).reduce((value, key) => value[key], result);
    if ('value' in edit) owner[at.at(-1)] = edit.value;
    else delete owner[at.at(-1)];
  }
  return result;
}

test('looks at no item of a list that is too long, and for at most 1000 problems', () => {
  const long = problemsOf({ ...model, kernels: Array(65537).fill(0) }, bufferSizes);
  assert.equal(long.length, 1);
  assert.match(long[0], /^\$.kernels: \[0,.* is against maxItems 65536$/);
  const unknown = Object.fromEntries(Array.from({ length: 2000 }, (_, i) => [`x${i}`, 0]));
  assert.equal(problemsOf({ ...model, ...unknown }, bufferSizes).length, 1000);
});

for (const { what, edits, says } of cases)
  test(`says what the Python runtime says of ${what}`, () => {
    const { vectors, ...model } = edited(edits);
    const problems = problemsOf(model, bufferSizes);
    assert.deepEqual(
      problems.length ? problems : selfTestProblems(vectors, model, bufferSizes),
      says,
    );
  });
