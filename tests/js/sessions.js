/** Sessions that a file of tests opens: each is destroyed when its tests are over. */
import { after } from 'node:test';

import { createSession } from '../../runtime_js/runtime.js';
import { fixtureFolder, nodeAdapter } from './host.js';

export const FIXTURE = fixtureFolder();
const open = [];
after(() => open.forEach((session) => session.destroy()));

/** A session on the adapter of Node, unless a device is given. */
export async function openSession(folder = FIXTURE, options = {}) {
  const source = options.device ? {} : { adapter: await nodeAdapter() };
  const session = await createSession(folder, { ...source, ...options });
  open.push(session);
  return session;
}
