/** What draws a picture as a mesh: the display's own text, and where a point of the mesh lies. */
import { DISPLAY } from '../runtime_js/display_shader.js';

// What is handed on is the way back to where a point was: of what has not moved it is 0, and no bit is lost.
export const MESH = /* wgsl */ `${DISPLAY}
struct Point { @builtin(position) at: vec4f, @location(0) back: vec2f }

@vertex fn point(@location(0) place: vec4f) -> Point {
  return Point(vec4f(2.0 * place.x - 1.0, 1.0 - 2.0 * place.y, 0.0, 1.0), place.zw - place.xy);
}

@fragment fn mesh(point: Point) -> @location(0) vec4f {
  let size = vec2f(textureDimensions(picture));
  return shown(point.at.xy * size / look.xy + point.back * size);
}
`;
