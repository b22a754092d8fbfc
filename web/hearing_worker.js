/** Hears a recording ahead, off the page's own thread. */
import { heard, mixed } from './lips/voice.js';

/** @type {any} */
const scope = globalThis;

scope.onmessage = (/** @type {MessageEvent<any>} */ { data }) => {
  const { parts, rate, names, visemes } = data;
  const tell = (/** @type {number} */ share) => scope.postMessage({ share });
  const { times, weights } = heard(mixed(parts), rate, names, visemes, {}, tell);
  scope.postMessage({ times, weights }, [times.buffer, weights.buffer]);
};
