import type { Choice } from './gpu.js';
import type { Stage } from './stage.js';
import type { Variants } from './variants.js';
export type Verdict = {
    name: string;
    ok: boolean;
    frames?: boolean[];
};
export type Report = {
    ok: boolean;
    message: string;
    kernels: Verdict[];
    outputs: Verdict[];
    adapter: string;
    variants: Variants;
    text: string;
};
/**
 * Tests a stage; where it fails, the next variants, until one is exact. Variants that were asked for stay.
 *
 * @param {Stage} stage
 * @param {(choice: Choice) => Promise<Stage>} [remake] makes a stage of other variants, on the same device
 * @returns {Promise<{report: Report, chosen: Stage}>} a new stage is one to go on with in the place of the
 *   old
 */
export declare function testStage(stage: Stage, remake?: (choice: Choice) => Promise<Stage>): Promise<{
    report: Report;
    chosen: Stage;
}>;
export type Found = {
    ok: boolean;
    message: string;
    kernels: Verdict[];
    outputs: Verdict[];
};
