/**
 * Shows what the loop measures.
 *
 * @import {Facts} from './backends.js'
 * @import {Loop} from './loop.js'
 * @import {Settings} from './settings.js'
 */
import { compares } from './settings.js';
import { say } from './strings.js';

const MIB = 2 ** 20;
const COLOR = '#63dcff';
const ROWS = ['detect', 'align', 'draw', 'submit', 'generate', 'move', 'latency'];

export class Readout {
  #loop;
  #avatar;
  /** @type {Record<string, {value: HTMLElement, context?: CanvasRenderingContext2D}>} */
  #rows = {};

  /**
   * @param {HTMLElement} list a dl
   * @param {Loop} loop
   * @param {{dropped: number}} avatar
   */
  constructor(list, loop, avatar) {
    this.#loop = loop;
    this.#avatar = avatar;
    for (const name of ['fps', ...ROWS, 'heap', 'trend', 'drops', 'made', 'moved']) {
      const [term, value, line] = ['dt', 'dd', 'dd'].map((tag) => document.createElement(tag));
      term.textContent = say(`read.${name}`);
      list.append(term, value, line);
      /** @type {HTMLCanvasElement | undefined} */
      let canvas;
      if (ROWS.includes(name)) {
        canvas = document.createElement('canvas');
        Object.assign(canvas, { width: 144, height: 40 });
        canvas.setAttribute('aria-hidden', 'true');
        line.append(canvas);
      }
      this.#rows[name] = { value, context: canvas?.getContext('2d') ?? undefined };
    }
  }

  /** @param {number} now */
  show(now) {
    const { rates, meters, heap, tracker, frames } = this.#loop;
    this.#set('fps', rates.shown.perSecond(now).toFixed(1));
    for (const name of ROWS) {
      const meter = /** @type {any} */ (meters)[name];
      const middle = meter.percentile(0.5);
      this.#set(name, Number.isNaN(middle) ? say('read.none') : `${middle.toFixed(1)} ms`);
      const { context } = this.#rows[name];
      if (context) meter.draw(context, COLOR);
    }
    const used = /** @type {any} */ (performance).memory?.usedJSHeapSize;
    if (used) heap.add(used, now);
    this.#set('heap', used ? `${(used / MIB).toFixed(1)} MiB` : say('read.none'));
    this.#set('trend', used ? `${(heap.slope / MIB).toFixed(2)} MiB` : say('read.none'));
    this.#set('drops', `${(tracker?.dropped ?? 0) + this.#avatar.dropped}`);
    this.#set('made', `${frames.made}`);
    this.#set('moved', `${frames.moved}`);
  }

  /** @type {(name: string, text: string) => void} */
  #set(name, text) {
    const { value } = this.#rows[name];
    if (value.textContent !== text) value.textContent = text;
  }
}

/**
 * What runs the generator, and what of that was not as it was asked for.
 *
 * @param {Facts} facts
 * @param {string} note of the model
 * @param {Settings} settings
 */
export function factsLine(facts, note, settings) {
  const isUnmoved = Number(settings.every) > 1 && (!facts.moves || compares(settings));
  return say('fact.backend', { ...facts }) + note + (isUnmoved ? say('fact.unmoved') : '');
}

/**
 * What the sides of a comparison are called: by what they differ in.
 *
 * @param {Pick<Facts, 'name' | 'backend'>} one
 * @param {Partial<Facts>} other
 */
export function sideLabels(one, other) {
  const names = /** @type {const} */ (['name', 'backend']);
  const differing = names.filter((key) => one[key] !== other[key]);
  return [one, other].map((facts) =>
    (differing.length ? differing : ['name'])
      .map((key) => /** @type {any} */ (facts)[key])
      .join(', '),
  );
}
