/**
 * What a visitor can choose. It stands in the address, so that a link shares it, and is kept for the next
 * visit; the address wins.
 *
 * @typedef {{backend: string, look: string, res: string, tier: string, model: string, compare: string,
 *   against: string, source: string, view: string, mirror: boolean, sharpness: number, background: string,
 *   autotune: boolean, readout: boolean, delegate: string, emotion: string, intensity: number, brows: number,
 *   eyes: number, mouth: number, sway: number, gaze: number, contact: number, likeness: number, assist: boolean, layer: boolean,
 *   sensitivity: number, limit: number, every: string}} Settings
 */

import { NAMES } from './backends.js';
import { EMOTIONS } from './rig/emotions.js';
import { LEVELS } from './rig/rig.js';

/** Colours that are keyed out elsewhere, and a plain one. @type {Record<string, string>} */
export const BACKGROUNDS = {
  black: '#000000',
  green: '#00b140',
  blue: '#0047bb',
  magenta: '#ff00ff',
};

/** @type {Settings} */
export const DEFAULTS = {
  backend: 'auto',
  look: 'auto',
  res: 'auto',
  tier: 'auto',
  model: '',
  compare: 'off',
  against: '',
  source: 'idle',
  view: 'avatar',
  mirror: true,
  sharpness: 0.5,
  background: 'studio',
  autotune: false,
  readout: false,
  delegate: 'CPU',
  emotion: '',
  intensity: 1,
  brows: 1,
  eyes: 1,
  mouth: 1,
  sway: LEVELS.sway,
  gaze: LEVELS.gaze,
  contact: LEVELS.contact,
  likeness: 0,
  assist: true,
  layer: false,
  sensitivity: 0.5,
  limit: 1,
  every: 'auto',
};

/** What each may be, where that is a list. */
export const CHOICES = {
  backend: ['auto', ...NAMES],
  res: ['auto', '256', '512'],
  tier: ['auto', 'weak', 'mid', 'strong'],
  compare: ['off', ...NAMES],
  source: ['idle', 'camera', 'performance'],
  view: ['avatar', 'side', 'stages'],
  background: ['studio', ...Object.keys(BACKGROUNDS)],
  delegate: ['CPU', 'GPU'],
  every: ['auto', '1', '2', '3', '4'],
};

/** Frames a second of each tier. */
export const TIERS = { weak: 10, mid: 20, strong: 40 };

const KEY = 'onnx2wgsl-avatar';
// What a visit begins with anew: nobody's camera goes on by itself.
const FLEETING = new Set(['source', 'model', 'compare', 'against', 'emotion']);

/**
 * The settings of an address and a storage. What neither may say is told, and left at its default.
 *
 * @param {string} search the query of the address
 * @param {Pick<Storage, 'getItem'> | undefined} storage
 * @returns {{settings: Settings, unknown: string[]}}
 */
export function readSettings(search, storage) {
  /** @type {Record<string, unknown>} */
  let kept = {};
  try {
    kept = JSON.parse(storage?.getItem(KEY) ?? '{}') ?? {};
  } catch {
    // What another program left there.
  }
  /** @type {any} */
  const settings = { ...DEFAULTS };
  const unknown = [];
  for (const [name, value] of Object.entries(kept))
    if (!FLEETING.has(name) && isValid(name, value)) settings[name] = value;
  for (const [name, text] of new URLSearchParams(search)) {
    const value = parsed(name, text);
    if (isValid(name, value)) settings[name] = value;
    else unknown.push(`${name}=${text}`);
  }
  return { settings, unknown };
}

/**
 * The query that says what is not at its default.
 *
 * @param {Settings} settings
 */
export function searchOf(settings) {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(settings))
    if (value !== /** @type {any} */ (DEFAULTS)[name]) query.set(name, `${value}`);
  const text = `${query}`;
  return text && `?${text}`;
}

/**
 * @param {Settings} settings
 * @param {Pick<Storage, 'setItem'> | undefined} storage
 */
export function keepSettings(settings, storage) {
  try {
    storage?.setItem(KEY, JSON.stringify(settings));
  } catch {
    // No room, or none for this page.
  }
}

/** Where settings are kept; nowhere in a page that may not. */
export function storageHere() {
  try {
    return localStorage;
  } catch {
    return undefined;
  }
}

/** Whether there are two sides, under a wipe: of another backend, of another model, or both. @param {Settings} settings */
export const compares = ({ compare, against }) => compare !== 'off' || against !== '';

/** The emotions that a setting names, which are felt together. @param {string} emotion */
export const feelings = (emotion) => emotion.split(',').filter(Boolean);

/** Puts settings into the controls of their names. @type {(form: HTMLFormElement, settings: Settings) => void} */
export function showValues(form, settings) {
  for (const control of /** @type {Iterable<any>} */ (form.elements)) {
    if (!(control.name in settings)) continue;
    const value = /** @type {any} */ (settings)[control.name];
    if (control.type === 'checkbox') control.checked = value;
    else control.value = value;
    // A look that this site lacks: the page chooses.
    if (control.selectedIndex < 0) control.value = 'auto';
  }
}

/** What a control says of its setting. @param {HTMLInputElement} control */
export const valueOf = ({ name, type, checked, value }) =>
  type === 'checkbox' ? checked : parsed(name, value);

/** @type {(name: string, text: string) => unknown} */
function parsed(name, text) {
  const like = /** @type {any} */ (DEFAULTS)[name];
  if (typeof like === 'boolean') return text === '' || text === 'true' || text === '1';
  return typeof like === 'number' ? Number(text) : text;
}

/** @type {(name: string, value: unknown) => boolean} */
function isValid(name, value) {
  if (!Object.hasOwn(DEFAULTS, name)) return false;
  const like = /** @type {any} */ (DEFAULTS)[name];
  if (typeof value !== typeof like) return false;
  if (typeof value === 'number') return value >= 0 && value <= 1;
  if (name === 'emotion') return feelings(`${value}`).every((one) => EMOTIONS.includes(one));
  const choices = /** @type {any} */ (CHOICES)[name];
  return !choices || choices.includes(value);
}
