/**
 * What a visitor has the avatar act: emotions, sliders, a neutral face, the timeline of it all.
 *
 * @import {FaceShape} from '../face/shape.js'
 * @import {Rig} from './rig/rig.js'
 * @import {Settings} from './settings.js'
 */
import { EMOTIONS } from './rig/emotions.js';
import { feelings } from './settings.js';
import { say } from './strings.js';

const KEY = 'onnx2wgsl-avatar-neutral-face';
const TIMELINE_MS = 60;

export class Acting {
  #shape;
  #storage;
  #element;
  #state = '';

  /**
   * @param {{rig: Rig, shape: FaceShape}} face
   * @param {Storage | undefined} storage where a neutral face is kept
   * @param {(id: string) => any} element of the page
   */
  constructor({ rig, shape }, storage, element) {
    this.rig = rig;
    this.#shape = shape;
    this.#storage = storage;
    this.#element = element;
    try {
      rig.calibration.restore(JSON.parse(storage?.getItem(KEY) ?? '[]'));
    } catch {
      // What another program left there, or no leave to read it.
    }
    element('neutral').addEventListener('click', () => this.#neutral('begin'));
    element('forget').addEventListener('click', () => this.#neutral('reset'));
    element('emotions').replaceChildren(...EMOTIONS.map(buttonOf));
    this.#listen();
    this.tell();
  }

  /**
   * The setting of the emotions after one is chosen: that one alone, or none if it was; blended, it joins those
   * that there are, or leaves them.
   *
   * @param {string} emotion of the setting
   * @param {string} chosen
   * @param {boolean} blends
   */
  static choose(emotion, chosen, blends) {
    const now = feelings(emotion);
    const others = now.filter((one) => one !== chosen);
    if (blends) return (now.includes(chosen) ? others : [...now, chosen]).join(',');
    return now.includes(chosen) && !others.length ? '' : chosen;
  }

  /** Has the rig act as the settings say. @param {Settings} settings */
  apply(settings) {
    const rig = this.rig;
    const { emotion, intensity, brows, eyes, mouth, sway, gaze, contact, assist, layer, likeness } =
      settings;
    const felt = feelings(emotion);
    rig.emotions.feel(Object.fromEntries(felt.map((one) => [one, intensity])));
    Object.assign(rig.emotions.segments, { brows, eyes, mouth });
    Object.assign(rig.levels, { sway, breath: sway, brows: sway, gaze, contact });
    Object.assign(rig, { assists: assist, isLayered: layer });
    this.#shape.likeness = likeness;
    for (const button of this.#element('emotions').children)
      button.setAttribute('aria-pressed', `${felt.includes(button.dataset.emotion)}`);
    rig.touch();
  }

  /** Says how it stands with the neutral face, and keeps one that has been taken. */
  tell() {
    const { calibration } = this.rig;
    if (calibration.state === this.#state) return;
    const wasTaking = this.#state === 'taking';
    this.#state = calibration.state;
    this.#element('neutral-state').textContent = say(`neutral.${this.#state}`);
    this.#element('forget').hidden = this.#state === 'none';
    if (wasTaking || this.#state === 'none') this.#keep();
  }

  /** @param {'begin' | 'reset'} what */
  #neutral(what) {
    this.rig.calibration[what]();
    this.rig.touch();
    this.tell();
  }

  #keep() {
    try {
      this.#storage?.setItem(KEY, JSON.stringify(this.rig.calibration.save()));
    } catch {
      // No room, or none for this page.
    }
  }

  /** The channels' sliders and their timeline, which goes on while it is seen. */
  #listen() {
    const rig = this.rig;
    const { names } = rig.channels;
    const element = this.#element;
    const sliders = names.map((name, i) => {
      const label = document.createElement('label');
      const [word, slider] = [document.createElement('span'), document.createElement('input')];
      word.textContent = say(`channel.${name}`);
      Object.assign(slider, { type: 'range', min: 0, max: 1, step: 0.05, value: 0 });
      slider.addEventListener('input', () => {
        rig.manual[i] = Number(slider.value);
        rig.touch();
      });
      label.append(word, slider);
      return { label, slider };
    });
    element('channel-sliders').replaceChildren(...sliders.map(({ label }) => label));
    element('release').addEventListener('click', () => {
      rig.manual.fill(0);
      rig.touch();
      for (const { slider } of sliders) slider.value = '0';
    });
    const lines = [...names, 'right', 'up', 'pitch', 'yaw', 'roll'];
    /** @type {import('./timeline.js').Timeline | undefined} */
    let timeline;
    let timer = 0;
    element('channels').addEventListener('toggle', async () => {
      clearInterval(timer);
      if (!element('channels').open) return;
      const { Timeline } = await import('./timeline.js');
      if (!element('channels').open) return;
      clearInterval(timer);
      timeline ??= new Timeline(
        element('timeline'),
        lines.map((name) => say(`channel.${name}`)),
      );
      timer = setInterval(() => {
        if (document.hidden || element('panel').hidden) return;
        timeline?.add(rig);
        timeline?.draw();
      }, TIMELINE_MS);
    });
  }
}

/** The button of an emotion, which has the digit of its place. @type {(emotion: string, i: number) => Element} */
function buttonOf(emotion, i) {
  const button = document.createElement('button');
  Object.assign(button, { type: 'button', textContent: say(`emotion.${emotion}`) });
  button.dataset.emotion = emotion;
  button.setAttribute('aria-keyshortcuts', `${i + 1}`);
  return button;
}

/** The emotion that a key stands for, '' for the one that ends all. @param {string} code of the key */
export function emotionOf(code) {
  const [, digit] = /^(?:Digit|Numpad)(\d)$/.exec(code) ?? [];
  if (digit === '0') return '';
  return digit ? EMOTIONS[Number(digit) - 1] : undefined;
}
