import type { Program } from './program.js';
export type Verdict = {
    name: string;
    ok: boolean;
    frames?: boolean[];
};
/**
 * Runs the seeded inputs kernel by kernel, then as whole frames, and compares every checksum. Frames run three
 * times, as values and as pictures: there are drivers with which only the first is right.
 *
 * @param {Program} program
 * @returns {Promise<{kernels: Verdict[], outputs: Verdict[]}>}
 */
export declare function runSelfTest(program: Program): Promise<{
    kernels: Verdict[];
    outputs: Verdict[];
}>;
