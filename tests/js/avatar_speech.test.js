/** The live page's speech in Chromium: words, a recording, a microphone that hears a file. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { clipSource, ROOT, screenshotPath, temporaryFolder } from './host.js';
import { visit } from './live.js';

const MICROPHONE = ['--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream'];
/** The file of a sound that is said some times over. */
function repeated(path, times) {
  const file = readFileSync(path);
  const start = file.indexOf('data') + 8;
  const header = Buffer.from(file.subarray(0, start));
  const samples = file.subarray(start);
  header.writeUInt32LE(start - 8 + times * samples.length, 4);
  header.writeUInt32LE(times * samples.length, start - 4);
  const long = join(temporaryFolder(), 'long.wav');
  writeFileSync(long, Buffer.concat([header, ...Array(times).fill(samples)]));
  return long;
}
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

test('a voice of this device sets the mouth’s time, from its start to its end', async () => {
  // What a browser with voices has, as the Web Speech API describes it: this one has none.
  const prepare = (page) =>
    page.addInitScript(() => {
      const voice = (name, lang, localService, isDefault = false) =>
        ({ name, lang, localService, default: isDefault }); // prettier-ignore
      const voices = [
        voice('Far', 'en-US', false, true),
        voice('Nahe', 'de-DE', true),
        voice('Ann', 'en-GB', true),
        voice('Bob', 'en_US', true, true),
      ];
      const synthesis = {
        getVoices: () => voices,
        speak: (utterance) => (synthesis.utterance = utterance),
        cancel: () => (synthesis.isCancelled = true),
      };
      Object.defineProperty(globalThis, 'speechSynthesis', { value: synthesis });
      globalThis.SpeechSynthesisUtterance = class {
        constructor(text) {
          this.text = text;
        }
      };
    });
  const { page, inside, shown, said, log } = await visit('?readout=1&sway=0', { prepare });
  await shown(1);
  const weight = until(page, inside);
  const text = `${'hot '.repeat(100)}${'mama papa '.repeat(20)}`;
  const speak = async () => {
    await page.getByLabel('Words, in English').fill(text);
    await page.getByRole('button', { name: 'Speak' }).click();
    await said('speech-state', /^The voice is Bob/);
  };
  const heard = (kind, event = {}) =>
    page.evaluate(([kind, event]) => speechSynthesis.utterance[`on${kind}`](event), [kind, event]);
  await speak();
  const { voice, ...rest } = await page.evaluate(() => ({ ...speechSynthesis.utterance }));
  assert.deepEqual([rest.text, rest.lang, voice.name], [text, 'en_US', 'Bob']);
  // Before it begins nothing is said.
  await shown(3);
  await weight('jaw', 0, 0);
  await heard('start');
  await weight('jaw', 0.5, 1.2);
  const before = Date.now();
  await heard('boundary', { charIndex: text.indexOf('mama') });
  await weight('press', 0.5, 1.2);
  assert.ok(Date.now() - before < 10000, 'the lips close where the track alone has them');
  await heard('end');
  await said('speech-state', /^Words, a recording/);
  await weight('jaw', 0, 0.001);
  await speak();
  await heard('start');
  await heard('error');
  await said('speech-state', /^Words, a recording/);
  await speak();
  await page.evaluate(() => (speechSynthesis.isCancelled = false));
  await page.getByRole('button', { name: 'Stop' }).click();
  await said('speech-state', /^Words, a recording/);
  assert.ok(await page.evaluate(() => speechSynthesis.isCancelled));
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

test('a long recording is heard beside the page, to the same bits; another takes its place', async () => {
  const { page, inside, shown, said, log } = await visit('?readout=1');
  await shown(1);
  await page.evaluate(() => {
    globalThis.tasks = [];
    new PerformanceObserver((list) => globalThis.tasks.push(...list.getEntries())).observe({
      type: 'longtask',
    });
    globalThis.texts = [];
    const state = document.getElementById('speech-state');
    new MutationObserver(() => globalThis.texts.push(state.textContent)).observe(state, {
      childList: true,
    });
  });
  const lasts = (least, most) =>
    page.waitForFunction(
      ([least, most]) => {
        const { duration } = document.getElementById('player');
        return duration > least && duration < most;
      },
      [least, most],
    );
  const [short, long] = [clipSource('voice'), repeated(clipSource('voice'), 31)];
  const begins = page.waitForEvent('worker', (worker) => /hearing_worker/.test(worker.url()));
  await page.setInputFiles('#voice-file', long);
  const worker = await begins;
  const ends = new Promise((resolve) => worker.once('close', resolve));
  // What is chosen meanwhile ends it.
  await page.setInputFiles('#voice-file', short);
  await said('speech-state', /^The recording moves the mouth/);
  await ends;
  await lasts(5, 20);
  await page.setInputFiles('#voice-file', long);
  await lasts(300, 400);
  await said('speech-state', /^The recording moves the mouth/);
  const { lengths, texts } = await page.evaluate(() => ({
    lengths: globalThis.tasks.map(({ duration }) => duration),
    texts: globalThis.texts,
  }));
  assert.ok(Math.max(0, ...lengths) < 200, `${lengths} ms`);
  assert.ok(texts.includes('Listening to the recording: 58 %'), texts.join('; '));
  assert.ok(!page.workers().some((one) => /hearing_worker/.test(one.url())));
  await page.getByRole('button', { name: 'Stop' }).click();
  const differ = await inside(async ({ rig }) => {
    const { Hearing } = await import('./web/hearing.js');
    const { heard, mixed } = await import('./web/lips/voice.js');
    const { Track } = await import('./web/lips/visemes.js');
    const { visemes } = await (await fetch('./face/expressions.json')).json();
    const { names } = rig.channels;
    const parts = [5, 3].map((pitch) =>
      Float32Array.from({ length: 99999 }, (_, i) => Math.sin(i / pitch) * Math.sin(i / 9e3) ** 2),
    );
    const one = heard(mixed(parts), 16000, names, visemes);
    const other = await new Hearing().hear(parts, 16000, names, visemes);
    const here = new Track(one.times, one.weights);
    let [count, most] = [0, 0];
    for (let time = 0; time <= here.duration; time += 0.005) {
      const [a, b] = [here, other].map((track) => {
        const weights = new Float64Array(names.length);
        track.add(time, weights);
        return weights;
      });
      count += a.filter((x, i) => !Object.is(x, b[i])).length;
      most = Math.max(most, ...a);
    }
    return { count, most, duration: other.duration, isGone: !parts[0].length };
  });
  assert.deepEqual({ ...differ, most: differ.most > 0.5 }, { count: 0, most: true, duration: 6.25, isGone: true }); // prettier-ignore
  await page.route('**/hearing_worker.js', (route) => route.abort());
  await page.setInputFiles('#voice-file', clipSource('voice'));
  await said('speech-state', /^The recording could not be listened to: hearing_worker.js/);
  assert.deepEqual(
    log.said.filter((text) => !/ERR_FAILED/.test(text)),
    [],
  );
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
