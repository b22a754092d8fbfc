import{C as e,E as t,InputError as n,j as r,messageOf as i,n as a,w as o}from"./runtime.js";const s=`
override width: u32;
override height: u32;
override channels: u32;
override flip: u32;
override scale: f32;
override offset: f32;
@group(0) @binding(0) var<storage, read> values: array<u32>;
@group(0) @binding(1) var<storage, read> levels: array<i32>;
fn level(i: u32) -> u32 {
let bits = bitcast<i32>(values[i] ^ flip);
if ((bits & 0x7fffffff) > 0x7f800000) { return 0u; }
let key = bits ^ ((bits >> 31u) & 0x7fffffff);
var reached = u32(clamp(round(bitcast<f32>(bits) * scale + offset), 0.0, 255.0));
while (reached < 255u && key >= levels[reached + 1u]) { reached++; }
while (reached > 0u && key < levels[reached]) { reached--; }
return reached;
}
fn pixel(at: vec2u) -> vec4u {
let i = at.y * width + at.x;
let plane = width * height;
let first = level(i);
if (channels == 1u) { return vec4u(first, first, first, 255u); }
var alpha = 255u;
if (channels == 4u) { alpha = level(i + 3u * plane); }
return vec4u(first, level(i + plane), level(i + 2u * plane), alpha);
}
`,c=`${s}
override pitch: u32;
@group(0) @binding(2) var<storage, read_write> words: array<u32>;
@compute @workgroup_size(8, 8) fn main(@builtin(global_invocation_id) id: vec3u) {
if (id.x >= width || id.y >= height) { return; }
let p = pixel(id.xy);
words[id.y * pitch + id.x] = p.r | (p.g << 8u) | (p.b << 16u) | (p.a << 24u);
}
`,l=`${s}
@group(0) @binding(2) var canvas: texture_storage_2d<FORMAT, write>;
@compute @workgroup_size(8, 8) fn main(@builtin(global_invocation_id) id: vec3u) {
let size = textureDimensions(canvas);
if (any(id.xy >= size)) { return; }
let p = vec4f(pixel((2u * id.xy + 1u) * vec2u(width, height) / (2u * size))) / 255.0;
textureStore(canvas, id.xy, vec4f(p.rgb * p.a, p.a));
}
`,u=/* @__PURE__ */ new WeakMap;async function d(i,s){let{device:l,model:u,buffers:d}=i,{name:p,shape:m,image:g}=s;if(!g)throw new n(`Output ${p} is not a picture.`);let[,_,v,y]=m,b=a(s),x=g.scale<0?2**31:0,{offset:S}=g,C={width:y,height:v,channels:_,flip:x,scale:Math.abs(g.scale),offset:S},w=/* @__PURE__ */ new Map([[`values`,e(d,`output:${p}`)]]);await o(l,`Cannot make the pixels of ${p}`,()=>{w.set(`levels`,r(l,`levels`,1024)),w.set(`words`,r(l,`words`,4*b*v)),l.queue.writeBuffer(e(w,`levels`),0,h(g))});let T={name:`pixels of ${p}`,op:`pixels`,shader:`pixels`,constants:{...C,pitch:b},uses:[],workgroups:[Math.ceil(y/8),Math.ceil(v/8),1],bindings:[...w.keys()].map((e,t)=>({binding:t,buffer:e,access:e===`words`?`read_write`:`read`}))};return new f(l,s,w,C,await t(l,{model:u,shaders:/* @__PURE__ */ new Map([[`pixels`,c]])},{},T,w))}var f=class{#e;#t;#n;#r;#i=/* @__PURE__ */ new Map;#a=[];#o=/* @__PURE__ */ new WeakSet;constructor(t,n,r,i,o){this.#e=t,this.#t=n,this.#n=r,this.#r=i,this.words=o;let{name:s,shape:c}=n,[,,l,u]=c,d=4*a(n),f=d*l;this.reading={name:s,buffer:e(r,`words`),offset:0,bytes:f,length:f,valuesOf(e){if(d===4*u)return new Uint8ClampedArray(e);let t=new Uint8ClampedArray(4*u*l);for(let n=0;n<l;n++)t.set(new Uint8Array(e,n*d,4*u),n*4*u);return t}}}painter(e,{scaling:t=`nearest`,format:r}){if(t!==`nearest`&&t!==`bicubic`)throw new n(`scaling is ${t}, expected nearest or bicubic.`);let i=p(e),a=i?.format??r??globalThis.navigator?.gpu?.getPreferredCanvasFormat(),o=i?i.usage:24;i||this.#s(e,a);let s=t===`nearest`&&o&8&&m(this.#e,a);if(!s&&!(o&16))throw new n(`The texture has usage ${o}, expected RENDER_ATTACHMENT.`);let c=`${s?`store`:t} ${a}`,l=this.#i.get(c);if(l)return l;let u=s?this.#c(a):this.#l(a,t);return this.#i.set(c,u),u.then(e=>this.#i.set(c,e),()=>this.#i.delete(c)),u}shown(e,t,r,{sharpness:i=.6}){if(!(i>=0&&i<=1))throw new n(`sharpness is ${i}, expected 0 to 1.`);let a=p(r),{writes:o,steps:s,finish:c}=t(a??u.get(r).context.getCurrentTexture(),i),l={writes:[...e.writes,...o],steps:[...e.steps,...s]},d=`view`in r?r.view:r,f=a!==void 0&&!this.#o.has(d);return f&&this.#o.add(d),{...e,...l,isNew:f,finish:c}}destroy(){for(let e of[...this.#n.values(),...this.#a])e!==this.#n.get(`values`)&&e.destroy()}#s(e,t){let r=this.#e,a=this.#t.shape[1]===4?`premultiplied`:`opaque`,o=u.get(e);if(o?.device===r&&o.format===t&&o.alphaMode===a)return;let s=e?.getContext?.(`webgpu`);if(!s)throw new n(`The canvas gives no WebGPU context: it is none, or it has another one.`);let c=16|(m(r,t)?8:0);try{s.configure({device:r,format:t,usage:c,alphaMode:a})}catch(e){throw new n(`The canvas can't have the format ${t}: ${i(e)}`)}u.set(e,{device:r,format:t,alphaMode:a,context:s})}#c(t){let n=this.#e,r=l.replace(`FORMAT`,t);return o(n,`Cannot make the kernel that stores to a canvas`,async()=>{let t=await n.createComputePipelineAsync({layout:`auto`,compute:{module:n.createShaderModule({code:r}),constants:this.#r}}),i=t.getBindGroupLayout(0),[a,o]=[`values`,`levels`].map(t=>e(this.#n,t)),s={pipeline:t,kernel:{workgroups:[1,1,1]}};return e=>{let t=[{buffer:a},{buffer:o},e.createView()];s.group=n.createBindGroup({layout:i,entries:t.map((e,t)=>({binding:t,resource:e}))});let{width:r,height:c}=e;return s.kernel.workgroups=[Math.ceil(r/8),Math.ceil(c/8),1],{writes:[],steps:[s],finish(){}}}})}#l(e,t){let n=this.#e,[,,r,i]=this.#t.shape;return o(n,`Cannot draw to ${e}`,async()=>{let o=n.createTexture({size:[i,r],format:t===`nearest`?`rgba8unorm`:`rgba8unorm-srgb`,usage:6}),s=n.createBuffer({size:16,usage:72});this.#a.push(o,s);let c=n.createSampler({magFilter:`linear`,minFilter:`linear`}),l=[{binding:0,resource:o.createView()},{binding:1,resource:c},{binding:2,resource:{buffer:s}}],u=n.createShaderModule({code:`
@group(0) @binding(0) var picture: texture_2d<f32>;
@group(0) @binding(1) var bilinear: sampler;
@group(0) @binding(2) var<uniform> look: vec4f;
@vertex fn corner(@builtin(vertex_index) i: u32) -> @builtin(position) vec4f {
return vec4f(f32(i & 1u) * 4.0 - 1.0, f32(i >> 1u) * 4.0 - 1.0, 0.0, 1.0);
}
@fragment fn nearest(@builtin(position) at: vec4f) -> @location(0) vec4f {
let size = textureDimensions(picture);
let p = textureLoad(picture, (2u * vec2u(at.xy) + 1u) * size / (2u * vec2u(look.xy)), 0);
return vec4f(p.rgb * p.a, p.a);
}
fn texel(at: vec2f) -> vec4f {
return textureSampleLevel(picture, bilinear, at / vec2f(textureDimensions(picture)), 0.0);
}
fn spline(at: vec2f) -> vec4f {
let i = floor(at - 0.5);
let f = at - 0.5 - i;
let r = 1.0 - f;
let w0 = r * r * r / 6.0;
let w3 = f * f * f / 6.0;
let g1 = w3 + (((3.0 - 3.0 * f) * f + 3.0) * f + 1.0) / 6.0;
let g0 = 1.0 - g1;
let a = i + 0.5 - w0 / g0;
let b = i + 1.5 + w3 / g1;
return mix(mix(texel(a), texel(vec2f(b.x, a.y)), g1.x),
mix(texel(vec2f(a.x, b.y)), texel(b), g1.x), g1.y);
}
fn shown(p: vec2f) -> vec4f {
let e = spline(p);
let n = texel(p - vec2f(0.0, 1.0)).rgb;
let s = texel(p + vec2f(0.0, 1.0)).rgb;
let w = texel(p - vec2f(1.0, 0.0)).rgb;
let o = texel(p + vec2f(1.0, 0.0)).rgb;
let least = min(e.rgb, min(min(n, s), min(w, o)));
let most = max(e.rgb, max(max(n, s), max(w, o)));
let room = saturate(min(least, 1.0 - most) / max(most, vec3f(1e-6)));
let weight = -0.2 * look.z * sqrt(room);
let linear = saturate((e.rgb + weight * (n + s + w + o)) / (1.0 + 4.0 * weight));
let rgb = select(1.055 * pow(linear, vec3f(1.0 / 2.4)) - 0.055, 12.92 * linear,
linear <= vec3f(0.0031308));
return vec4f(rgb * e.a, e.a);
}
@fragment fn bicubic(@builtin(position) at: vec4f) -> @location(0) vec4f {
return shown(at.xy * vec2f(textureDimensions(picture)) / look.xy);
}
`}),d=await n.createRenderPipelineAsync({layout:`auto`,vertex:{module:u},fragment:{module:u,entryPoint:t,targets:[{format:e}]}}),f=n.createBindGroup({layout:d.getBindGroupLayout(0),entries:l.filter(({binding:e})=>e!==1||t===`bicubic`)}),p=/* @__PURE__ */ new Float32Array(4),m={buffer:s,bytes:p},h={buffer:this.reading.buffer,bytesPerRow:4*a(this.#t)};return(e,t)=>{let{width:n,height:a}=e,s=p[0]!==n||p[1]!==a||p[2]!==Math.fround(t);return p.set([n,a,t]),{writes:s?[m]:[],steps:[this.words],finish(t){t.copyBufferToTexture(h,{texture:o},[i,r]);let n=e.createView(),a=t.beginRenderPass({colorAttachments:[{view:n,loadOp:`clear`,storeOp:`store`}]});a.setPipeline(d),a.setBindGroup(0,f),a.draw(3),a.end()}}}})}};function p(e){let{createView:t,view:r=e,format:i,width:a,height:o}=e??{};if(t)return e;if(/View]$/.test(`${r}`)){if(!(i&&a*o>0))throw new n(`A view tells no size: give {view, format, width, height}.`);return{createView:()=>r,format:i,width:a,height:o,usage:16}}}function m(e,t){return t===`rgba8unorm`||t===`bgra8unorm`&&e.features.has(`bgra8unorm-storage`)}function h({scale:e,offset:t}){let n=/* @__PURE__ */ new Uint8ClampedArray(1),r=/* @__PURE__ */ new Int32Array(1),i=new Float32Array(r.buffer),a=a=>(r[0]=a^a>>31&0x7fffffff,n[0]=i[0]*Math.abs(e)+t,n[0]),o=/* @__PURE__ */ new Int32Array(256);for(let e=1;e<256;e++){let t=-0x7f800001,n=0x7f800001;for(;t<n;){let r=Math.floor((t+n)/2);a(r)>=e?n=r:t=r+1}o[e]=t}return o}export{d as createDisplay};