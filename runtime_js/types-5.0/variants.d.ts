import type { Artifact } from './artifact.js';
export type Wishes = {
    dot?: 'packed' | 'emulated';
    requantize?: 'fast' | 'integer';
};
export type Variants = {
    dot: string;
    requantize: string;
    why: {
        dot: string;
        requantize: string;
    };
};
/**
 * The variants to use, and why. A wish is granted without a probe.
 *
 * @param {GPUDevice} device
 * @param {Artifact} artifact
 * @param {Wishes} wishes
 * @returns {Promise<Variants>}
 */
export declare function chooseVariants(device: GPUDevice, artifact: Artifact, wishes: Wishes): Promise<Variants>;
/** Why a variant was chosen that was wished for. */
export declare const ASKED = "asked for";
