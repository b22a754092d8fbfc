/**
 * A camera's frames to a canvas, two ways in turns: node benchmarks/webcam.js ARTIFACT [rounds]
 *
 * `session.frame(video, canvas)`, where nothing is read back, and `session.run({input: video})` with what pages do
 * around it elsewhere: pixels through an ImageData onto a 2-D canvas. Prints the median milliseconds of a frame
 * and their ratio. The camera is Chromium's own fake one.
 */
import { cpus } from 'node:os';
import { basename, resolve } from 'node:path';

import { launchChromium, serve } from '../tests/js/host.js';

const [artifact, rounds = '20'] = process.argv.slice(2);
const server = await serve([resolve(artifact)]);
const browser = await launchChromium([
  '--use-fake-device-for-media-stream',
  '--use-fake-ui-for-media-stream',
]);
const page = await browser.newPage();
await page.goto(server.origin);
const result = await page.evaluate(
  async ([folder, rounds]) => {
    const { createSession, toPixels } = await import(`${folder}runtime.js`);
    const session = await createSession(folder);
    const video = document.createElement('video');
    video.srcObject = await navigator.mediaDevices.getUserMedia({ video: true });
    await video.play();
    const [input, output] = [session.inputs[0].name, session.outputs[0]];
    const [, , height, width] = output.shape;
    const canvases = [0, 1].map(() => {
      const canvas = document.createElement('canvas');
      Object.assign(canvas, { width, height });
      document.body.append(canvas);
      return canvas;
    });
    const context = canvases[1].getContext('2d');
    const ways = {
      async frame() {
        await session.frame(video, canvases[0]);
        await session.device.queue.onSubmittedWorkDone();
      },
      async run() {
        const results = await session.run({ [input]: video });
        context.putImageData(
          new ImageData(toPixels(output, results[output.name]), width, height),
          0,
          0,
        );
      },
    };
    const times = { frame: [], run: [] };
    for (let i = -2; i < rounds; i++)
      for (const [name, way] of Object.entries(ways)) {
        const start = performance.now();
        await way();
        if (i >= 0) times[name].push(performance.now() - start);
      }
    const median = (values) => values.sort((a, b) => a - b)[values.length >> 1];
    return { adapter: session.adapter, frame: median(times.frame), run: median(times.run) };
  },
  [server.url(0), Number(rounds)],
);
const { frame, run, adapter } = result;
console.log(
  `${basename(resolve(artifact))} on ${adapter}, ${cpus()[0].model}, ${cpus().length} cores`,
);
console.log(
  `frame(video, canvas) ${frame.toFixed(1)} ms; run, with read-back ${run.toFixed(1)} ms`,
);
console.log(`x ${(run / frame).toFixed(2)}`);
await browser.close();
server.close();
