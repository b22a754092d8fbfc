/** Numbers by chance, the same for a seed. */

/**
 * Numbers from 0 to 1: the linear congruential generator of Knuth and Lewis, 32 bits.
 *
 * @param {number} seed
 * @returns {() => number}
 */
export function numbers(seed) {
  return () => {
    seed = (Math.imul(1664525, seed) + 1013904223) >>> 0;
    return seed / 2 ** 32;
  };
}

/** @type {(random: () => number, least: number, most: number) => number} */
export const between = (random, least, most) => least + (most - least) * random();

/**
 * A number whose logarithm is normal.
 *
 * @param {() => number} random
 * @param {number} mean of the numbers, not of their logarithms
 * @param {number} spread the standard deviation of the logarithms
 */
export function logNormal(random, mean, spread) {
  const normal = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  return mean * Math.exp(spread * normal - spread ** 2 / 2);
}
