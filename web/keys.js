/** What keys do: letters are buttons, digits are emotions. */
import { emotionOf } from './acting.js';

/** @type {Record<string, string>} */
const ACTIONS = { c: 'camera', v: 'view', s: 'snapshot', r: 'record', f: 'full', m: 'more' };

/**
 * @param {(action: string) => void} act
 * @param {(emotion: string, blends: boolean) => void} feel '' ends all
 */
export function listenToKeys(act, feel) {
  document.addEventListener('keydown', (event) => {
    const { key, code, target, shiftKey, ctrlKey, metaKey, altKey } = event;
    if (
      ctrlKey ||
      metaKey ||
      altKey ||
      /** @type {Element} */ (target).closest('input, select, textarea, audio')
    )
      return;
    const emotion = emotionOf(code);
    if (emotion !== undefined) return feel(emotion, shiftKey);
    if (Object.hasOwn(ACTIONS, key)) act(ACTIONS[key]);
  });
}
