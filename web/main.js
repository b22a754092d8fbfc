/**
 * The page: what its controls do, and what it says.
 *
 * @import {Settings} from './settings.js'
 * @import {Shown} from './avatar.js'
 * @import {Model} from './backends.js'
 */
import { Acting } from './acting.js';
import { Actor } from './actor.js';
import { Avatar } from './avatar.js';
import { listenToKeys } from './keys.js';
import { Loop } from './loop.js';
import {
  chooseModel,
  isPhone,
  isWithoutGPU,
  namedModel,
  offerModels,
  readModels,
} from './models.js';
import { listenToFiles } from './dropped.js';
import { drawOverlay } from './overlay.js';
import { MOST, Pace, SLACK } from './pace.js';
import { Readout, factsLine, sideLabels } from './readout.js';
import { Recorder } from './recording.js';
import {
  DEFAULTS,
  TIERS,
  compares,
  keepSettings,
  readSettings,
  searchOf,
  showValues,
  storageHere,
  valueOf,
} from './settings.js';
import { SourceError, openCamera, openFile } from './sources.js';
import { Speech } from './speech.js';
import { problemText, stateText } from './status.js';
import { inscribe, say } from './strings.js';
import { snapshot, togglePictureInPicture } from './takes.js';
import { Tracker } from './tracker.js';
import { Tuning } from './tuning.js';

const SITE = `${new URL('.', document.baseURI)}`;
const NAME = 'avatar';
const LARGEST = 1024;
const PAINT_MS = 500;
const NOTICE_MS = 2000;

const element = (/** @type {string} */ id) => /** @type {any} */ (document.getElementById(id));
const storage = storageHere();
const { settings, unknown } = readSettings(location.search, storage);
const phone = isPhone();
/** Whether the smallest model is enough. */
let isWeak = phone;

/** @type {Model[]} */
let models = [];
/** @type {import('./idle.js').Idle} */
let idle;
/** @type {Acting} */
let acting;
/** @type {Speech} */
let speech;
/** @type {Loop} */
let loop;
/** @type {Readout} */
let readout;
/** @type {{code: string, detail: string} | undefined} what is wrong, until something is done about it */
let problem;
/** @type {{name: string, files: Record<string, Blob> | Blob} | undefined} a model that was dropped here */
let dropped;
/** @type {import('./backends.js').Facts | undefined} of the backend that is open */
let running;
let isTrackerReady = false;
let isReady = false;
let loading = 0;
let opened = 0;
/** How often a source was chosen. */
let sources = 0;
/** What is taken along: the avatar and what lies on it, whatever backend makes them. */
const together = document.createElement('canvas');
const recorder = new Recorder(
  () => {
    if (recorder.state === 'starting') problem = undefined;
    showControls();
    tell();
  },
  (error) => {
    if (error instanceof SourceError) failed(error);
    else fail('record', error.message);
  },
);
const tuning = new Tuning(phone ? 'mid' : 'strong');
const pace = new Pace();

inscribe(document);
// What takes the machine's strength waits until the page has been painted; a hidden one is not.
await new Promise((done) => {
  requestAnimationFrame(() => setTimeout(done));
  setTimeout(done, PAINT_MS);
});

const avatar = new Avatar({
  onLoading(share) {
    loading = share;
    tell();
  },
  onReady(facts) {
    isReady = true;
    running = facts;
    showFacts();
    document.documentElement.dataset.backend = facts.backend;
    const [one, two] = sideLabels(facts, facts.other ?? {});
    element('side-one').textContent = one;
    element('side-two').textContent = two;
    tell();
  },
  onShown(shown) {
    loop.shown(shown);
    const { times, isMade, differing } = shown;
    document.documentElement.dataset.shown = `${shown.id}`;
    if (problem?.code === 'device-lost') problem = undefined;
    if (isTaken()) putTogether();
    tune(shown);
    element('differing').hidden = !differing;
    if (differing) element('differing').textContent = say('fact.differing', differing);
  },
  onFailed({ code, message }) {
    fail(code, message);
    // Without a device, another backend may do.
    if (code === 'adapter' && isReady) open();
  },
});

/** Says what runs the generator. */
function showFacts() {
  if (!running) return;
  const { note = '' } = chooseModel(models, settings, isWeak, dropped);
  element('facts').textContent = factsLine(running, note, settings);
  element('facts').title = running.model;
}

/** Says what is wrong, and what to do. @type {(code: string, detail: string) => void} */
function fail(code, detail) {
  problem = { code, detail };
  tell();
}

/** Says how things stand. */
function tell() {
  const line = element('state');
  line.classList.toggle('problem', !!problem);
  const performs = idle?.performs;
  const now = { isReady, loading, recording: recorder.state, loop, performs, isTrackerReady };
  const text = problem ? problemText(problem) : stateText(now);
  if (line.textContent !== text) line.textContent = text;
}

/** Whether every frame is taken along. */
function isTaken() {
  return recorder.state !== 'off' || !!document.pictureInPictureElement;
}

/** The canvas of what is taken along; its size stays while a recording goes on. */
function takeCanvas() {
  const { width, height } = element('avatar');
  if (!isTaken() && together.width !== width) Object.assign(together, { width, height });
  putTogether();
  return together;
}

function putTogether() {
  const context = /** @type {CanvasRenderingContext2D} */ (together.getContext('2d'));
  for (const id of settings.background === 'studio' ? ['avatar'] : ['avatar', 'matte'])
    context.drawImage(element(id), 0, 0, together.width, together.height);
}

/** Has the generator, and then the avatar, made less often where a frame took long. @param {Shown} shown */
function tune({ times, isMade }) {
  const now = performance.now();
  const isPaced = settings.every === 'auto' && !!running?.moves && !compares(settings);
  if (isPaced && pace.measured(times.draw + times.generate, isMade, loop.interval, now)) showLook();
  const isSpent = !isPaced || pace.every === 1 || pace.every === MOST;
  if (settings.autotune && isMade && isSpent && tuning.measured(times.generate, now)) applyTier();
}

/** How often the avatar is made. */
function applyTier() {
  const tier = settings.autotune || settings.tier === 'auto' ? tuning.tier : settings.tier;
  loop.interval = 1000 / /** @type {any} */ (TIERS)[tier];
  document.documentElement.dataset.tier = tier;
}

/**
 * Opens the generator that the settings ask for, on canvases of its own: a canvas is of one kind for ever.
 */
function open() {
  if (!models.length && !settings.model) return;
  isReady = false;
  running = undefined;
  problem = undefined;
  element('differing').hidden = true;
  const model = chooseModel(models, settings, isWeak, dropped);
  const isSplit = compares(settings);
  const size = Math.min(
    LARGEST,
    Math.round(element('frame').clientWidth * devicePixelRatio) || 768,
  );
  const names = ['avatar', ...(isSplit ? ['other'] : []), 'matte'];
  element('pictures').replaceChildren(
    ...names.map((name) => {
      const canvas = document.createElement('canvas');
      Object.assign(canvas, { id: name, width: size, height: size });
      if (name === 'matte') canvas.setAttribute('aria-hidden', 'true');
      else {
        canvas.setAttribute('role', 'img');
        canvas.setAttribute('aria-label', say(`label.${name}`));
      }
      avatar.give(name, canvas);
      return canvas;
    }),
  );
  for (const id of ['wipe', 'sides']) element(id).hidden = !isSplit;
  const { backend, compare, against } = settings;
  const request = backend === 'auto' ? {} : { backend };
  const second = against ? namedModel(models, against) : model;
  const other = { model: second, request: compare === 'off' ? request : { backend: compare } };
  giveStages();
  showLook();
  avatar.open({ site: SITE, model, request, other: isSplit ? other : undefined });
  opened++;
}

/** How the avatar looks beside what the generator makes of it. */
function showLook() {
  const { sharpness, background, every } = settings;
  const [most, slack] = every === 'auto' ? [pace.every, SLACK] : [Number(every), 1];
  avatar.look({ sharpness }, compares(settings), background, most, slack);
  showFacts();
  element('matte')?.toggleAttribute('hidden', background === 'studio');
}

/** The canvases of the stages, given when they are first to be seen, and anew to another backend. */
function giveStages() {
  for (const name of ['drawing', 'generator']) {
    const holder = element(`stage-${name}-holder`);
    holder.querySelector('canvas')?.remove();
    if (settings.view !== 'stages') {
      avatar.give(name);
      continue;
    }
    const canvas = document.createElement('canvas');
    const size = chooseModel(models, settings, isWeak, dropped).size || 256;
    Object.assign(canvas, { width: size, height: size });
    canvas.setAttribute('role', 'img');
    canvas.setAttribute('aria-label', holder.textContent);
    holder.prepend(canvas);
    avatar.give(name, canvas);
  }
}

/** Starts the tracker, which is loaded when a face is first to be found. */
function startTracker() {
  if (loop.tracker) return;
  loop.tracker = new Tracker(SITE, {
    delegate: /** @type {'CPU' | 'GPU'} */ (settings.delegate),
    onReady() {
      isTrackerReady = true;
      tell();
    },
    onFound(found) {
      loop.found(found);
      if (problem?.code === 'tracker') problem = undefined;
      tell();
    },
    onFailed: (message) => fail('tracker', message),
  });
}

const seen = (/** @type {() => any} */ take, /** @type {number} */ time) =>
  loop.tracker?.look(take, time);

/** Takes the face from where the settings say. @param {File} [file] */
async function useSource(file) {
  problem = undefined;
  idle.performs = settings.source === 'performance' && !file;
  element('welcome').hidden = settings.source !== 'idle' || !!file;
  loop.use(undefined);
  const own = ++sources;
  const isOver = () => own !== sources;
  try {
    const ended = (/** @type {SourceError} */ error) => {
      if (isOver()) return;
      change({ source: 'idle' });
      failed(error);
    };
    const source = file
      ? await openFile(file, seen)
      : settings.source === 'camera'
        ? await openCamera(seen, ended)
        : undefined;
    // Another was chosen meanwhile.
    if (isOver()) return source?.close();
    loop.use(source);
    if (loop.source) startTracker();
  } catch (error) {
    if (isOver()) return;
    settings.source = 'idle';
    element('welcome').hidden = false;
    failed(error);
  }
  showSource();
  showControls();
  tell();
}

/** Takes what was dropped or chosen. @param {import('./dropped.js').Dropped} given */
function take(given) {
  if (!given) return;
  if ('media' in given) return void useSource(given.media);
  dropped = given.model;
  open();
}

/** @param {unknown} error */
function failed(error) {
  if (error instanceof SourceError) fail(error.code, error.message);
  else fail('other', error instanceof Error ? error.message : `${error}`);
}

function showSource() {
  const { source } = loop;
  const side = settings.view === 'side' && !!source;
  element('camera-view').hidden = !side;
  element('camera-holder').replaceChildren(...(side && source ? [source.element] : []));
  element('stages').hidden = settings.view !== 'stages';
  element('stage-camera-holder').hidden = !source;
  document.documentElement.classList.toggle('mirror', settings.mirror);
}

/** Changes settings, and does what follows. @param {Partial<Settings>} changes */
function change(changes) {
  Object.assign(settings, changes);
  keepSettings(settings, storage);
  history.replaceState(null, '', `${location.pathname}${searchOf(settings)}`);
  const of = (/** @type {string[]} */ ...names) => names.some((name) => name in changes);
  if (of('delegate')) {
    loop.tracker?.close();
    loop.tracker = undefined;
    isTrackerReady = false;
    if (loop.source) startTracker();
  }
  if (of('look', 'res', 'model')) dropped = undefined;
  if (of('backend', 'look', 'res', 'model', 'compare', 'against')) open();
  else if (of('view')) giveStages();
  if (of('sharpness', 'background', 'every')) showLook();
  if (of('tier', 'autotune')) applyTier();
  acting.apply(settings);
  speech.apply(settings);
  if (of('source')) useSource();
  showSource();
  showControls();
  tell();
}

/** Puts the settings into the controls. */
function showControls() {
  showValues(element('settings'), settings);
  element('camera').setAttribute('aria-pressed', `${settings.source === 'camera'}`);
  element('record').setAttribute('aria-pressed', `${recorder.state === 'on'}`);
  element('record').setAttribute('aria-disabled', `${/starting|saving/.test(recorder.state)}`);
}

/** @type {Record<string, () => unknown>} */
const ACTIONS = {
  start: () => change({ source: 'camera' }),
  perform: () => change({ source: 'performance' }),
  camera: () => change({ source: settings.source === 'camera' ? 'idle' : 'camera' }),
  view: () => {
    const views = ['avatar', 'side', 'stages'];
    change({ view: views[(views.indexOf(settings.view) + 1) % views.length] });
  },
  snapshot: () => snapshot(takeCanvas(), NAME),
  record: () => recorder.toggle(takeCanvas, NAME, element('sound').checked),
  pip: () =>
    togglePictureInPicture(takeCanvas(), element('floating')).catch((error) =>
      fail('pip', error.message),
    ),
  full: () =>
    document.fullscreenElement
      ? document.exitFullscreen()
      : element('frame')
          .requestFullscreen?.()
          .catch((/** @type {Error} */ error) => failed(error)),
  more() {
    const isOpen = element('panel').hidden;
    element('panel').hidden = !isOpen;
    element('more').setAttribute('aria-expanded', `${isOpen}`);
    change({ readout: isOpen });
  },
  async share() {
    await navigator.clipboard?.writeText(location.href).catch(failed);
    element('share').textContent = say('done.share');
    setTimeout(() => (element('share').textContent = say('do.share')), NOTICE_MS);
  },
  reset: () => change({ ...DEFAULTS, readout: true }),
};

function listen() {
  for (const [id, action] of Object.entries(ACTIONS)) element(id).addEventListener('click', action);
  element('settings').addEventListener('submit', (/** @type {Event} */ event) =>
    event.preventDefault(),
  );
  element('settings').addEventListener('change', (/** @type {any} */ { target }) => {
    if (target.name in settings) change({ [target.name]: valueOf(target) });
  });
  element('wipe').addEventListener('input', (/** @type {any} */ { target }) =>
    element('pictures').style.setProperty('--wipe', `${target.value}%`),
  );
  listenToFiles([element('file'), element('folder')], take, failed);
  document.addEventListener('visibilitychange', () => {
    if (document.hidden) loop.pause();
    else loop.run();
    tell();
  });
  // Whoever leaves is asked: what is recorded so far would be lost.
  addEventListener('beforeunload', (event) => {
    if (recorder.state !== 'off') event.preventDefault();
  });
  listenToKeys((action) => ACTIONS[action](), feel);
  element('emotions').addEventListener('click', (/** @type {any} */ { target, shiftKey }) => {
    if (target.dataset.emotion) feel(target.dataset.emotion, shiftKey);
  });
  element('acting').addEventListener('input', (/** @type {any} */ { target }) => {
    const { name, type, value } = target;
    if (type === 'range' && name in settings) acting.apply({ ...settings, [name]: Number(value) });
  });
}

/** Has an emotion felt: alone, or with those that are there. @type {(emotion: string, blends: boolean) => void} */
function feel(emotion, blends) {
  change({ emotion: emotion && Acting.choose(settings.emotion, emotion, blends) });
}

async function start() {
  const asking = phone || isWithoutGPU();
  const read = async (/** @type {string} */ file) => (await fetch(new URL(file, SITE))).json();
  const [expressions, framing, known] = await Promise.all([
    read('face/expressions.json'),
    read('face/framing.json'),
    readModels(SITE),
  ]);
  models = known;
  offerModels(models, element('models'), element('settings').elements.look);
  const actor = new Actor(expressions, framing);
  const { rig, director, follower } = actor;
  idle = actor.idle;
  acting = new Acting(actor, storage, element);
  acting.apply(settings);
  speech = new Speech(director, rig.channels, expressions.visemes, element);
  speech.apply(settings);
  loop = new Loop({ avatar, director, follower });
  readout = new Readout(element('measures'), loop, avatar);
  loop.onFound = ({ landmarks }) => {
    if (settings.view === 'stages' && loop.source)
      drawOverlay(element('stage-camera'), loop.source, landmarks);
  };
  listen();
  isWeak = await asking;
  applyTier();
  open();
  element('panel').hidden = !settings.readout;
  element('more').setAttribute('aria-expanded', `${settings.readout}`);
  if (unknown.length) fail('other', say('fact.unknown', { what: unknown.join(', ') }));
  loop.run();
  if (document.hidden) loop.pause();
  if (settings.source === 'idle') showSource();
  else await useSource();
  showControls();
  tell();
  setInterval(() => {
    if (!element('panel').hidden && !document.hidden) readout.show(performance.now());
    acting.tell();
    tell();
  }, 500);
}

/** For tests and the curious: what is under way. */
export const inside = {
  avatar,
  recorder,
  settings,
  get rig() {
    return acting.rig;
  },
  get loop() {
    return loop;
  },
  get isReady() {
    return isReady;
  },
  get opened() {
    return opened;
  },
  change,
};

start().catch(failed);
