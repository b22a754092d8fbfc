/** What a visitor takes along: a snapshot, a recording, a picture-in-picture. */

const FRAMES = 30;
const TYPES = ['video/mp4;codecs=avc1,mp4a.40.2', 'video/webm;codecs=vp9,opus', 'video/webm'];

/**
 * Saves what a canvas shows.
 *
 * @param {HTMLCanvasElement} canvas
 * @param {string} name
 */
export async function snapshot(canvas, name) {
  const copy = document.createElement('canvas');
  copy.width = canvas.width;
  copy.height = canvas.height;
  /** @type {CanvasRenderingContext2D} */ (copy.getContext('2d')).drawImage(canvas, 0, 0);
  const blob = await new Promise((resolve) => copy.toBlob(resolve, 'image/png'));
  save(/** @type {Blob} */ (blob), `${name}.png`);
}

export class Recording {
  #recorder;
  #stream;
  /** @type {Blob[]} */
  #parts = [];

  /**
   * @param {MediaStream} stream
   * @param {string} name
   */
  constructor(stream, name) {
    const type = TYPES.find((one) => MediaRecorder.isTypeSupported(one));
    this.#stream = stream;
    this.#recorder = new MediaRecorder(stream, type ? { mimeType: type } : undefined);
    this.#recorder.ondataavailable = ({ data }) => data.size && this.#parts.push(data);
    this.#recorder.onstop = () => {
      const { mimeType } = this.#recorder;
      save(
        new Blob(this.#parts, { type: mimeType }),
        `${name}.${/mp4/.test(mimeType) ? 'mp4' : 'webm'}`,
      );
    };
    this.#recorder.start(1000);
  }

  /**
   * Records a canvas, with the microphone where the visitor lets it.
   *
   * @param {HTMLCanvasElement} canvas
   * @param {string} name
   * @param {boolean} sound
   */
  static async of(canvas, name, sound) {
    const stream = canvas.captureStream(FRAMES);
    if (sound) {
      const voice = await navigator.mediaDevices.getUserMedia({ audio: true });
      for (const track of voice.getAudioTracks()) stream.addTrack(track);
    }
    return new Recording(stream, name);
  }

  stop() {
    this.#recorder.stop();
    for (const track of this.#stream.getTracks()) track.stop();
  }
}

/**
 * Shows a canvas in a window of its own, above all others; or ends that.
 *
 * @param {HTMLCanvasElement} canvas
 * @param {HTMLVideoElement} video hidden, in the page
 */
export async function togglePictureInPicture(canvas, video) {
  if (document.pictureInPictureElement) return document.exitPictureInPicture();
  if (!video.srcObject) video.srcObject = canvas.captureStream(FRAMES);
  video.muted = true;
  await video.play();
  await video.requestPictureInPicture();
}

/**
 * @param {Blob} blob
 * @param {string} name
 */
function save(blob, name) {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}
