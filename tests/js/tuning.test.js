/** What a session chooses by time: the fastest variant that is exact. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { fixtureFolder, withoutVectors } from './host.js';
import { expected, filled, newDevice, openSession } from './sessions.js';

const WRONG = 'fn dots(x: u32, w: vec4u) -> vec4i { return vec4i(1); }';

/** The fixture with a snippet that loses time, and is right. */
const slow = (variant) =>
  fixtureFolder(({ shaders }) => {
    const name = `dot_${variant}.wgsl`;
    shaders[name] = shaders[name].replace('fn dots(', 'fn quick(').concat(`
fn dots(x: u32, w: vec4u) -> vec4i {
  var sum = vec4i();
  for (var i = 0u; i < 3000u; i++) { sum = sum * 3 + quick(x ^ i, w); }
  return select(quick(x, w), sum, w.x == 0x7654321u && w.y == 1u);
}
`);
  });

describe('tuning', () => {
  for (const [loser, winner] of [
    ['packed', 'emulated'],
    ['emulated', 'packed'],
  ])
    test(`goes on with ${winner} where ${loser} is slow, also after a loss`, async () => {
      const session = await openSession(slow(loser));
      const { dot, ms } = await session.tune();
      assert.equal(dot, winner);
      assert.deepEqual(Object.keys(ms).sort(), ['emulated', 'packed']);
      assert.ok(ms[loser] > ms[winner], JSON.stringify(ms));
      assert.equal(session.variants.dot, winner);
      assert.match(
        session.variants.why.dot,
        /^the fastest here, ms a frame: \w+ [\d.]+, \w+ [\d.]+$/,
      );
      assert.deepEqual((await session.run({ input: filled(0.3) })).output, expected(0.3));
      session.device.destroy();
      await session.lost;
      assert.deepEqual((await session.run({ input: filled(0.7) })).output, expected(0.7));
      assert.equal(session.variants.dot, winner);
      session.destroy();
    });

  for (const [what, text] of [
    ['is not exact', WRONG],
    ['does not compile', 'requires no_such_feature;\n'],
  ])
    test(`leaves out what ${what}`, async () => {
      const session = await openSession(
        fixtureFolder(({ shaders }) => (shaders['dot_packed.wgsl'] = text)),
      );
      const { dot, ms } = await session.tune();
      assert.equal(dot, 'emulated');
      assert.deepEqual(Object.keys(ms), ['emulated']);
      assert.match(session.variants.why.dot, /software adapter/);
    });

  test('takes no other variant where none can be made, and leaves a caller its device', async () => {
    const device = await newDevice();
    const session = await openSession(slow('emulated'), { device, recover: false });
    const { dot, ms } = await session.tune();
    assert.deepEqual([dot, ...Object.keys(ms)], ['emulated', 'emulated']);
    session.destroy();
    assert.ok(device.createBuffer({ size: 4, usage: 8 }));
    device.destroy();
  });

  test('frames that are asked for meanwhile wait, and are right', async () => {
    const session = await openSession(slow('emulated'));
    const [{ dot }, { output }] = await Promise.all([
      session.tune(),
      session.run({ input: filled(0.5) }),
    ]);
    assert.equal(dot, 'packed');
    assert.deepEqual(output, expected(0.5));
  });

  test('needs test vectors', async () => {
    const folder = fixtureFolder(withoutVectors);
    await assert.rejects((await openSession(folder)).tune(), /compiled with --no-self-test/);
  });
});
