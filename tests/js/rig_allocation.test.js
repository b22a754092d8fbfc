/** What a frame of the rig leaves to the collector: in a process of its own, where V8 knows one kind of array. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Rig } from '../../web/rig/rig.js';
import { expressions, framing, LENGTH, person } from './rig_face.js';

for (const way of ['alone', 'over a person'])
  test(`${way}, a frame makes no object`, () => {
    const rig = new Rig(expressions, framing);
    rig.emotions.feel({ joy: 0.5, fear: 0.5 });
    Object.assign(rig, { isLayered: true });
    rig.levels.contact = 0.5;
    const [one, out] = [Float32Array.from(person()), new Float32Array(LENGTH)];
    const script = new Float64Array(rig.weights.length);
    let now = 0;
    const run = (frames) => {
      const before = process.memoryUsage().heapUsed;
      for (let i = 0; i < frames; i++) {
        now += 25;
        if (way === 'alone') rig.alone(now, out, script);
        else rig.over(one, now, out, script);
      }
      return process.memoryUsage().heapUsed - before;
    };
    run(8000);
    // Of some runs the least: a compiler that finishes meanwhile allocates as well. What remains is the numbers
    // that V8 boxes where functions hand them on; an array or a closure would be as much again.
    const bytes = Math.min(...Array.from({ length: 10 }, () => Math.abs(run(500)))) / 500;
    assert.ok(bytes < 400, `${bytes} bytes a frame`);
  });
