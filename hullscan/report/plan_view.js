// The plan's page: one time for map, curve, table and 3-D view, and the 3-D view itself (WebGL 2, nothing loaded).
// Ship frame: x forward, y starboard, z down; metres.
"use strict";
(() => {
  const scene = JSON.parse(document.getElementById("scene").textContent);
  const unpack = (text, Kind) => {
    const raw = atob(text), bytes = new Uint8Array(raw.length);
    for (let i = 0; i < raw.length; i++) bytes[i] = raw.charCodeAt(i);
    return new Kind(bytes.buffer); // little-endian, as every machine with a browser is
  };
  const times = unpack(scene.times, Float32Array), legs = unpack(scene.legs, Uint32Array);
  const positions = unpack(scene.positions, Float32Array), yaws = unpack(scene.yaws, Float32Array);
  const views = unpack(scene.views, Float32Array);
  const byId = (id) => document.getElementById(id);
  const clock = (s) => `${Math.floor(s / 60)}:${String(Math.floor(s % 60)).padStart(2, "0")}`;

  // ------------------------------------------------------------------ time
  let now = scene.end_s, playing = false, moved = false;
  const listeners = [];
  const at = (t) => { // index of the pose before a time, and the share of the way to the next
    let low = 0, high = times.length - 1;
    while (high - low > 1) { const middle = (low + high) >> 1; if (times[middle] <= t) low = middle; else high = middle; }
    const span = times[high] - times[low];
    return [low, high, span > 0 ? Math.min(Math.max((t - times[low]) / span, 0), 1) : 0];
  };
  const between = (values, width, t) => {
    const [a, b, share] = at(t), out = [];
    for (let i = 0; i < width; i++) out.push(values[a * width + i] * (1 - share) + values[b * width + i] * share);
    return out;
  };
  const seek = (t) => {
    now = Math.min(Math.max(t, 0), scene.end_s);
    moved = true;
    for (const listen of listeners) listen();
  };
  const slider = byId("time"), play = byId("play");
  slider.max = scene.end_s;
  slider.value = scene.end_s;
  const setPlaying = (on) => {
    playing = on;
    play.setAttribute("aria-pressed", on);
    play.textContent = on ? "❚❚" : "▶";
    if (!on) return;
    if (now >= scene.end_s) seek(0);
    let last = performance.now();
    const step = (stamp) => {
      if (!playing) return;
      seek(now + (stamp - last) / 1000 * Number(byId("rate").value));
      last = stamp;
      if (now >= scene.end_s) setPlaying(false); else requestAnimationFrame(step);
    };
    requestAnimationFrame(step);
  };
  play.addEventListener("click", () => setPlaying(!playing));
  slider.addEventListener("input", () => { setPlaying(false); seek(Number(slider.value)); });
  listeners.push(() => {
    slider.value = now;
    byId("clock").textContent = `${clock(now)} / ${clock(scene.end_s)}`;
    const leg = legs[at(now)[0]];
    byId("legname").textContent = scene.leg_names[leg];
    slider.setAttribute("aria-valuetext", `${clock(now)}, ${scene.leg_names[leg]}`);
  });

  // ------------------------------------------------------------------ map, curve, table
  const timed = [...document.querySelectorAll("#planmap .timed")].map((each) => [Number(each.dataset.t), each]);
  const lanes = [...document.querySelectorAll("#planmap [data-leg]")];
  const rows = [...document.querySelectorAll("#legs tr[data-leg]")];
  const places = scene.map.flat();
  const chart = byId("chart"), chartNow = byId("curve-now");
  let shownLeg = -1;
  listeners.push(() => {
    const whole = now >= scene.end_s;
    for (const [t, each] of timed) each.style.visibility = t <= now + 1e-6 || whole ? "" : "hidden";
    const [x, y] = between(places, 2, now);
    byId("map-now").setAttribute("visibility", "visible");
    byId("map-dot").setAttribute("cx", x);
    byId("map-dot").setAttribute("cy", y);
    const leg = legs[at(now)[0]];
    if (leg !== shownLeg) {
      for (const each of [...lanes, ...rows]) each.classList.toggle("on", Number(each.dataset.leg) === leg + 1);
      shownLeg = leg;
    }
    const at_x = now / 60 / Number(chart.dataset.minutes) * Number(chart.dataset.width);
    chartNow.setAttribute("visibility", "visible");
    chartNow.setAttribute("x1", at_x);
    chartNow.setAttribute("x2", at_x);
  });
  const seekLeg = (number) => { setPlaying(false); seek(times[legs.indexOf(number - 1)]); };
  for (const each of lanes) each.addEventListener("click", () => seekLeg(Number(each.dataset.leg)));
  for (const row of rows) row.querySelector("button").addEventListener("click", () => seekLeg(Number(row.dataset.leg)));

  // ------------------------------------------------------------------ 3-D view
  const canvas = byId("view");
  const gl = canvas.getContext("webgl2", { antialias: true, preserveDrawingBuffer: true });
  if (!gl) { byId("no-view").hidden = false; canvas.hidden = true; }
  else startView();

  function startView() {
    const program = (vertex, fragment) => {
      const made = gl.createProgram();
      for (const [kind, source] of [[gl.VERTEX_SHADER, vertex], [gl.FRAGMENT_SHADER, fragment]]) {
        const shader = gl.createShader(kind);
        gl.shaderSource(shader, "#version 300 es\nprecision highp float;\n" + source);
        gl.compileShader(shader);
        if (!gl.getShaderParameter(shader, gl.COMPILE_STATUS)) throw new Error(gl.getShaderInfoLog(shader));
        gl.attachShader(made, shader);
      }
      gl.linkProgram(made);
      if (!gl.getProgramParameter(made, gl.LINK_STATUS)) throw new Error(gl.getProgramInfoLog(made));
      const uniforms = {};
      for (let i = 0; i < gl.getProgramParameter(made, gl.ACTIVE_UNIFORMS); i++) {
        const name = gl.getActiveUniform(made, i).name;
        uniforms[name.replace("[0]", "")] = gl.getUniformLocation(made, name);
      }
      return { made, uniforms, place: (name) => gl.getAttribLocation(made, name) };
    };
    const buffer = (data, kind = gl.ARRAY_BUFFER) => {
      const made = gl.createBuffer();
      gl.bindBuffer(kind, made);
      gl.bufferData(kind, data, gl.STATIC_DRAW);
      return made;
    };

    const skin = program(`
      in vec3 p; in vec3 n; in vec2 uv; uniform mat4 m; out vec3 vp; out vec3 vn; out vec2 vuv;
      void main() { vp = p; vn = n; vuv = uv; gl_Position = m * vec4(p, 1.0); }`, `
      in vec3 vp; in vec3 vn; in vec2 vuv; out vec4 color;
      uniform sampler2D cells; uniform float now; uniform vec3 eye; uniform vec3 pods[3]; uniform vec2 classes;
      uniform vec3 shell; uniform vec3 dry; uniform vec3 outback; uniform vec3 outline; uniform vec3 ink;
      uniform vec3 depths;
      float line(float value, float slope, float width) { return 1.0 - smoothstep(0.0, 1.0, abs(value) / slope - width); }
      void main() {
        vec3 n = normalize(gl_FrontFacing ? vn : -vn);
        float light = 0.62 + 0.25 * max(dot(n, normalize(eye - vp)), 0.0) + 0.16 * max(dot(n, normalize(vec3(0.3, 0.4, -1.0))), 0.0);
        vec3 slope = max(fwidth(vp), vec3(1e-5)); // before any branch: there derivatives are not defined
        vec4 t = texture(cells, vuv);
        vec3 c = shell;
        if (vp.z < 0.0) c = dry;
        else {
          if (t.g > 0.83 && t.b <= now) c = t.r >= classes.x ? pods[0] : t.r >= classes.y ? pods[1] : pods[2];
          else if (t.g > 0.5 && t.g < 0.83) {
            float stripe = fract((gl_FragCoord.x + gl_FragCoord.y) / 9.0);
            c = stripe < 0.2 ? outline : outback;
          }
          float d = vp.z / depths.x;
          float steep = 1.0 - smoothstep(0.9, 0.98, abs(n.z)); // a flat bottom lies in one depth
          c = mix(c, ink, 0.28 * steep * line(d - round(d), slope.z / depths.x, 0.5));
        }
        float s = vp.x / depths.y;
        c = mix(c, ink, 0.16 * line(s - round(s), slope.x / depths.y, 0.4));
        c *= light;
        c = mix(c, ink, 0.9 * line(vp.z, slope.z, 1.2));
        color = vec4(gl_FrontFacing ? c : c * 0.75, 1.0);
      }`);
    const ribbon = program(`
      in vec3 a; in vec3 b; in float t; in float kind; uniform mat4 m; uniform vec2 size; uniform float width;
      out float vt; out float vkind; out float along;
      void main() {
        vec4 pa = m * vec4(a, 1.0), pb = m * vec4(b, 1.0);
        float end = float(gl_VertexID & 1), side = float(gl_VertexID >> 1) * 2.0 - 1.0;
        vec2 dir = (pb.xy / pb.w - pa.xy / pa.w) * size;
        float length_px = max(length(dir), 1e-4);
        vec2 across = vec2(-dir.y, dir.x) / length_px;
        vec4 at = end > 0.5 ? pb : pa;
        at.xy += across * side * width / size * at.w;
        at.z -= 0.0004 * at.w;
        if (pa.w < 0.05 || pb.w < 0.05) at = vec4(2.0, 2.0, 2.0, 1.0);
        vt = t; vkind = kind; along = end * length_px;
        gl_Position = at;
      }`, `
      in float vt; in float vkind; in float along; out vec4 color;
      uniform float now; uniform vec3 done; uniform vec3 ahead; uniform float fade;
      void main() {
        bool flown = vt <= now;
        color = vec4(flown ? done : ahead, fade * (vkind > 0.5 ? 1.0 : 0.45) * (flown ? 1.0 : 0.45));
      }`);
    const plane = program(`
      in vec3 p; uniform mat4 m; out vec3 vp;
      void main() { vp = p; gl_Position = m * vec4(p, 1.0); }`, `
      in vec3 vp; out vec4 color; uniform vec4 base; uniform vec4 grid; uniform float step_m; uniform vec3 mid; uniform float reach;
      void main() {
        vec3 q = vp / step_m;
        vec3 f = abs(q - round(q)) / max(fwidth(q), vec3(1e-5));
        bvec3 flat_ = lessThan(fwidth(q), vec3(1e-6));
        float l = 1.0 - clamp(min(flat_.x ? 9.0 : f.x, min(flat_.y ? 9.0 : f.y, flat_.z ? 9.0 : f.z)), 0.0, 1.0);
        float far = 1.0 - smoothstep(0.5, 1.0, length((vp - mid).xy) / reach);
        color = mix(base, grid, l);
        color.a *= far;
      }`);

    const bind = (vao, of, name, size, data, { stride = 0, offset = 0, divisor = 0 } = {}) => {
      const place = of.place(name);
      if (place < 0) return;
      gl.bindVertexArray(vao);
      gl.bindBuffer(gl.ARRAY_BUFFER, data);
      gl.enableVertexAttribArray(place);
      gl.vertexAttribPointer(place, size, gl.FLOAT, false, stride, offset);
      gl.vertexAttribDivisor(place, divisor);
    };

    // the hull; its normals are those of its triangles, weighed by area
    const vertices = unpack(scene.vertices, Float32Array), shell = unpack(scene.shell, Float32Array);
    const faces = unpack(scene.faces, Uint16Array), normals = new Float32Array(vertices.length);
    const low = [1e9, 1e9, 1e9], high = [-1e9, -1e9, -1e9];
    for (let i = 0; i < vertices.length; i++) {
      low[i % 3] = Math.min(low[i % 3], vertices[i]);
      high[i % 3] = Math.max(high[i % 3], vertices[i]);
    }
    for (let f = 0; f < faces.length; f += 3) {
      const [i, j, k] = [faces[f] * 3, faces[f + 1] * 3, faces[f + 2] * 3];
      const u = [0, 1, 2].map((axis) => vertices[j + axis] - vertices[i + axis]);
      const v = [0, 1, 2].map((axis) => vertices[k + axis] - vertices[i + axis]);
      const n = [u[1] * v[2] - u[2] * v[1], u[2] * v[0] - u[0] * v[2], u[0] * v[1] - u[1] * v[0]];
      for (const corner of [i, j, k]) for (let axis = 0; axis < 3; axis++) normals[corner + axis] += n[axis];
    }
    const hullArray = gl.createVertexArray();
    bind(hullArray, skin, "p", 3, buffer(vertices));
    bind(hullArray, skin, "n", 3, buffer(normals));
    bind(hullArray, skin, "uv", 2, buffer(shell));
    gl.bindVertexArray(hullArray);
    buffer(faces, gl.ELEMENT_ARRAY_BUFFER);
    gl.bindVertexArray(null);

    const texture = gl.createTexture();
    gl.bindTexture(gl.TEXTURE_2D, texture);
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA, 1, 1, 0, gl.RGBA, gl.UNSIGNED_BYTE, new Uint8Array([0, 85, 255, 255]));
    const picture = new Image();
    picture.addEventListener("load", () => {
      gl.bindTexture(gl.TEXTURE_2D, texture);
      gl.pixelStorei(gl.UNPACK_COLORSPACE_CONVERSION_WEBGL, gl.NONE);
      gl.pixelStorei(gl.UNPACK_PREMULTIPLY_ALPHA_WEBGL, false);
      gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA, gl.RGBA, gl.UNSIGNED_BYTE, picture);
      for (const [key, value] of [
        [gl.TEXTURE_MIN_FILTER, gl.NEAREST], [gl.TEXTURE_MAG_FILTER, gl.NEAREST],
        [gl.TEXTURE_WRAP_S, gl.CLAMP_TO_EDGE], [gl.TEXTURE_WRAP_T, gl.CLAMP_TO_EDGE],
      ]) gl.texParameteri(gl.TEXTURE_2D, key, value);
      draw();
    });
    picture.src = scene.texture;

    // the way: one ribbon piece from each pose to the next
    const searching = new Float32Array(times.length);
    const laneLegs = new Set([...document.querySelectorAll("#legs tr.lane")].map((row) => Number(row.dataset.leg) - 1));
    for (let i = 0; i < times.length; i++) searching[i] = laneLegs.has(legs[i]) ? 1 : 0;
    const wayData = buffer(positions), wayArray = gl.createVertexArray();
    bind(wayArray, ribbon, "a", 3, wayData, { divisor: 1 });
    bind(wayArray, ribbon, "b", 3, wayData, { divisor: 1, offset: 12 });
    bind(wayArray, ribbon, "t", 1, buffer(times), { divisor: 1 });
    bind(wayArray, ribbon, "kind", 1, buffer(searching), { divisor: 1 });
    const looseData = gl.createBuffer(), looseArray = gl.createVertexArray();
    for (const [name, size, offset] of [["a", 3, 0], ["b", 3, 12], ["t", 1, 24], ["kind", 1, 28]])
      bind(looseArray, ribbon, name, size, looseData, { divisor: 1, stride: 32, offset });
    const planeData = gl.createBuffer(), planeArray = gl.createVertexArray();
    bind(planeArray, plane, "p", 3, planeData);

    // ---------------------------------------------------------------- camera
    const middle = [0, 1, 2].map((axis) => (low[axis] + high[axis]) / 2);
    const length = high[0] - low[0], breadth = high[1] - low[1];
    let side = 0;
    for (let i = 1; i < positions.length; i += 3) side += positions[i];
    const beside = side >= 0 ? 1 : -1;
    const camera = { az: 0, el: 0, distance: 1, target: [0, 0, 0] };
    let wanted = "work", follow = false;
    const presets = { // where from, and which stretch of the ship is in view
      work: () => [beside * (Math.PI / 2 - 0.4), -0.36, low[0], high[0]],
      starboard: () => [Math.PI / 2, -0.02, low[0], high[0]],
      port: () => [-Math.PI / 2, -0.02, low[0], high[0]],
      bow: () => [beside * 0.5, -0.1, high[0] - breadth * 1.2, high[0]],
      stern: () => [Math.PI - beside * 0.5, -0.1, low[0], low[0] + breadth * 1.2],
      under: () => [beside * Math.PI / 2, -1.25, low[0], high[0]],
      above: () => [beside * Math.PI / 2, 1.2, low[0], high[0]],
    };
    const look = (name) => {
      wanted = name;
      const [az, el, aft, fore] = presets[name]();
      const wide = Math.tan(Math.PI / 8) * 0.9 * canvas.clientWidth / Math.max(canvas.clientHeight, 1), tall = Math.tan(Math.PI / 8) * 0.8;
      Object.assign(camera, { az, el, target: [(aft + fore) / 2, 0, high[2] * 0.4], distance: 1 });
      const corners = [aft, fore].flatMap((x) => [low[1], high[1]].flatMap((y) => [Math.max(low[2], -3), high[2]].map((z) => [x, y, z])));
      for (let round = 0; round < 4; round++) { // far enough for every corner, then moved to the middle of them
        const { f, s, u } = axes();
        const seen = corners.map((c) => { const r = c.map((v, i) => v - camera.target[i]); return [dot(r, s), dot(r, u), dot(r, f)]; });
        camera.distance = Math.max(2, ...seen.map(([x, y, z]) => Math.max(Math.abs(x) / wide, Math.abs(y) / tall) - z));
        const shift = (axis) => { const q = seen.map((c) => c[axis] / (camera.distance + c[2])); return (Math.min(...q) + Math.max(...q)) / 2 * camera.distance; };
        const [x, y] = [shift(0), shift(1)];
        camera.target = camera.target.map((v, i) => v + s[i] * x + u[i] * y);
        if (Math.abs(el) < 0.3) { // beside the ship the eye stays above the sea bed
          const deepest = Math.max(scene.water_depth_m * 0.85 - camera.target[2], 0.5) / camera.distance;
          camera.el = Math.max(el, -Math.asin(Math.min(deepest, 1)));
        }
      }
      draw();
    };
    const eyeOf = () => {
      const { az, el, distance, target } = camera, c = Math.cos(el);
      return [target[0] + distance * c * Math.cos(az), target[1] + distance * c * Math.sin(az), target[2] - distance * Math.sin(el)];
    };
    const cross = (a, b) => [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]];
    const unit = (a) => { const l = Math.hypot(...a) || 1; return a.map((v) => v / l); };
    const dot = (a, b) => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
    const axes = () => {
      const eye = eyeOf(), f = unit(camera.target.map((v, i) => v - eye[i])), s = unit(cross(f, [0, 0, -1]));
      return { eye, f, s, u: cross(s, f) };
    };
    const matrix = () => {
      const { eye, f, s, u } = axes();
      const aspect = canvas.width / canvas.height, focal = 1 / Math.tan(Math.PI / 8);
      const near = Math.max(camera.distance * 0.02, 0.05), far = camera.distance + length * 4 + 100;
      const v = [s[0], u[0], -f[0], 0, s[1], u[1], -f[1], 0, s[2], u[2], -f[2], 0, -dot(s, eye), -dot(u, eye), dot(f, eye), 1];
      const k = [focal / aspect, focal, (far + near) / (near - far), 2 * far * near / (near - far)];
      const out = new Float32Array(16);
      for (let c = 0; c < 4; c++) {
        out[4 * c] = k[0] * v[4 * c];
        out[4 * c + 1] = k[1] * v[4 * c + 1];
        out[4 * c + 2] = k[2] * v[4 * c + 2] + k[3] * v[4 * c + 3];
        out[4 * c + 3] = -v[4 * c + 2];
      }
      return out;
    };

    // ---------------------------------------------------------------- drawing
    let colors = {};
    const readColors = () => {
      const style = getComputedStyle(document.documentElement);
      for (const name of ["sky", "pod0", "pod1", "pod2", "shell", "dry", "outback", "outline", "ink", "way", "ahead", "bed", "bedline", "water", "quay", "cone", "rov"]) {
        const hex = style.getPropertyValue(`--${name}`).trim();
        colors[name] = [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16) / 255);
      }
    };
    const uniform = (of, values) => {
      gl.useProgram(of.made);
      for (const [name, value] of Object.entries(values)) {
        const place = of.uniforms[name];
        if (!place) continue;
        if (typeof value === "number") gl.uniform1f(place, value);
        else if (value.length === 16) gl.uniformMatrix4fv(place, false, value);
        else if (name === "pods") gl.uniform3fv(place, value);
        else gl[`uniform${value.length}fv`](place, value);
      }
    };
    const quad = (corners, base, grid, step_m, m, reach) => {
      gl.bindVertexArray(planeArray);
      gl.bindBuffer(gl.ARRAY_BUFFER, planeData);
      gl.bufferData(gl.ARRAY_BUFFER, new Float32Array(corners.flat()), gl.DYNAMIC_DRAW);
      uniform(plane, { m, base, grid, step_m, mid: middle, reach });
      gl.drawArrays(gl.TRIANGLE_FAN, 0, corners.length);
    };
    const loose = (pairs, m, size, width, color, fade) => {
      gl.bindVertexArray(looseArray);
      gl.bindBuffer(gl.ARRAY_BUFFER, looseData);
      gl.bufferData(gl.ARRAY_BUFFER, new Float32Array(pairs.flatMap(([a, b]) => [...a, ...b, 0, 1])), gl.DYNAMIC_DRAW);
      uniform(ribbon, { m, size, width, now: 1, done: color, ahead: color, fade });
      gl.drawArraysInstanced(gl.TRIANGLE_STRIP, 0, 4, pairs.length);
    };
    const tick = [1, 2, 5, 10, 20].find((each) => high[2] / each <= 6) || 20;
    let asked = false;
    function draw() { if (!asked) { asked = true; requestAnimationFrame(paint); } }
    function paint() {
      asked = false;
      const ratio = Math.min(window.devicePixelRatio || 1, 2);
      const [w, h] = [Math.round(canvas.clientWidth * ratio), Math.round(canvas.clientHeight * ratio)];
      if (!w || !h) return;
      if (canvas.width !== w || canvas.height !== h) { canvas.width = w; canvas.height = h; }
      if (follow) camera.target = between(positions, 3, now);
      const m = matrix(), eye = eyeOf(), size = [w, h];
      gl.viewport(0, 0, w, h);
      gl.clearColor(...colors.sky, 1);
      gl.clear(gl.COLOR_BUFFER_BIT | gl.DEPTH_BUFFER_BIT);
      gl.enable(gl.DEPTH_TEST);
      gl.depthFunc(gl.LEQUAL);
      gl.enable(gl.BLEND);
      gl.blendFuncSeparate(gl.SRC_ALPHA, gl.ONE_MINUS_SRC_ALPHA, gl.ONE, gl.ONE_MINUS_SRC_ALPHA);

      const reach = length * 1.2 + 20, bed = scene.water_depth_m;
      const flat = (z) => [[middle[0] - reach, -reach, z], [middle[0] + reach, -reach, z], [middle[0] + reach, reach, z], [middle[0] - reach, reach, z]];
      if (eye[2] < bed) quad(flat(bed), [...colors.bed, 0.75], [...colors.bedline, 0.9], length > 120 ? 10 : 5, m, reach);
      if (scene.quay_y_m !== null) {
        const y = scene.quay_y_m, x = [low[0] - length * 0.15, high[0] + length * 0.15], top = Math.min(low[2], -2);
        quad([[x[0], y, top], [x[1], y, top], [x[1], y, bed], [x[0], y, bed]], [...colors.quay, 0.28], [...colors.quay, 0.6], 5, m, reach * 4);
      }
      gl.bindVertexArray(hullArray);
      gl.bindTexture(gl.TEXTURE_2D, texture);
      uniform(skin, {
        m, eye, now: now >= scene.end_s ? 1 : now / scene.end_s * 254 / 255, classes: scene.pod_classes.slice(0, 2),
        pods: [...colors.pod0, ...colors.pod1, ...colors.pod2], shell: colors.shell, dry: colors.dry,
        outback: colors.outback, outline: colors.outline, ink: colors.ink, depths: [tick, 10, 0],
      });
      gl.drawElements(gl.TRIANGLES, faces.length, gl.UNSIGNED_SHORT, 0);

      const scale = window.devicePixelRatio > 1 ? 2 : 1.2;
      const way = (fade) => {
        gl.bindVertexArray(wayArray);
        uniform(ribbon, { m, size, width: 1.5 * scale, now, done: colors.way, ahead: colors.ahead, fade });
        gl.drawArraysInstanced(gl.TRIANGLE_STRIP, 0, 4, times.length - 1);
      };
      gl.depthMask(false);
      way(0.95);
      gl.depthFunc(gl.GREATER); // behind the hull it shines through faintly
      way(0.13);
      gl.depthFunc(gl.LEQUAL);

      const place = between(positions, 3, now), yaw = between(yaws, 1, now)[0], flatView = between(views, 12, now);
      const corners = [0, 1, 2, 3].map((i) => flatView.slice(3 * i, 3 * i + 3));
      quad([place, ...corners, corners[0]], [...colors.cone, 0.2], [...colors.cone, 0.2], 1000, m, 1e6);
      loose([...corners.map((c) => [place, c]), ...corners.map((c, i) => [c, corners[(i + 1) % 4]])], m, size, scale, colors.cone, 0.9);
      gl.depthMask(true);
      const bigger = Math.max(1, camera.distance * 0.006 / scene.half_size_m[0]);
      const [l, b, d] = scene.half_size_m.map((v) => v * bigger), [c, s] = [Math.cos(yaw), Math.sin(yaw)];
      const corner = (x, y, z) => [place[0] + x * c - y * s, place[1] + x * s + y * c, place[2] + z];
      for (const [i, j, k, n] of [[0, 1, 2, 0], [1, 0, 2, 1], [2, 0, 1, 2]]) for (const sign of [-1, 1]) {
        const half = [l, b, d], ring = [[-1, -1], [1, -1], [1, 1], [-1, 1]].map(([p, q]) => {
          const v = [0, 0, 0]; v[i] = sign * half[i]; v[j] = p * half[j]; v[k] = q * half[k]; return corner(...v);
        });
        const shade = [0.8, 0.65, sign < 0 ? 1 : 0.5][n];
        const tone = colors.rov.map((v) => v * shade);
        quad(ring, [...tone, 1], [...tone, 1], 1000, m, 1e6);
      }
      gl.depthMask(false);
      quad(flat(0), [...colors.water, 0.13], [...colors.water, 0.13], 1000, m, reach);
      gl.depthMask(true);
      gl.bindVertexArray(null);
      for (const label of document.querySelectorAll("#labels span")) {
        const p = { bow: [high[0] + length * 0.02, 0, 0], stern: [low[0] - length * 0.02, 0, 0], starboard: [middle[0], high[1] * 1.25 + 1, 0], port: [middle[0], -high[1] * 1.25 - 1, 0] }[label.dataset.at];
        const q = [0, 1, 3].map((r) => m[r] * p[0] + m[4 + r] * p[1] + m[8 + r] * p[2] + m[12 + r]);
        label.style.left = `${(q[0] / q[2] + 1) * 50}%`;
        label.style.top = `${(1 - q[1] / q[2]) * 50}%`;
        const behind = { starboard: eye[1] < 0, port: eye[1] > 0, bow: eye[0] < low[0], stern: eye[0] > high[0] }[label.dataset.at];
        label.hidden = (behind && Math.abs(camera.el) < 0.9) || q[2] <= 0 || Math.abs(q[0] / q[2]) > 0.97 || Math.abs(q[1] / q[2]) > 0.95;
      }
    }

    // ---------------------------------------------------------------- mouse, touch, keys
    const pointers = new Map();
    const turn = (dx, dy) => {
      camera.az += dx;
      camera.el = Math.min(Math.max(camera.el + dy, -1.5), 1.5);
      draw();
    };
    const zoom = (factor) => {
      camera.distance = Math.min(Math.max(camera.distance * factor, 2), length * 8 + 50);
      draw();
    };
    const pan = (dx, dy) => {
      const { s, u } = axes(), metres = 2 * camera.distance * Math.tan(Math.PI / 8) / canvas.clientHeight;
      camera.target = camera.target.map((v, i) => v - s[i] * dx * metres + u[i] * dy * metres);
      follow = byId("follow").checked = false;
      draw();
    };
    canvas.addEventListener("pointerdown", (event) => {
      canvas.setPointerCapture(event.pointerId);
      pointers.set(event.pointerId, [event.clientX, event.clientY]);
    });
    canvas.addEventListener("pointermove", (event) => {
      const before = pointers.get(event.pointerId);
      if (!before) return;
      const here = [event.clientX, event.clientY], dx = here[0] - before[0], dy = here[1] - before[1];
      if (pointers.size === 2) {
        const other = [...pointers].find(([id]) => id !== event.pointerId)[1];
        const gap = (p) => Math.hypot(p[0] - other[0], p[1] - other[1]);
        zoom(gap(before) / Math.max(gap(here), 1));
        pan(dx / 2, dy / 2);
      } else if (event.shiftKey || event.buttons === 2 || event.buttons === 4) pan(dx, dy);
      else turn(-dx * 0.008, dy * 0.008);
      pointers.set(event.pointerId, here);
    });
    for (const name of ["pointerup", "pointercancel"]) canvas.addEventListener(name, (event) => pointers.delete(event.pointerId));
    canvas.addEventListener("contextmenu", (event) => event.preventDefault());
    canvas.addEventListener("wheel", (event) => {
      event.preventDefault();
      zoom(Math.exp(Math.sign(event.deltaY) * 0.12));
    }, { passive: false });
    canvas.addEventListener("keydown", (event) => {
      const act = {
        ArrowLeft: () => turn(-0.08, 0), ArrowRight: () => turn(0.08, 0), ArrowUp: () => turn(0, 0.08), ArrowDown: () => turn(0, -0.08),
        "+": () => zoom(0.85), "=": () => zoom(0.85), "-": () => zoom(1.18), "0": () => look("work"), " ": () => setPlaying(!playing),
      }[event.key];
      if (act) { event.preventDefault(); act(); }
    });
    for (const button of document.querySelectorAll("[data-look]"))
      button.addEventListener("click", () => { follow = byId("follow").checked = false; look(button.dataset.look); });
    byId("follow").addEventListener("change", (event) => {
      follow = event.target.checked;
      if (follow) { camera.distance = Math.min(camera.distance, 22); if (now >= scene.end_s) seek(0); }
      draw();
    });

    const recolor = () => { readColors(); draw(); };
    window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", recolor);
    window.addEventListener("beforeprint", () => { document.documentElement.classList.add("printing"); readColors(); paint(); });
    window.addEventListener("afterprint", () => { document.documentElement.classList.remove("printing"); recolor(); });
    new ResizeObserver(() => { if (!moved && wanted) look(wanted); else draw(); }).observe(canvas);
    listeners.push(draw);
    readColors();
    look("work");
  }
  byId("transport").hidden = false;
  for (const listen of listeners) listen();
})();
