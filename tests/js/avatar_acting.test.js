/** The live page's acting in Chromium: emotions by keys, buttons and address, sliders, timeline, a neutral face. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, test } from 'node:test';

import { ROOT, screenshotPath } from './host.js';
import { visit } from './live.js';

const weightOf = ({ rig }, name) => rig.weights[rig.channels.names.indexOf(name)];
/** Waits until a channel's weight is within bounds. */
const until = (page, inside) => async (name, least, most) => {
  let weight;
  for (let i = 0; i < 300; i++) {
    weight = await inside(weightOf, name);
    if (weight >= least && weight <= most) return;
    await page.waitForTimeout(100);
  }
  assert.fail(`${name} is ${weight}, not from ${least} to ${most}`);
};
const pressed = (page) =>
  page.locator('#emotions [aria-pressed=true]').evaluateAll((all) => all.map((one) => one.dataset.emotion)); // prettier-ignore

describe('emotions', () => {
  test('are felt by keys: one, with Shift several, 0 ends them; the address has them', async () => {
    const { page, inside, shown, log } = await visit();
    await shown(1);
    const weight = until(page, inside);
    await page.keyboard.press('1');
    await weight('smile', 0.85, 1.2);
    assert.match(page.url(), /\?emotion=joy$/);
    assert.deepEqual(await pressed(page), ['joy']);
    await page.keyboard.press('Shift+Digit4');
    await weight('jaw', 0.25, 0.5);
    assert.deepEqual(await pressed(page), ['joy', 'surprise']);
    await page.keyboard.press('3');
    await weight('brow_down', 1.1, 1.2);
    assert.deepEqual(await pressed(page), ['anger']);
    await page.keyboard.press('0');
    await weight('brow_down', 0, 0.01);
    assert.deepEqual(await pressed(page), []);
    assert.doesNotMatch(page.url(), /emotion/);
    assert.deepEqual(log.said, []);
  });

  test('come from the address, by segment; what is none is told', async () => {
    const { page, inside, shown, state } = await visit(
      '?emotion=fear,sadness&intensity=0.5&mouth=0&sway=0&gaze=0&readout=1',
    );
    await shown(1);
    const weight = until(page, inside);
    await weight('brow_inner', 0.9, 1);
    await weight('wide', 0, 0.001);
    assert.equal(await inside(({ rig }) => Math.hypot(...rig.pose)), 0);
    assert.deepEqual(await pressed(page), ['sadness', 'fear']);
    const intensity = page.getByLabel('How strongly');
    assert.equal(await intensity.inputValue(), '0.5');
    await intensity.fill('1');
    assert.match(page.url(), /emotion=fear%2Csadness&mouth=0/);
    await page.getByRole('button', { name: 'Tired' }).click();
    await weight('blink_left', 0.45, 1);
    const other = await visit('?emotion=joy,bored');
    await other.state(/The address says emotion=joy,bored, which this page does not know/);
    await state(/Nobody drives the avatar/);
  });
});

test('each channel has a slider, and its last seconds are drawn while they are looked at', async () => {
  const { page, inside, shown } = await visit('?readout=1&sway=1');
  await shown(1);
  const drawn = () =>
    page.evaluate(() => {
      const canvas = document.getElementById('timeline');
      const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
      return data.reduce((sum, value, i) => sum + value * (i % 251), 0);
    });
  await page.getByText('Channels', { exact: true }).click();
  await page.getByLabel('Puffed cheeks').fill('0.8');
  await until(page, inside)('puff', 0.8, 0.8);
  assert.equal(await page.locator('#channel-sliders input').count(), 15);
  // It begins when its script has come.
  await page.waitForFunction(() => {
    const canvas = document.getElementById('timeline');
    return canvas
      .getContext('2d')
      .getImageData(0, 0, canvas.width, canvas.height)
      .data.some(Boolean);
  });
  const first = await drawn();
  await shown(3);
  await page.waitForTimeout(200);
  assert.notEqual(await drawn(), first);
  await page.locator('#channels').screenshot({ path: screenshotPath('live-channels') });
  await page.getByRole('button', { name: 'All to zero' }).click();
  await until(page, inside)('puff', 0, 0);
  assert.equal(await page.getByLabel('Puffed cheeks').inputValue(), '0');
  await page.getByText('Channels', { exact: true }).click();
  await page.waitForTimeout(200);
  const closed = await drawn();
  await page.waitForTimeout(300);
  assert.equal(await drawn(), closed);
});

test('a face of a picture feels what is asked; its neutral face is taken, kept, and forgotten', async () => {
  const { page, inside, state, said } = await visit('?readout=1&assist=0');
  await page.setInputFiles('#file', join(ROOT, 'models/pictures/astronaut.jpg'));
  await state(/Your face drives the avatar/);
  const weight = until(page, inside);
  // Nobody acts for a person who is there.
  await weight('smile', 0, 0);
  assert.equal(await inside(({ rig }) => rig.isStill), true);
  await page.getByRole('button', { name: 'Surprise' }).click();
  await weight('jaw', 0.5, 0.6);
  await page.keyboard.press('0');
  await weight('jaw', 0, 0.001);
  const corner = () => inside(({ rig }) => rig.calibration.offset[3 * 61 + 1]);
  assert.equal(await corner(), 0);
  await page.getByRole('button', { name: 'Take my neutral face' }).click();
  await said('neutral-state', /Look into the camera/);
  await said('neutral-state', /Your neutral face is the avatar’s/);
  // The astronaut smiles: the corners of her mouth come down.
  const offset = await corner();
  assert.ok(offset < -0.1, `${offset}`);
  await page.reload();
  await said('neutral-state', /Your neutral face is the avatar’s/);
  await page.getByRole('button', { name: 'Forget it' }).click();
  await said('neutral-state', /what your face shows/);
  await page.reload();
  await said('neutral-state', /what your face shows/);
  assert.equal(await page.isVisible('#forget'), false);
});
