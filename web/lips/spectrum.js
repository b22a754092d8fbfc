/** The power of a block of sound over frequency. Nothing is allocated for a block. */
export class Spectrum {
  #size;
  #window;
  #real;
  #imaginary;
  /** Of each frequency, from 0 in steps of the rate / size. */
  power;

  /** @param {number} size samples of a block, a power of two */
  constructor(size) {
    this.#size = size;
    this.#window = Float64Array.from(
      { length: size },
      (_, i) => Math.sin((Math.PI * i) / size) ** 2,
    );
    this.#real = new Float64Array(size);
    this.#imaginary = new Float64Array(size);
    this.power = new Float64Array(size / 2);
  }

  /**
   * Takes the spectrum of the newest samples, of their differences: speech loses about as much an octave.
   *
   * @param {ArrayLike<number>} samples no fewer than the size
   */
  take(samples) {
    const size = this.#size;
    const start = samples.length - size;
    for (let i = 0, j = 0; i < size; i++) {
      const before = samples[Math.max(0, start + i - 1)];
      this.#real[j] = this.#window[i] * (samples[start + i] - before);
      this.#imaginary[j] = 0;
      // The next place whose bits are turned about.
      let bit = size >> 1;
      for (; j & bit; bit >>= 1) j ^= bit;
      j |= bit;
    }
    for (let half = 1; half < size; half *= 2) this.#merge(half);
    for (let i = 0; i < this.power.length; i++)
      this.power[i] = this.#real[i] ** 2 + this.#imaginary[i] ** 2;
  }

  /** Makes of each two transforms one. @param {number} half the size of those that there are */
  #merge(half) {
    const real = this.#real;
    const imaginary = this.#imaginary;
    for (let k = 0; k < half; k++) {
      const cosine = Math.cos((Math.PI * k) / half);
      const sine = -Math.sin((Math.PI * k) / half);
      for (let i = k; i < this.#size; i += 2 * half) {
        const a = cosine * real[i + half] - sine * imaginary[i + half];
        const b = sine * real[i + half] + cosine * imaginary[i + half];
        real[i + half] = real[i] - a;
        imaginary[i + half] = imaginary[i] - b;
        real[i] += a;
        imaginary[i] += b;
      }
    }
  }
}
