import type { Program } from './program.js';
export type Verdict = {
    name: string;
    ok: boolean;
};
/**
 * Runs the seeded inputs kernel by kernel, then as a frame, and compares every checksum.
 *
 * @param {Program} program
 * @returns {Promise<{kernels: Verdict[], outputs: Verdict[]}>}
 */
export declare function runSelfTest(program: Program): Promise<{
    kernels: Verdict[];
    outputs: Verdict[];
}>;
