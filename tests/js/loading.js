/** What tests of loading share: a fixture, a server of it, and what is to come of it. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { after } from 'node:test';

import { createSession } from '../../runtime_js/runtime.js';
import { reference } from './fixture.js';
import { fixtureFolder, nodeAdapter } from './host.js';

export const FIXTURE = fixtureFolder();
export const MODEL = JSON.parse(readFileSync(join(FIXTURE, 'model.json'), 'utf8'));
export const WEIGHTS = MODEL.weights.file;
export const INPUT = new Float32Array(192).fill(0.25);

/** A server of the fixture; `answer` may take a request from it. */
export async function server(answer = () => false) {
  const requests = [];
  const http = createServer((request, response) => {
    const { pathname } = new URL(request.url, 'http://x');
    requests.push(request.url);
    if (answer(pathname.slice(1), request, response)) return;
    try {
      response.end(readFileSync(join(FIXTURE, pathname)));
    } catch {
      response.writeHead(404, { 'content-type': 'text/plain' }).end('Not here');
    }
  });
  await new Promise((done) => http.listen(0, '127.0.0.1', done));
  opened.push(http);
  const close = () => {
    http.closeAllConnections();
    return new Promise((done) => http.close(done));
  };
  return { url: `http://127.0.0.1:${http.address().port}/`, requests, close };
}

const opened = [];
after(() => opened.forEach((http) => http.close()));

/** Loads, runs, and goes again. */
export async function works(source, options = {}) {
  const session = await createSession(source, { adapter: await nodeAdapter(), ...options });
  const { output } = await session.run({ input: INPUT });
  session.destroy();
  assert.deepEqual(output, reference(INPUT).output);
}

export async function refusal(source, options = {}) {
  const session = createSession(source, { adapter: await nodeAdapter(), ...options });
  return session.then(
    () => assert.fail('it was loaded'),
    (error) => error,
  );
}

/** The files of the fixture by name. */
export function files() {
  const names = readdirSync(FIXTURE).filter((name) => !/\.(js|html)$/.test(name));
  return Object.fromEntries(
    names.map((name) => [name, new Uint8Array(readFileSync(join(FIXTURE, name)))]),
  );
}

/** What any cache is to createSession. */
export class OwnCache extends Map {
  match = async (url) => this.get(url) && new Response(this.get(url));
  put = async (url, response) => this.set(url, new Uint8Array(await response.arrayBuffer()));
}

export function checkProgress(told) {
  let last = 0;
  for (const { loaded, total, file } of told) {
    assert.ok(loaded > last, `${loaded} after ${last} (${file})`);
    assert.equal(total, told[0].total);
    last = loaded;
  }
  assert.equal(told[0].file, 'model.json');
  assert.equal(last, told[0].total);
}
