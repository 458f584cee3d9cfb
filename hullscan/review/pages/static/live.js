// Live mode: a mission in flight. It shows what the server tells, and asks; nothing here can reach the vehicle.
import { ask, at, element, facts, fill, isReader, say, sayDone, words } from "./ask.js";

const STATE_EVERY_MS = 600;
const RATE_OVER_MS = 3000;
const SAME = 0.012; // of the map
const STEP = 0.02; // of the map, for each press of an arrow
const state = { flight: null, told: null, version: "0", drawn: [], at: null, shown: false };

export const onLive = () => state.shown;

export function showLive(shown) {
  state.shown = shown;
  if (shown) refreshLive();
}

export function chooseFlight(name) {
  if (state.flight !== name) Object.assign(state, { flight: name, told: null, version: "0", drawn: [], at: null });
}

const visible = () => state.shown && state.flight && document.visibilityState === "visible";
const pause = (ms) => new Promise((done) => { setTimeout(done, ms); });

// ---------------------------------------------------------------- pictures

async function film() {
  for (;;) {
    if (!visible() || !state.told?.now) { await pause(200); continue; }
    try {
      const answer = await fetch(`/live-picture/${state.flight}?after=${state.version}`);
      if (answer.status === 200) await draw(answer);
      else if (answer.status !== 204) await pause(1000);
    } catch { await pause(1000); }
  }
}

async function draw(answer) {
  state.version = answer.headers.get("X-Picture");
  const picture = await createImageBitmap(await answer.blob());
  const canvas = at("live-picture");
  if (canvas.width !== picture.width || canvas.height !== picture.height) Object.assign(canvas, { width: picture.width, height: picture.height });
  canvas.getContext("2d").drawImage(picture, 0, 0);
  picture.close();
  state.drawn.push(performance.now());
}

function rate() {
  const now = performance.now();
  state.drawn = state.drawn.filter((when) => now - when < RATE_OVER_MS);
  return state.drawn.length / (RATE_OVER_MS / 1000);
}

// ---------------------------------------------------------------- what is told

export async function refreshLive() {
  if (!visible()) return;
  try {
    const told = await ask(`/api/live/${state.flight}`);
    const before = state.told;
    state.told = told;
    show(told);
    if (told.phase === "ready" && before && before.phase !== "ready") document.dispatchEvent(new Event("desk:refresh"));
  } catch (error) { say(error.message); }
}

function show(told) {
  const { now } = told;
  at("live").dataset.phase = told.phase;
  at("live-ship").textContent = told.ship;
  at("live-idle").hidden = Boolean(now);
  at("live-now").hidden = !now;
  at("live-idle-words").textContent = told.phase_words;
  at("live-read").hidden = told.phase !== "ready";
  const silent = told.phase === "silent";
  at("live-badge").textContent = silent ? fill(words.live_silent, { seconds: told.silent_s }) : words.live_badge;
  at("live-badge").className = silent ? "silent" : "";
  at("live-state").textContent = now ? now.state_words : told.phase === "ready" ? words.live_ended : "";
  if (!now) return;
  at("live-leg").textContent = now.holding ? fill(words.live_holding, { words: now.holding }) : now.leg_words;
  at("live-leg").className = now.holding ? "holding" : "";
  at("live-time").textContent = fill(words.live_time, { flown: clock(now.after_s), left: clock(Math.max(now.window_s - now.after_s, 0)) });
  bar("live-lanes", now.survey_share, percent(now.survey_share));
  bar("live-seen", now.asked_m2 ? now.seen_m2 / now.asked_m2 : 0, `${now.seen_m2.toFixed(0)} / ${now.asked_m2.toFixed(0)} m²`);
  at("live-rate").textContent = `${rate().toFixed(1)}/s`;
  at("live-rate").dataset.rate = rate().toFixed(2);
  numbers(now);
  map(now.map, told);
  requests(told);
  findings(told);
  events(told);
}

const clock = (seconds) => `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, "0")}`;
const percent = (share) => `${Math.round(100 * share)} %`;
const figure = (value, digits, unit) => (value === null ? "–" : `${value.toFixed(digits)} ${unit}`);

// mission time is mapped from the vehicle's: what was just heard may come a moment from ahead
const age = (seconds) => (seconds === null ? null : Math.max(seconds, 0));

function bar(id, share, text) {
  const box = at(id);
  box.querySelector("i").style.width = `${Math.min(Math.max(share, 0), 1) * 100}%`;
  box.querySelector("b").textContent = text;
}

function numbers(now) {
  const rows = [
    [words.live_range, figure(now.range_m, 2, "m"), now.range_m !== null && now.range_m - 0.1 < now.least_m],
    [words.depth, figure(now.depth_m, 1, "m")],
    [words.live_speed, figure(now.speed_mps, 2, "m/s")],
    [words.live_battery, figure(now.battery_v, 1, "V"), now.battery_v !== null && now.battery_v < now.battery_limit_v + 0.4],
    [words.live_place, figure(now.sigma_along_m, 2, "m"), now.sigma_along_m > 1],
    [words.live_tether, now.tether_m === null ? "–" : `${now.tether_m.toFixed(0)} / ${now.tether_limit_m.toFixed(0)} m`],
    [words.live_link, figure(age(now.link_age_s), 1, "s"), now.link_age_s > 1],
    [words.live_video, figure(age(now.video_age_s), 1, "s"), now.video_age_s > 1],
  ];
  const list = at("live-numbers");
  if (list.childElementCount !== rows.length) {
    list.replaceChildren(...rows.map(() => element("div", {}, element("dt"), element("dd"))));
  }
  rows.forEach(([name, value, wrong], number) => {
    const [term, told] = list.children[number].children;
    term.textContent = name;
    told.textContent = (wrong ? "▲ " : "") + value;
    list.children[number].className = wrong ? "wrong" : "";
  });
}

// ---------------------------------------------------------------- map


function map(drawn, told) {
  const canvas = at("live-cells");
  if (canvas.width !== drawn.columns) Object.assign(canvas, { width: drawn.columns, height: drawn.rows });
  const style = getComputedStyle(document.documentElement);
  const colours = Object.fromEntries([[1, "--hull"], [2, "--unseen"], [3, "--seen"]].map(([kind, name]) => [kind, rgb(style.getPropertyValue(name))]));
  const pixels = new ImageData(drawn.columns, drawn.rows);
  for (let each = 0; each < drawn.kinds.length; each += 1) {
    const colour = colours[drawn.kinds[each]];
    if (colour) pixels.data.set(colour, 4 * each);
  }
  canvas.getContext("2d").putImageData(pixels, 0, 0);
  at("live-track").firstElementChild.setAttribute("points", drawn.track.map(([x, y]) => `${1000 * x},${1000 * y}`).join(" "));
  const marks = [];
  const mark = (kind, place, text = "") => { marks.push(placed(element("span", { className: kind, textContent: text }), place)); };
  (told.findings ?? []).forEach((each, number) => mark(number === chosen(told) ? "found chosen" : "found", each.at, String(number + 1)));
  for (const each of told.requests) if (["waiting", "accepted"].includes(each.state)) mark("wanted", each.at);
  if (drawn.track.length) mark("vehicle", drawn.track.at(-1));
  if (state.at && isReader) mark("cursor", state.at);
  at("live-marks").replaceChildren(...marks);
  const [first, last] = drawn.stations_m;
  const step = [1, 2, 5, 10, 20, 50].find((each) => (last - first) / each < 14) ?? 100;
  const ticks = [];
  for (let station = Math.ceil(first / step) * step; station <= last; station += step) {
    ticks.push(placed(element("span", { textContent: `${station}` }), [(station - first) / (last - first), 0]));
  }
  at("live-ticks").replaceChildren(...ticks, element("em", { textContent: words.live_station }));
  at("live-sides").replaceChildren(...drawn.side_words.map((side) => element("span", { textContent: side })));
}

function placed(made, [x, y]) {
  made.style.left = `${100 * x}%`;
  made.style.top = `${100 * y}%`;
  return made;
}

function rgb(text) {
  const value = Number.parseInt(text.trim().slice(1), 16);
  return [value >> 16, (value >> 8) & 255, value & 255, 255];
}

// ---------------------------------------------------------------- close-ups

function point(place) {
  state.at = place.map((share) => Math.min(Math.max(share, 0), 1));
  if (state.told?.now) { map(state.told.now.map, state.told); requests(state.told); }
}

function requests(told) {
  const box = at("live-ask");
  box.hidden = !isReader;
  const button = at("live-send");
  button.disabled = !state.at || told.busy || told.phase !== "flying";
  at("live-ask-hint").textContent = told.busy ? words.live_busy : state.at ? words.live_ask_ready : words.live_ask_hint;
  const rows = told.requests.map((each) => element("li", { className: `is-${each.state}` },
    element("b", { textContent: `${facts.role === "supervisor" ? `${each.asked_by} · ` : ""}${each.side}, ${each.station_m.toFixed(1)} m, ${words.depth} ${each.depth_m.toFixed(1)} m` }),
    element("small", { textContent: each.words })));
  keep(at("live-requests"), rows);
  at("live-requests-box").hidden = !isReader && !rows.length;
}

// what stays the same is not drawn again: that would take the focus away
function keep(list, rows) {
  const now = rows.map((row) => row.outerHTML).join("");
  if (list.dataset.now === now) return;
  list.dataset.now = now;
  list.replaceChildren(...rows);
}

async function send() {
  if (!isReader || !state.at || at("live-send").disabled) return;
  at("live-send").disabled = true;
  try {
    await ask("/api/ask-close-up", { flight: state.flight, at: state.at });
    sayDone(words.live_asked);
  } catch (error) { say(error.message); }
  await refreshLive();
}

// ---------------------------------------------------------------- findings

function findings(told) {
  at("live-hidden").hidden = !told.may_show_flags;
  at("live-findings-box").hidden = !told.may_show_flags && !told.findings;
  const found = told.findings ?? [];
  at("live-none").hidden = !told.findings || found.length > 0;
  const list = at("live-findings");
  const rows = found.map((each, number) => {
    const where = `${each.side}, ${each.station_m.toFixed(1)} m, ${words.depth} ${each.depth_m.toFixed(1)} m ± ${each.radius95_m.toFixed(1)}`;
    const button = element("button", { type: "button" }, element("b", { textContent: String(number + 1) }),
      each.picture ? element("img", { src: each.picture, alt: "" }) : null,
      element("span", {}, element("strong", { textContent: each.label + (each.score === null ? "" : ` ${each.score.toFixed(2)}`) }), element("small", { textContent: where })));
    button.setAttribute("aria-pressed", number === chosen(told) ? "true" : "false");
    button.dataset.number = number;
    return element("li", {}, button);
  });
  keep(list, rows);
}

// the flag that is pointed at: their order changes as they come
const chosen = (told) => (state.at ? (told.findings ?? []).findIndex(({ at: [x, y] }) => Math.hypot(x - state.at[0], y - state.at[1]) < SAME) : -1);

function choose(number) {
  const found = state.told?.findings ?? [];
  if (!found.length) return;
  point(found[(number + found.length) % found.length].at);
  findings(state.told);
}

function events(told) {
  at("live-events-box").hidden = !told.events;
  keep(at("live-events"), (told.events ?? []).toReversed().map((each) => element("li", {}, element("b", { textContent: clock(each.after_s) }), element("span", { textContent: each.words }))));
}

async function showFlags() {
  try {
    await ask("/api/show-flags", { flight: state.flight });
  } catch (error) { say(error.message); }
  await refreshLive();
}

// ---------------------------------------------------------------- hands

const ARROWS = { arrowleft: [-STEP, 0], arrowright: [STEP, 0], arrowup: [0, -3 * STEP], arrowdown: [0, 3 * STEP] };

function vehicle() {
  const track = state.told?.now?.map.track ?? [];
  if (track.length) point(track.at(-1));
}

// true when the key was for this page
export function liveKey(key) {
  if (!state.told?.now) return false;
  if (ARROWS[key] && isReader) {
    const [x, y] = state.at ?? [0.5, 0.5];
    point([x + ARROWS[key][0], y + ARROWS[key][1]]);
  } else if (key === "w" && isReader) vehicle();
  else if (key === "e" && isReader) send();
  else if (key === "j" || key === "k") choose(chosen(state.told) + (key === "j" ? 1 : -1));
  else return false;
  return true;
}

export function startLive(read) {
  at("live-map").addEventListener("click", (event) => {
    if (!isReader) return;
    const frame = at("live-cells").getBoundingClientRect();
    point([(event.clientX - frame.left) / frame.width, (event.clientY - frame.top) / frame.height]);
  });
  at("live-findings").addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (button) choose(Number(button.dataset.number));
  });
  at("live-send").addEventListener("click", send);
  at("live-here").addEventListener("click", vehicle);
  at("live-show").addEventListener("click", showFlags);
  at("live-read").addEventListener("click", () => read(state.flight));
  film();
  setInterval(refreshLive, STATE_EVERY_MS);
}
