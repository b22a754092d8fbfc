/**
 * How things stand, in the words of the page.
 *
 * @import {Loop} from './loop.js'
 * @typedef {{code: string, detail: string}} Problem
 */
import { knows, say } from './strings.js';

/** @param {Problem} problem */
export function problemText({ code, detail }) {
  return say(knows(`error.${code}`) ? `error.${code}` : 'error.other', { detail });
}

/**
 * @param {{isReady: boolean, loading: number, recording: string, loop: Loop | undefined, performs: boolean |
 *   undefined, isTrackerReady: boolean}} now
 */
export function stateText({ isReady, loading, recording, loop, performs, isTrackerReady }) {
  if (document.hidden) return say('state.hidden');
  if (!isReady) return say('state.loading', { percent: Math.floor(100 * loading) });
  if (recording === 'on') return say('state.recording');
  if (recording === 'saving') return say('state.saving');
  if (!loop?.source) return say(performs ? 'state.performing' : 'state.idle');
  if (!isTrackerReady) return say('state.tracker');
  const { faces, state } = loop;
  if (state === 'held') return say('state.held');
  if (faces === 0) return say('state.noface');
  if (faces && faces > 1) return say('state.faces', { faces });
  return say('state.live');
}
