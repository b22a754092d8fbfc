/** The live page's speech in Chromium: words, a recording, a microphone that hears a file. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';

import { clipSource, ROOT, screenshotPath } from './host.js';
import { visit } from './live.js';

const MICROPHONE = ['--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream'];
const pressed = (page) => page.getAttribute('#listen', 'aria-pressed');
/** Waits until a channel's weight is within bounds, as a frame has it. */
const until = (page, inside) => (name, least, most) =>
  inside(
    async ({ rig }, [name, least, most]) => {
      const i = rig.channels.names.indexOf(name);
      const end = performance.now() + 60000;
      while (!(rig.weights[i] >= least && rig.weights[i] <= most)) {
        if (performance.now() > end) throw new Error(`${name} is ${rig.weights[i]}`);
        await new Promise((next) => setTimeout(next, 5));
      }
    },
    [name, least, most],
  );

test('words move the mouth, without a voice in silence, until they end or are stopped', async () => {
  const { page, inside, shown, said, log } = await visit('?readout=1&sway=0');
  await shown(1);
  const weight = until(page, inside);
  await said('speech-state', /^Words, a recording or the microphone/);
  const words = page.getByLabel('Words, in English');
  await words.fill('');
  // What is typed is no key of the page's.
  await words.pressSequentially('mama papa 1 m');
  assert.doesNotMatch(page.url(), /emotion|readout=0/);
  await words.fill('mama papa '.repeat(40));
  await page.getByRole('button', { name: 'Speak' }).click();
  await said('speech-state', /^Without sound/);
  await weight('press', 0.5, 1.2);
  await weight('jaw', 0.5, 1.2);
  await page.getByRole('button', { name: 'Stop' }).click();
  await said('speech-state', /^Words, a recording/);
  await weight('jaw', 0, 0.001);
  await words.fill('Oh!');
  await page.getByRole('button', { name: 'Speak' }).click();
  await said('speech-state', /^Without sound/);
  await said('speech-state', /^Words, a recording/);
  await page.locator('#speech').screenshot({ path: screenshotPath('live-speech') });
  assert.deepEqual(log.said, []);
});

test('a recording moves the mouth while it is played; what is none is told', async () => {
  const { page, inside, shown, said, log } = await visit('?readout=1');
  await shown(1);
  const weight = until(page, inside);
  await page.getByRole('button', { name: 'Stop' }).click();
  await page.setInputFiles('#voice-file', join(ROOT, 'models/pictures/astronaut.jpg'));
  await said('speech-state', /^astronaut.jpg is no recording/);
  assert.ok(await page.locator('#player').isHidden());
  await page.setInputFiles('#voice-file', clipSource('voice'));
  await said('speech-state', /^The recording moves the mouth/);
  await weight('jaw', 0.4, 1.2);
  // Words take its place, and it does not end them.
  await page.getByLabel('Words, in English').fill('mama papa '.repeat(40));
  await page.getByRole('button', { name: 'Speak' }).click();
  await said('speech-state', /^Without sound/);
  await weight('press', 0.5, 1.2);
  assert.match(await page.textContent('#speech-state'), /^Without sound/);
  const isStill = () => page.evaluate(() => document.getElementById('player').paused);
  assert.ok(await isStill());
  await page.evaluate(() => document.getElementById('player').play());
  await said('speech-state', /^The recording moves/);
  await page.evaluate(() => document.getElementById('player').pause());
  await said('speech-state', /^Words, a recording/);
  await weight('jaw', 0, 0.001);
  assert.deepEqual(log.said, []);
});

test('a microphone moves the mouth, by its sensitivity; one that is refused is told', async () => {
  const { page, inside, shown, said, log } = await visit('?readout=1&sensitivity=0.8', {
    flags: [...MICROPHONE, `--use-file-for-fake-audio-capture=${clipSource('voice')}`],
  });
  await shown(1);
  const weight = until(page, inside);
  const button = page.getByRole('button', { name: 'Microphone' });
  await button.click();
  await said('speech-state', /^The microphone moves the mouth/);
  assert.equal(await pressed(page), 'true');
  await weight('jaw', 0.3, 1.2);
  await page.getByLabel('How far it opens the mouth').fill('0');
  assert.match(page.url(), /sensitivity=0.8&limit=0/);
  await weight('jaw', 0, 0);
  await button.click();
  await said('speech-state', /^Words, a recording/);
  assert.equal(await pressed(page), 'false');
  assert.deepEqual(log.said, []);
  const other = await visit('?readout=1');
  await other.page.getByRole('button', { name: 'Microphone' }).click();
  await other.said('speech-state', /^The microphone was refused|^There is no microphone here/);
  assert.equal(await pressed(other.page), 'false');
});
