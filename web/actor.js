/**
 * Who acts: a face that is followed, held, let go of, or moved by itself, and what is put over it. Free of the DOM
 * and of clocks; native video runs the same modules.
 *
 * @import {Expressions} from '../face/head.js'
 * @import {Framing} from '../face/procrustes.js'
 */
import { LandmarkFilter } from '../face/filter.js';
import { TrainingFrame } from '../face/procrustes.js';
import { FaceShape } from '../face/shape.js';
import { Director } from './director.js';
import { Follower } from './follower.js';
import { Idle } from './idle.js';
import { Rig } from './rig/rig.js';

export class Actor {
  /**
   * @param {Expressions} expressions the content of expressions.json
   * @param {Framing} framing the content of framing.json
   */
  constructor(expressions, framing) {
    this.rig = new Rig(expressions, framing);
    this.idle = new Idle(this.rig, expressions.visemes);
    this.director = new Director(this.idle, this.rig);
    this.shape = new FaceShape(expressions, framing);
    this.follower = new Follower({
      director: this.director,
      filter: new LandmarkFilter(),
      frame: new TrainingFrame(framing),
      shape: this.shape,
    });
  }
}
