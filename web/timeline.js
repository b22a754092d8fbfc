/** The last seconds of what the rig does, a line a channel. */

const SAMPLES = 240;
const ROW = 15;
const WIDTH = 304;
const LABEL = 92;
const COLORS = { line: '#63dcff', zero: '#3a3450', label: '#b3aac8' };
/** What a row's height stands for, if not 1. */
const DEGREES = 15;

/**
 * @typedef {{weights: ArrayLike<number>, gaze: ArrayLike<number>, pose: ArrayLike<number>}} Acted
 */
export class Timeline {
  #context;
  #labels;
  #values;
  #count = 0;

  /**
   * @param {HTMLCanvasElement} canvas
   * @param {string[]} labels of weights, then of gaze (two) and pose (three)
   */
  constructor(canvas, labels) {
    const height = ROW * labels.length;
    const scale = Math.min(2, devicePixelRatio);
    Object.assign(canvas, { width: WIDTH * scale, height: height * scale });
    this.#context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext('2d'));
    this.#context.scale(scale, scale);
    this.#context.font = getComputedStyle(canvas).font;
    this.#context.textBaseline = 'middle';
    this.#labels = labels;
    this.#values = new Float32Array(labels.length * SAMPLES);
  }

  /** Takes a moment. @param {Acted} rig */
  add({ weights, gaze, pose }) {
    const at = this.#count++ % SAMPLES;
    for (let row = 0; row < this.#labels.length; row++) {
      const i = row - weights.length;
      const value = i < 0 ? weights[row] : i < 2 ? gaze[i] : pose[i - 2] / DEGREES;
      this.#values[row * SAMPLES + at] = value;
    }
  }

  draw() {
    const context = this.#context;
    context.clearRect(0, 0, WIDTH, ROW * this.#labels.length);
    this.#labels.forEach((label, row) => this.#drawRow(label, row));
  }

  /** @type {(label: string, row: number) => void} */
  #drawRow(label, row) {
    const context = this.#context;
    // Weights rise from the bottom; what goes both ways has its zero in the middle.
    const isSigned = row >= this.#labels.length - 5;
    const zero = ROW * (row + (isSigned ? 0.5 : 0.9));
    const size = ROW * (isSigned ? 0.4 : 0.75);
    context.fillStyle = COLORS.label;
    context.fillText(label, 4, ROW * (row + 0.5), LABEL - 8);
    context.fillStyle = COLORS.zero;
    context.fillRect(LABEL, zero, WIDTH - LABEL, 1);
    const length = Math.min(this.#count, SAMPLES);
    context.beginPath();
    for (let i = 0; i < length; i++) {
      const value = this.#values[row * SAMPLES + ((this.#count - length + i) % SAMPLES)];
      const x = LABEL + ((SAMPLES - length + i) / (SAMPLES - 1)) * (WIDTH - LABEL);
      context.lineTo(x, zero - size * Math.min(1.2, Math.max(-1.2, value)));
    }
    context.strokeStyle = COLORS.line;
    context.stroke();
  }
}
