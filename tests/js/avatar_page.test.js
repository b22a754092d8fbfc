/** What the live page decides, without a page: settings, who is shown, how often, what is measured. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { describe, test } from 'node:test';

import { LandmarkFilter } from '../../face/filter.js';
import { Acting, emotionOf } from '../../web/acting.js';
import { Actor } from '../../web/actor.js';
import { Director, EASE_MS, FOUND_MS, HOLD_MS } from '../../web/director.js';
import { largest } from '../../web/faces.js';
import { Idle } from '../../web/idle.js';
import { Meter, Rate, Trend } from '../../web/meters.js';
import { capitalised, chooseModel, namedModel } from '../../web/models.js';
import { factsLine, sideLabels } from '../../web/readout.js';
import { Rig } from '../../web/rig/rig.js';
import { DEFAULTS, keepSettings, readSettings, searchOf, valueOf } from '../../web/settings.js';
import { knows, say } from '../../web/strings.js';
import { COOLDOWN_MS, IGNORED_MS, Tuning } from '../../web/tuning.js';

const LENGTH = 478 * 3;
const read = (path) => JSON.parse(readFileSync(new URL(`../../${path}`, import.meta.url)));
const expressions = read('face/expressions.json');
const framing = read('face/framing.json');
const makeRig = () => new Rig(expressions, framing);
const makeIdle = (rig = makeRig()) => new Idle(rig, expressions.visemes);
const filled = (value) => new Float32Array(LENGTH).fill(value);
/** The largest change of any number from one to the next. */
const jump = (a, b) => a.reduce((most, value, i) => Math.max(most, Math.abs(value - b[i])), 0);

describe('settings', () => {
  const storage = (kept) => ({ getItem: () => kept });

  test('come from the address, then from the last visit, then from the defaults', () => {
    const { settings, unknown } = readSettings(
      '?backend=ort-wasm&sharpness=0.25&mirror=0',
      storage('{"backend":"native","look":"ember","view":"stages","sharpness":1}'),
    );
    assert.deepEqual(unknown, []);
    assert.deepEqual(settings, {
      ...DEFAULTS,
      ...{ backend: 'ort-wasm', look: 'ember', sharpness: 0.25, mirror: false, view: 'stages' },
    });
  });

  test('that are none are told, and left at their defaults', () => {
    const { settings, unknown } = readSettings(
      '?backend=cuda&res=300&sharpness=2&what=1&__proto__=1&emotion=joy,bored&sway=-1',
      storage('{"tier":"huge","view":5,"nothing":1}'),
    );
    assert.deepEqual(settings, DEFAULTS);
    const told = ['backend=cuda', 'res=300', 'sharpness=2', 'what=1', '__proto__=1'];
    assert.deepEqual(unknown, [...told, 'emotion=joy,bored', 'sway=-1']);
  });

  test('of few choices take no others', () => {
    for (const every of ['auto', '1', '2', '4']) {
      const { settings } = readSettings(`?every=${every}`);
      assert.equal(settings.every, every);
      assert.equal(searchOf(settings), every === 'auto' ? '' : `?every=${every}`);
    }
    for (const every of ['0', '5', '1.5', 'x', '-1'])
      assert.deepEqual(readSettings(`?every=${every}`).unknown, [`every=${every}`]);
    assert.equal(readSettings('', storage('{"every":"3"}')).settings.every, '3');
    assert.equal(valueOf({ name: 'every', type: 'select-one', value: '3' }), '3');
    assert.equal(valueOf({ name: 'sharpness', type: 'range', value: '0.3' }), 0.3);
    assert.equal(valueOf({ name: 'mirror', type: 'checkbox', checked: false }), false);
    assert.equal(valueOf({ name: 'view', type: 'select-one', value: 'side' }), 'side');
  });

  test('a camera, a model, a comparison and an emotion do not go on by themselves at the next visit', () => {
    let kept = '';
    const settings = {
      ...DEFAULTS,
      source: 'camera',
      model: 'x/',
      compare: 'ort-wasm',
      against: 'y/',
      emotion: 'joy',
      view: 'side',
    };
    keepSettings(settings, { setItem: (_, value) => (kept = value) });
    assert.deepEqual(readSettings('', storage(kept)).settings, { ...DEFAULTS, view: 'side' });
  });

  test('a storage that throws, or holds what is not JSON, is as none', () => {
    const full = { setItem: () => assert.fail('full') };
    keepSettings(DEFAULTS, full);
    assert.deepEqual(readSettings('', storage('{')).settings, DEFAULTS);
    assert.deepEqual(readSettings('', storage('null')).settings, DEFAULTS);
    assert.deepEqual(readSettings('', undefined).settings, DEFAULTS);
  });

  test('stand in a link that gives them back', () => {
    const settings = {
      ...DEFAULTS,
      look: 'ember',
      res: '512',
      autotune: true,
      sharpness: 0.8,
      model: 'a b/ü&',
      emotion: 'joy,tired',
      assist: false,
    };
    assert.deepEqual(readSettings(searchOf(settings), undefined).settings, settings);
    assert.equal(searchOf(DEFAULTS), '');
  });
});

test('an emotion is chosen alone or blended, by its button or its digit', () => {
  for (const [before, chosen, alone, blended] of [
    ['', 'joy', 'joy', 'joy'],
    ['joy', 'joy', '', ''],
    ['joy', 'fear', 'fear', 'joy,fear'],
    ['joy,fear', 'joy', 'joy', 'fear'],
    ['joy,fear', 'anger', 'anger', 'joy,fear,anger'],
  ]) {
    assert.equal(Acting.choose(before, chosen, false), alone);
    assert.equal(Acting.choose(before, chosen, true), blended);
  }
  const codes = ['Digit1', 'Numpad8', 'Digit0', 'Digit9', 'KeyJ', 'Digit10'];
  const emotions = ['joy', 'tired', '', undefined, undefined, undefined];
  assert.deepEqual(codes.map(emotionOf), emotions);
});

describe('the director', () => {
  const make = () => {
    const rig = makeRig();
    return new Director(makeIdle(rig), rig);
  };
  const out = () => new Float32Array(LENGTH);

  test('shows the face that is found, at once where nothing was shown before', () => {
    const director = make();
    director.found(filled(0.25), 10);
    assert.deepEqual(director.landmarks(10, out()), filled(0.25));
    assert.equal(director.state, 'live');
  });

  test('holds a lost face, then eases to the idle one; from there to a found one', () => {
    const director = make();
    director.found(filled(0.5), 0);
    director.landmarks(0, out());
    director.lost(40);
    assert.equal(director.state, 'held');
    assert.deepEqual(director.landmarks(HOLD_MS - 1, out()), filled(0.5));
    let before = filled(0.5);
    let most = 0;
    let now = HOLD_MS;
    for (; now < HOLD_MS + EASE_MS + 100; now += 16) {
      const next = director.landmarks(now, out());
      most = Math.max(most, jump(before, next));
      before = next;
    }
    assert.equal(director.state, 'idle');
    director.found(filled(0.5), now);
    for (; now < HOLD_MS + 2 * EASE_MS + 200; now += 16) {
      const next = director.landmarks(now, out());
      most = Math.max(most, jump(before, next));
      before = next;
    }
    assert.deepEqual(before, filled(0.5));
    assert.ok(most < 0.04, `${most}`);
  });

  test('a face that is found again where it is not any more is eased to, quickly', () => {
    const director = make();
    director.found(filled(0.5), 0);
    director.landmarks(0, out());
    director.lost(30);
    director.landmarks(60, out());
    director.found(filled(0.75), 100);
    assert.deepEqual(director.landmarks(100, out()), filled(0.5));
    const middle = director.landmarks(100 + FOUND_MS / 2, out())[0];
    assert.ok(middle > 0.6 && middle < 0.65, `${middle}`);
    assert.deepEqual(director.landmarks(100 + FOUND_MS, out()), filled(0.75));
  });

  test('shows what the rig adds to a found face, and moves until it is there', () => {
    const rig = makeRig();
    const director = new Director(makeIdle(rig), rig);
    const face = rig.alone(0, out());
    director.found(face, 10);
    assert.deepEqual(director.landmarks(10, out()), face);
    rig.emotions.feel({ surprise: 1 });
    let now = 10;
    for (; director.isMoving(now); now += 40) director.landmarks(now, out());
    const after = director.landmarks(now, out());
    assert.ok(now > 500 && now < 3000, `${now}`);
    assert.ok(after[3 * 14 + 1] - face[3 * 14 + 1] > 0.02);
    rig.emotions.feel({});
    rig.touch();
    assert.ok(director.isMoving(now));
    for (; director.isMoving(now); now += 40) director.landmarks(now, out());
    assert.deepEqual(director.landmarks(now, out()), face);
  });

  test('moves by itself but while it only shows what is found', () => {
    const director = make();
    assert.ok(director.isMoving(0));
    director.found(filled(0.5), 0);
    assert.ok(!director.isMoving(1));
    director.end(2);
    assert.ok(director.isMoving(3));
  });
});

describe('the idle face', () => {
  test('blinks about 15 times a minute, and never moves by much from frame to frame', () => {
    const rig = makeRig();
    const idle = makeIdle(rig);
    let blinks = 0;
    let wasClosed = false;
    let before;
    let most = 0;
    for (let now = 0; now < 300000; now += 33) {
      const points = idle.landmarks(now, new Float32Array(LENGTH));
      const isClosed = rig.channels.openness(points, 0) < 0.5;
      if (isClosed && !wasClosed) blinks++;
      wasClosed = isClosed;
      if (before) most = Math.max(most, jump(points, before));
      before = points;
    }
    assert.ok(blinks > 5 * 11 && blinks < 5 * 19, `${blinks} in five minutes`);
    assert.ok(most < 0.03, `${most}`);
  });

  test('opens its mouth when it performs', () => {
    const opening = (performs) => {
      const idle = Object.assign(makeIdle(), { performs });
      let most = 0;
      for (let now = 0; now < 6000; now += 33) {
        const points = idle.landmarks(now, new Float32Array(LENGTH));
        most = Math.max(most, points[3 * 14 + 1] - points[3 * 13 + 1]);
      }
      return most;
    };
    assert.ok(opening(true) > 0.05);
    assert.ok(opening(false) < 0.01);
  });
});

describe('the one-euro filter', () => {
  const wave = (i, at) => 0.3 + (i % 3 === 2 ? 0 : (i % 200) / 500) + at;

  test('leaves a face at rest less of its tremble, and a fast one its place', () => {
    const filter = new LandmarkFilter();
    let seed = 1;
    const noise = () => ((seed = (seed * 16807) % 2147483647) / 2147483647 - 0.5) * 0.002;
    let rest = 0;
    let raw = 0;
    let before;
    for (let frame = 0; frame < 90; frame++) {
      const given = Float32Array.from({ length: LENGTH }, (_, i) => wave(i, 0) + noise());
      const points = given.slice();
      filter.apply(points, frame * 33);
      if (before && frame > 30) {
        rest += Math.abs(points[0] - before.points[0]);
        raw += Math.abs(given[0] - before.given[0]);
      }
      before = { points, given };
    }
    assert.ok(rest < raw / 3, `${rest} of ${raw}`);
    let lag = 0;
    for (let frame = 90; frame < 120; frame++) {
      const at = (frame - 89) * 0.01;
      const points = Float32Array.from({ length: LENGTH }, (_, i) => wave(i, at));
      filter.apply(points, frame * 33);
      lag = Math.abs(points[0] - wave(0, at));
    }
    assert.ok(lag < 0.012, `${lag}: a frame's way is 0.01`);
  });

  test('lets lids through', () => {
    const filter = new LandmarkFilter();
    const points = Float32Array.from({ length: LENGTH }, (_, i) => wave(i, 0));
    filter.apply(points.slice(), 0);
    const closed = points.slice();
    closed[3 * 159 + 1] += 0.01;
    closed[3 * 4 + 1] += 0.01;
    filter.apply(closed, 33);
    const passed = (point) => (closed[3 * point + 1] - points[3 * point + 1]) / 0.01;
    assert.ok(passed(159) > 0.8, `${passed(159)}`);
    assert.ok(passed(4) < 0.9 * passed(159), `${passed(4)}`);
  });

  test('begins anew after a reset, and at a time that does not go on stays as it is', () => {
    const filter = new LandmarkFilter();
    filter.apply(filled(0.1), 0);
    filter.reset();
    const points = filled(0.9);
    filter.apply(points, 33);
    assert.deepEqual(points, filled(0.9));
    filter.apply(points.fill(0.2), 33);
    assert.deepEqual(points, filled(0.2));
  });
});

describe('tuning', () => {
  const feed = (tuning, ms, from, until) => {
    const changes = [];
    for (let now = from; now < until; now += ms)
      if (tuning.measured(ms, now)) changes.push(tuning.tier);
    return changes;
  };

  test('ignores the first seconds, goes down quickly', () => {
    const tuning = new Tuning('strong');
    assert.deepEqual(feed(tuning, 70, 0, IGNORED_MS), []);
    assert.deepEqual(feed(tuning, 70, IGNORED_MS, 20000), ['mid', 'weak']);
  });

  test('goes up after a long while only, and never to and fro', () => {
    const tuning = new Tuning('mid');
    feed(tuning, 60, 0, 12000);
    assert.equal(tuning.tier, 'weak');
    assert.deepEqual(feed(tuning, 12, 12000, COOLDOWN_MS), []);
    const changes = feed(tuning, 12, COOLDOWN_MS, 6 * COOLDOWN_MS);
    assert.deepEqual(changes, ['mid', 'strong']);
    // What is too slow for one tier and too fast for the other is left where it is.
    const between = new Tuning('mid');
    assert.deepEqual(feed(between, 30, 0, 10 * COOLDOWN_MS), []);
  });
});

describe('meters', () => {
  test('have the last values', () => {
    const meter = new Meter();
    assert.ok(Number.isNaN(meter.percentile(0.5)));
    for (let i = 1; i <= 200; i++) meter.add(i);
    assert.equal(meter.last, 200);
    assert.equal(meter.percentile(0), 81);
    assert.equal(meter.percentile(0.5), 141);
    assert.equal(meter.percentile(1), 200);
    const short = new Meter(3);
    for (const value of [9, 1, 3, 2]) short.add(value);
    assert.deepEqual([short.percentile(0), short.percentile(1), short.last], [1, 3, 2]);
  });

  test('rates are of the last two seconds', () => {
    const rate = new Rate();
    for (let now = 0; now <= 10000; now += 50) rate.tick(now);
    assert.equal(Math.round(rate.perSecond(10000)), 20);
    assert.equal(rate.perSecond(20000), 0);
  });

  test('a trend is the slope a minute', () => {
    const trend = new Trend();
    assert.equal(trend.slope, 0);
    for (let now = 0; now < 300000; now += 1000)
      trend.add(5 + now / 30000 + (now % 2000 ? 0.1 : 0), now);
    assert.ok(Math.abs(trend.slope - 2) < 0.01, `${trend.slope}`);
  });
});

describe('a model', () => {
  const record = (name, look, size) => ({ name, look, size, folder: `${name}/` });
  const models = [
    record('neon', 'neon', 256),
    record('ember', 'ember', 256),
    record('neon again', 'neon', 256),
    record('neon large', 'neon', 512),
  ];
  const choose = (settings, weak) => chooseModel(models, { ...DEFAULTS, ...settings }, weak);

  test('is chosen by its look, then by the resolution, then by the device', () => {
    const noEmber = '; this site has no model of 512 pixels with the look ember';
    const noLook = '; this site has no look plain';
    for (const [look, res, onPhone, onDesktop, note] of [
      ['auto', 'auto', 'neon', 'neon large', ''],
      ['auto', '256', 'neon', 'neon', ''],
      ['auto', '512', 'neon large', 'neon large', ''],
      ['neon', 'auto', 'neon', 'neon large', ''],
      ['neon', '256', 'neon', 'neon', ''],
      ['neon', '512', 'neon large', 'neon large', ''],
      ['ember', 'auto', 'ember', 'ember', ''],
      ['ember', '256', 'ember', 'ember', ''],
      ['ember', '512', 'ember', 'ember', noEmber],
      ['plain', 'auto', 'neon', 'neon large', noLook],
      ['plain', '512', 'neon large', 'neon large', noLook],
      ['plain', '1024', 'neon', 'neon large', `${noLook}; this site has no model of 1024 pixels`],
      ['', '256', 'neon', 'neon', '; this site has no look'],
    ])
      for (const phone of [true, false]) {
        const { name, note: told } = choose({ look, res }, phone);
        assert.deepEqual([name, told], [phone ? onPhone : onDesktop, note], `${look} ${res}`);
      }
  });

  test('that is named, at a URL or dropped is taken whatever look is asked for', () => {
    const asked = { ...DEFAULTS, look: 'plain', res: '512' };
    assert.equal(chooseModel(models, { ...asked, model: 'ember' }, true), models[1]);
    assert.equal(choose({ ...asked, model: 'https://x/' }, true).folder, 'https://x/');
    const dropped = { name: 'mine', files: {} };
    const own = { ...dropped, size: 0, folder: '' };
    assert.deepEqual(chooseModel(models, { ...asked, model: 'ember' }, true, dropped), own);
  });

  test('has a look whose name begins with a capital on the page', () => {
    assert.deepEqual(['ember', 'a', ''].map(capitalised), ['Ember', 'A', '']);
  });
});

test('the sides of a comparison are named by what they differ in', () => {
  const facts = (name, backend) => ({ name, backend });
  const labels = (other) => sideLabels(facts('a', 'native'), other);
  assert.deepEqual(labels(facts('b', 'native')), ['a', 'b']);
  assert.deepEqual(labels(facts('a', 'ort-wasm')), ['native', 'ort-wasm']);
  assert.deepEqual(labels(facts('b', 'ort-wasm')), ['a, native', 'b, ort-wasm']);
  assert.deepEqual(labels(facts('a', 'native')), ['a', 'a']);
});

test('where every frame is the generator’s though fewer are asked for, that is said', () => {
  const line = (moves, settings) =>
    factsLine({ backend: 'native', adapter: 'one', reason: 'asked for', moves }, '; a note', {
      ...DEFAULTS,
      ...settings,
    });
  const plain = 'native on one: asked for; a note';
  assert.equal(line(false, {}), plain);
  assert.equal(line(true, { every: '2' }), plain);
  for (const told of [line(false, { every: '2' }), line(true, { every: '2', compare: 'native' })])
    assert.equal(told, `${plain}; here every frame is the generator’s`);
});

test('a model is named, or at a URL', () => {
  const models = [{ name: 'one', size: 256, folder: 'x/one/' }];
  assert.equal(namedModel(models, 'one'), models[0]);
  const url = 'https://x/models/two/?token=1';
  assert.deepEqual(namedModel(models, url), { name: 'two', size: 0, folder: url });
});

test('of several faces the largest drives the avatar', () => {
  const face = (x, y, side) => [
    { x, y, z: 0 },
    { x: x + side, y: y + side, z: 0 },
  ];
  const faces = [face(0.1, 0.1, 0.2), face(0.5, 0.2, 0.3), face(0.3, 0.6, 0.1)];
  assert.equal(largest(faces), faces[1]);
  assert.equal(largest([]), undefined);
});

describe('words', () => {
  const sources = readdirSync(new URL('../../web/', import.meta.url), { recursive: true })
    .filter((name) => name.endsWith('.js'))
    .map((name) => [name, readFileSync(new URL(`../../web/${name}`, import.meta.url), 'utf8')]);
  const html = readFileSync(new URL('../../web/index.html', import.meta.url), 'utf8');
  const hasWord = (text) => /\p{L}/u.test(text.replace(/&\w+;/g, ''));

  test('take values, and none that is asked for is missing', () => {
    assert.equal(say('state.loading', { percent: 7 }), 'Loading the avatar: 7 %');
    const source = sources.map(([, text]) => text).join('\n');
    const named = [...source.matchAll(/'((?:state|speech|fact|reason|lack|done|do)\.[\w-]+)'/g)];
    const codes = [...source.matchAll(/SourceError\(\s*'(\w+)'/g)].map(
      ([, code]) => `error.${code}`,
    );
    assert.ok(named.length > 30 && codes.length > 8);
    for (const key of [...named.map(([, key]) => key), ...codes]) assert.ok(knows(key), key);
  });

  test('of index.html are those of the table, each by its key', () => {
    const attributes = { 'aria-label': 'label', title: 'title', placeholder: 'placeholder' };
    let count = 0;
    const check = (tag, name, text) => {
      const [, key] = new RegExp(`data-${name}="([^"]+)"`).exec(tag) ?? [];
      assert.ok(key && knows(key), `${text}: no key`);
      assert.equal(text.replace(/\s+/g, ' ').trim(), say(key));
      count++;
    };
    for (const [, tag, text] of html.matchAll(/<([^<>]+)>([^<>]*)/g)) {
      if (hasWord(text)) check(tag, 'text', text);
      for (const [attribute, name] of Object.entries(attributes)) {
        const [, value] = new RegExp(`\\s${attribute}="([^"]*)"`).exec(tag) ?? [];
        if (value !== undefined) check(tag, name, value);
      }
      if (/name="description"/.test(tag)) check(tag, 'content', /\scontent="([^"]*)"/.exec(tag)[1]);
    }
    assert.ok(count > 70, `${count}`);
  });

  test('stand in no other module', () => {
    for (const [name, text] of sources) {
      // The others spell sounds, say what the avatar performs, and are WGSL.
      if (/^(strings|idle|lips.letters|mesh_shader)\.js$/.test(name)) continue;
      const code = text.replace(/\/\*[^]*?\*\/|^\s*\/\/.*$/gm, '').replace(/\$\{[^{}`]*\}/g, '0');
      for (const [literal] of code.matchAll(/'(?:[^'\\\n]|\\.)*'|`[^`]*`/g))
        assert.doesNotMatch(literal, /[a-z]{2,} [a-z]{2,}/i, name);
    }
  });
});

describe('a follower', () => {
  const read = (name) =>
    JSON.parse(readFileSync(new URL(`../../face/${name}`, import.meta.url), 'utf8'));
  const { director, follower } = new Actor(read('expressions.json'), read('framing.json'));

  test('takes points on a line for no face, and what are no landmarks for an error', () => {
    const line = Float32Array.from({ length: 478 * 3 }, (_, i) => (i % 3 ? 0.5 : i / 1434));
    follower.follow({ time: 0, aspect: 1, landmarks: line }, 0);
    assert.equal(director.state, 'idle');
    assert.throws(
      () => follower.follow({ time: 1, aspect: 1, landmarks: new Float32Array(9) }, 1),
      /length/,
    );
  });
});
