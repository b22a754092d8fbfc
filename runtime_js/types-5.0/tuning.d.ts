import type { Choice } from './gpu.js';
import type { Stage } from './stage.js';
export type Tuning = {
    dot: string;
    ms: Record<string, number>;
};
/**
 * Times whole frames of stages with each variant of `dot`, in turns. What does not compile on this device, or is
 * not exact, is no candidate.
 *
 * @param {Stage} stage
 * @param {(choice: Choice) => Promise<Stage>} [remake] makes a stage of other variants, on the same device
 * @returns {Promise<{tuning: Tuning, chosen: Stage}>} the fastest, and a new stage to go on with in the place of the
 *   old, if that is faster
 */
export declare function tuneStage(stage: Stage, remake?: (choice: Choice) => Promise<Stage>): Promise<{
    tuning: Tuning;
    chosen: Stage;
}>;
