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
  return models.map((/** @type {Model} */ { name, size, folder, float }) => ({
    ...{ name, size, folder: at(folder), float: at(float) },
  }));
}

/**
 * The model that settings ask for: one that was dropped, or one by its name or at a URL; else of the site's, that of
 * the resolution, or the largest on a desktop and the smallest on a phone.
 *
 * @param {Model[]} models
 * @param {{model: string, res: string}} settings
 * @param {boolean} phone
 * @param {{name: string, files: Record<string, Blob> | Blob}} [dropped]
 * @returns {Model & {note?: string}} with what is not as it was asked for
 */
export function chooseModel(models, { model, res }, phone, dropped) {
  if (dropped) return { size: 0, folder: '', ...dropped };
  if (model) return namedModel(models, model);
  const asked = models.find(({ size }) => `${size}` === res);
  const best = asked ?? models[phone ? 0 : models.length - 1];
  return asked || res === 'auto' ? best : { ...best, note: res };
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
