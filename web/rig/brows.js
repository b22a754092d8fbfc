/** Brows that rise for a moment, as those of somebody who listens. */
import { Pulses } from './motion.js';
import { between, logNormal } from './random.js';

const MEAN = 7;
const LONGEST = 2;

/** @param {() => number} random */
export const brows = (random) =>
  new Pulses((pulse) => {
    pulse.depth = between(random, 0.1, 0.35);
    pulse.rise = between(random, 0.15, 0.3);
    pulse.stay = between(random, 0.2, 0.8);
    pulse.fall = between(random, 0.4, 0.8);
    pulse.interval = LONGEST + logNormal(random, MEAN - LONGEST, 0.6);
  });
