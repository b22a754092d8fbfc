import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { maskOverlay, topK } from '../../runtime_js/labels.js';
import * as runtime from '../../runtime_js/runtime.js';

describe('topK', () => {
  test('gives the largest first, the lower index of equals', () => {
    assert.deepEqual(topK(Float32Array.of(0.5, 2, -1, 2), 3), [
      { index: 1, value: 2 },
      { index: 3, value: 2 },
      { index: 0, value: 0.5 },
    ]);
    assert.deepEqual(topK(BigInt64Array.of(1n, 5n), 1), [{ index: 1, value: 5 }]);
    assert.equal(topK(new Uint8Array(3)).length, 3);
  });

  test('names them, and gives probabilities where they are asked for', () => {
    const labels = ['cat', 'dog'];
    const [best, other] = topK([1000, 1000 + Math.log(3)], 2, { labels, softmax: true });
    assert.equal(best.label, 'dog');
    assert.ok(Math.abs(best.value - 0.75) < 1e-9 && Math.abs(other.value - 0.25) < 1e-9);
    assert.throws(() => topK([1, 2, 3], 1, { labels }), {
      code: 'input',
      message: 'There are 2 labels for 3 classes.',
    });
    assert.throws(() => topK([1, 2], 1, { softMax: true }), {
      code: 'input',
      message: 'No option is named softMax: expected labels, softmax.',
    });
  });
});

test('values that are missing are told, by both', () => {
  const told = { code: 'input', message: 'The values are missing: run gives them by name.' };
  assert.throws(() => topK(undefined), told);
  assert.throws(() => maskOverlay(undefined, [1, 2, 2]), told);
});

describe('maskOverlay', () => {
  const palette = [
    [0, 0, 0, 0],
    [255, 0, 0],
    [0, 0, 255, 100],
  ];

  test('colours each pixel by its largest channel', () => {
    const values = Float32Array.of(3, 1, 1, 2, 4, 2, 0, 1, 5);
    assert.deepEqual(
      [...maskOverlay(values, [1, 3, 1, 3], palette)],
      [0, 0, 0, 0, 255, 0, 0, 255, 0, 0, 255, 100],
    );
  });

  test('takes classes', () => {
    const expected = [0, 0, 255, 100, 255, 0, 0, 255];
    assert.deepEqual([...maskOverlay(BigInt64Array.of(2n, 1n), [1, 1, 2], palette)], expected);
    assert.deepEqual([...maskOverlay(Uint8Array.of(2, 1), [1, 1, 2, 1], palette)], expected);
  });

  test('has colours of its own, all different, and nothing for class 0', () => {
    const pixels = maskOverlay(
      Int32Array.from({ length: 256 }, (_, i) => i),
      [16, 16],
    );
    const words = new Set(new Uint32Array(pixels.buffer));
    assert.equal(words.size, 256);
    assert.deepEqual([...pixels.slice(0, 8)], [0, 0, 0, 0, 128, 0, 0, 160]);
  });

  test('refuses a palette that is too short, and values of another shape', () => {
    assert.throws(() => maskOverlay(Uint8Array.of(3), [1, 1], palette), {
      message: 'The palette has no colour for class 3.',
    });
    assert.throws(() => maskOverlay(new Float32Array(5), [1, 2, 1, 3]), {
      message: 'A mask has 5 values, expected 1x2x1x3.',
    });
  });
});

test('the runtime exports both, and fetches them on first use', async () => {
  const values = Float32Array.of(3, 1, 1, 2, 4, 2, 0, 1, 5);
  assert.deepEqual(await runtime.topK(values, 2), topK(values, 2));
  assert.deepEqual(
    await runtime.maskOverlay(values, [1, 3, 1, 3]),
    maskOverlay(values, [1, 3, 1, 3]),
  );
  await assert.rejects(runtime.topK(values, 1, { labels: [] }), { code: 'input' });
});
