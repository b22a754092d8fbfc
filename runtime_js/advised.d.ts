/**
 * The words for a failure, which are loaded only then.
 *
 * @param {string} short what is said where they can't be, as without a network
 * @param {(advice: typeof import('./advice.js')) => string | Promise<string>} say
 */
export declare function advised(short: string, say: (advice: typeof import('./advice.js')) => string | Promise<string>): Promise<string>;
