import type { Program } from './program.js';
export type Row = {
    name: string;
    op: string;
    ms: number;
    share: number;
    macs: number;
};
export type Profile = {
    by: 'timestamps' | 'wall clock';
    ms: number;
    rows: Row[];
};
/**
 * Times the kernels one by one; without timestamps, whole frames. What they compute is not read.
 *
 * @param {Program} program
 * @returns {Promise<Profile>}
 */
export declare function profileOf(program: Program): Promise<Profile>;
