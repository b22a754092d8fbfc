/**
 * The live page with a camera, measured: node benchmarks/live_page.js SITE CLIP.mjpeg [minutes]
 *
 * SITE is what onnx2wgsl-web build wrote, CLIP what python -m tests.clips writes. Prints a table: medians and the
 * 95th percentile of what each part of a frame takes, the page's own milliseconds, its long tasks, the slope of
 * the JS heap, what the GPU was asked to make, requests and console messages after the start.
 */
import { cpus } from 'node:os';

import { launchChromium, serve } from '../tests/js/host.js';

const [site, clip, minutes = '1'] = process.argv.slice(2);
const WARM_MS = 15000;
const server = await serve([site], {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'credentialless',
});
const browser = await launchChromium([
  '--use-fake-device-for-media-stream',
  '--use-fake-ui-for-media-stream',
  '--enable-precise-memory-info',
  '--js-flags=--expose-gc',
  `--use-file-for-fake-video-capture=${clip}`,
]);
const page = await (await browser.newContext({ viewport: { width: 1280, height: 800 } })).newPage();
const workers = [];
let requests = 0;
let messages = 0;
page.on('worker', (worker) => workers.push(worker));
await page.goto(`${server.url(0)}?source=camera`);
await page.waitForFunction(
  () => Number(document.documentElement.dataset.shown ?? 0) >= 3,
  undefined,
  {
    timeout: 300000,
  },
);
await page.waitForTimeout(WARM_MS);
page.on('request', () => requests++);
page.on('console', () => messages++);
const avatar = workers.find((worker) => /avatar_worker/.test(worker.url()));
await avatar.evaluate(() => {
  const made = (globalThis.made = {});
  const count = (type, names) => {
    for (const name of names) {
      const own = type.prototype[name];
      type.prototype[name] = function (...args) {
        made[name] = (made[name] ?? 0) + 1;
        return own.apply(this, args);
      };
    }
  };
  count(GPUQueue, ['submit']);
  count(
    GPUDevice,
    Object.getOwnPropertyNames(GPUDevice.prototype).filter((name) => /^create/.test(name)),
  );
});
const result = await page.evaluate(
  async (ms) => {
    const { inside } = await import('./web/main.js');
    const { Trend } = await import('./web/meters.js');
    const { loop } = inside;
    const long = [];
    new PerformanceObserver((list) => {
      for (const { duration } of list.getEntries()) long.push(duration);
    }).observe({ type: 'longtask' });
    const heap = new Trend();
    const all = Object.fromEntries(Object.keys(loop.meters).map((name) => [name, []]));
    all.own = [];
    const from = { shown: loop.rates.shown.count, tracked: loop.rates.tracked.count };
    const meters = { ...loop.meters, own: loop.own };
    const counts = Object.fromEntries(
      Object.entries(meters).map(([name, one]) => [name, one.count]),
    );
    const start = performance.now();
    let next = start;
    while (performance.now() < start + ms) {
      await new Promise((done) => setTimeout(done, 20));
      for (const [name, meter] of Object.entries(meters))
        if (meter.count !== counts[name]) {
          counts[name] = meter.count;
          all[name].push(meter.last);
        }
      if (performance.now() < next) continue;
      next += 2000;
      globalThis.gc?.();
      heap.add(performance.memory.usedJSHeapSize, performance.now());
    }
    const seconds = (performance.now() - start) / 1000;
    const rows = Object.entries(all).map(([name, values]) => {
      values.sort((a, b) => a - b);
      const at = (share) => values[Math.min(values.length - 1, Math.floor(share * values.length))];
      return [name, { n: values.length, median: at(0.5), p95: at(0.95) }];
    });
    return {
      rows: Object.fromEntries(rows),
      firstPaint: performance.getEntriesByName('first-contentful-paint')[0]?.startTime,
      seconds,
      shown: (loop.rates.shown.count - from.shown) / seconds,
      tracked: (loop.rates.tracked.count - from.tracked) / seconds,
      longest: Math.max(0, ...long),
      longTasks: long.length,
      heapKiBaMinute: heap.slope / 1024,
    };
  },
  60000 * Number(minutes),
);
const made = await avatar.evaluate(() => globalThis.made);
console.log(
  JSON.stringify(
    { cpu: cpus()[0].model, cores: cpus().length, ...result, made, requests, messages },
    null,
    1,
  ),
);
await browser.close();
server.close();
