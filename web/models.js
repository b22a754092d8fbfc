/**
 * Which generators there are, and which one a device is given.
 *
 * @import {Model} from './backends.js'
 */
import { say } from './strings.js';

const FILE = 'models/models.json';

/** A small screen that is touched: a phone. */
export function isPhone() {
  return matchMedia('(pointer: coarse)').matches && Math.min(screen.width, screen.height) < 600;
}

/** Whether the GPU is none, or one that a CPU plays. */
export async function isWithoutGPU() {
  const adapter = await navigator.gpu?.requestAdapter().catch(() => null);
  const { architecture = '', isFallbackAdapter = !adapter } = adapter?.info ?? {};
  return isFallbackAdapter || architecture === 'swiftshader';
}

/**
 * The site's models, smallest first.
 *
 * @param {string} site
 * @returns {Promise<Model[]>}
 */
export async function readModels(site) {
  const response = await fetch(new URL(FILE, site));
  if (!response.ok) throw new Error(say('lack.status', { file: FILE, status: response.status }));
  const { models } = await response.json();
  const at = (/** @type {string | undefined} */ path) =>
    path && new URL(`models/${path}`, site).href;
  return models.map((/** @type {Model} */ { name, look, size, folder, float }) => ({
    ...{ name, look, size, folder: at(folder), float: at(float) },
  }));
}

/**
 * Offers the site's models: their names in a list, their looks in a select, which is to be seen where there
 * are several.
 *
 * @param {Model[]} models
 * @param {HTMLDataListElement} names
 * @param {HTMLSelectElement} select
 */
export function offerModels(models, names, select) {
  const looks = [...new Set(models.map(({ look = '' }) => look))];
  names.replaceChildren(...models.map(({ name }) => new Option(name)));
  select.append(...looks.map((look) => new Option(capitalised(look), look)));
  /** @type {HTMLElement} */ (select.closest('label')).hidden = looks.length < 2;
}

/** @param {string} word */
export const capitalised = ([first = '', ...rest]) => first.toLocaleUpperCase() + rest.join('');

/**
 * The model that settings ask for: one that was dropped, or one by its name or at a URL; else of the site's
 * with the look, or with that of its first, the one of the resolution, or the largest where there is a GPU of
 * a desktop, and else the smallest.
 *
 * @param {Model[]} models
 * @param {{model: string, look: string, res: string}} settings
 * @param {boolean} weak a phone, or a device without a GPU
 * @param {{name: string, files: Record<string, Blob> | Blob}} [dropped]
 * @returns {Model & {note?: string}} with words of what is not as it was asked for
 */
export function chooseModel(models, { model, look, res }, weak, dropped) {
  if (dropped) return { size: 0, folder: '', ...dropped };
  if (model) return namedModel(models, model);
  const isKnown = models.some((one) => one.look === look);
  const worn = isKnown ? look : models[0].look;
  const alike = models.filter((one) => one.look === worn);
  const isSized = (/** @type {Model} */ { size }) => `${size}` === res;
  const asked = alike.find(isSized);
  const { size } = asked ?? alike[weak ? 0 : alike.length - 1];
  const lacks = [];
  if (!isKnown && look !== 'auto') lacks.push(say('fact.nolook', { look }));
  if (!asked && res !== 'auto')
    lacks.push(
      say(models.some(isSized) ? 'fact.looksize' : 'fact.size', { size: res, look: worn }),
    );
  const best = /** @type {Model} */ (alike.find((one) => one.size === size));
  return { ...best, note: lacks.join('') };
}

/**
 * One of the site's models, or one in a compiled folder elsewhere.
 *
 * @param {Model[]} models
 * @param {string} text a name, or the folder's URL
 * @returns {Model}
 */
export function namedModel(models, text) {
  const known = models.find(({ name }) => name === text);
  const [last = text] = text.split(/[?#]/)[0].split('/').filter(Boolean).slice(-1);
  return known ?? { name: last, size: 0, folder: text };
}
