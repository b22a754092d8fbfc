/** What a frame of the rig leaves to the collector: in a process of its own, where V8 knows one kind of array. */
import { test } from 'node:test';

import { Rig } from '../../web/rig/rig.js';
import { assertMakesNoObject, expressions, framing, LENGTH, person } from './rig_face.js';

for (const way of ['alone', 'over a person'])
  test(`${way}, a frame makes no object`, () => {
    const rig = new Rig(expressions, framing);
    rig.emotions.feel({ joy: 0.5, fear: 0.5 });
    Object.assign(rig, { isLayered: true });
    rig.levels.contact = 0.5;
    const [one, out] = [Float32Array.from(person()), new Float32Array(LENGTH)];
    const script = new Float64Array(rig.weights.length);
    let now = 0;
    assertMakesNoObject(() => {
      now += 25;
      if (way === 'alone') rig.alone(now, out, script);
      else rig.over(one, now, out, script);
    });
  });
