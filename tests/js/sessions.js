/** Sessions that a file of tests opens: each is destroyed when its tests are over. */
import { after } from 'node:test';

import { createSession } from '../../runtime_js/runtime.js';
import { reference } from './fixture.js';
import { fixtureFolder, nodeAdapter } from './host.js';

export const FIXTURE = fixtureFolder();
const open = [];
after(() => open.forEach((session) => session.destroy()));

/** A session on the adapter of Node, unless a device is given. */
export async function openSession(folder = FIXTURE, options = {}) {
  const source = options.device ? {} : { adapter: nodeAdapter };
  const session = await createSession(folder, { ...source, ...options });
  open.push(session);
  return session;
}

/** What the fixture takes and gives where all values are equal. */
export const filled = (value) => new Float32Array(192).fill(value);
export const expected = (value) => reference(filled(value)).output;

export const newDevice = async () => (await nodeAdapter()).requestDevice();
