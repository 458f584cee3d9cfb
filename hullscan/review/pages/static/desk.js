// The reading desk's page. The rules (who may read, how long, who sees what) are the server's; this only shows and asks.
const facts = JSON.parse(document.body.dataset.facts);
const words = facts.words;
const at = (id) => document.getElementById(id);
const KEYS = { p: "parcel", t: "tell_tale", f: "fitting", g: "growth", u: "unclear" };
const state = { missions: [], place: null, picture: 0, looked: 0, taking: false };

const fill = (message, data) => message.replace(/\{(\w+)\}/g, (_, name) => data[name]);

function element(tag, properties = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

async function ask(address, body) {
  const language = `lang=${facts.language}`;
  const target = address + (address.includes("?") ? "&" : "?") + language;
  const options = body === undefined ? {} : {
    method: "POST",
    headers: { "Content-Type": "application/json", "X-Hullscan-Desk": "1" },
    body: JSON.stringify(body),
  };
  let answer;
  try {
    answer = await fetch(target, options);
  } catch {
    at("said").textContent = words.lost;
    throw new Error(words.lost);
  }
  const content = await answer.json().catch(() => ({ error: answer.statusText }));
  if (!answer.ok) throw new Error(content.error ?? answer.statusText);
  return content;
}

// ---------------------------------------------------------------- queue

async function refresh() {
  state.missions = (await ask("/api/queue")).missions;
  const queue = at("queue");
  queue.replaceChildren();
  let left = 0;
  let all = 0;
  for (const mission of state.missions) {
    queue.append(element("h2", { textContent: mission.ship }));
    const said = mission.signed_off_by ? fill(words.signed_off, { name: mission.signed_off_by })
      : fill(words.closed_of, { closed: mission.closed, all: mission.places.length });
    queue.append(element("p", { className: "sub", textContent: `${mission.date} · ${said}` }));
    if (!mission.places.length) queue.append(element("p", { className: "sub", textContent: words.nothing_found }));
    for (const place of mission.places) {
      all += 1;
      left += place.mine;
      queue.append(row(mission, place));
    }
    if (facts.role === "supervisor" && !mission.signed_off_by) {
      const sign = element("button", { className: "sign", textContent: words.sign_off });
      sign.disabled = mission.closed < mission.places.length;
      sign.addEventListener("click", () => signOff(mission));
      queue.append(sign);
    }
  }
  at("progress").textContent = facts.role !== "reader" ? ""
    : left ? `${words.to_read}: ${left} / ${all}` : words.nothing_left;
}

function row(mission, place) {
  const button = element("button", { className: "place", type: "button" });
  const standing = facts.role === "reader" ? (place.mine ? words.to_read : place.standing_words || words.read) : place.standing_words;
  button.append(element("b", { textContent: place.id }));
  button.append(element("em", { textContent: standing, className: place.mine ? "mine" : "" }));
  let where = `${place.side}, ${place.station_m.toFixed(1)} m, ${words.depth} ${place.depth_m.toFixed(1)} m`;
  if (place.open?.length) where += ` · ${fill(words.open_by, { names: place.open.join(", ") })}`;
  button.append(element("small", { textContent: where }));
  const open = state.place && state.place.mission === mission.name && state.place.id === place.id;
  button.setAttribute("aria-current", open ? "true" : "false");
  button.addEventListener("click", () => show(mission.name, place.id));
  return button;
}

async function signOff(mission) {
  try {
    const { sealed } = await ask("/api/sign-off", { mission: mission.name });
    at("said").textContent = fill(words.sealed, { name: sealed });
  } catch (error) {
    at("said").textContent = error.message;
  }
  await refresh();
}

function step(by) {
  const places = state.missions.flatMap((mission) => mission.places.map((place) => [mission.name, place.id, place.mine]));
  const here = places.findIndex(([mission, id]) => state.place?.mission === mission && state.place?.id === id);
  const start = here < 0 ? (by > 0 ? -1 : places.length) : here;
  const order = places.map((_, n) => places[(start + by * (n + 1) + 2 * places.length) % places.length]);
  const next = order.find(([, , mine]) => mine) ?? order[0]; // what is to be read comes first
  if (next) show(next[0], next[1]);
}

// ---------------------------------------------------------------- one place

async function show(mission, id) {
  at("said").textContent = "";
  try {
    state.place = await ask(`/api/place/${mission}/${id}`);
    if (state.place.mine) state.looked = (await ask("/api/open", { mission, place: id })).looked_s;
  } catch (error) {
    at("said").textContent = error.message;
    return;
  }
  for (const name of ["stage", "strip", "tools"]) at(name).hidden = false;
  at("empty").hidden = true;
  for (const [name, value] of [["zoom", 1], ["bright", 1], ["contrast", 1]]) at(name).value = value;
  adjust();
  showFacts();
  showPictures();
  const clip = at("clip");
  clip.src = state.place.clip;
  clip.play().catch(() => {});
  await showMap(mission, id);
  showForm();
  await refresh();
}

// the map has one circle for each finding, in the order of the queue
async function showMap(mission, id) {
  at("map").innerHTML = await (await fetch(`/map/${mission}?lang=${facts.language}`)).text();
  const places = state.missions.find((each) => each.name === mission).places;
  at("map").querySelectorAll("circle")[places.findIndex((each) => each.id === id)]?.classList.add("here");
}

function showFacts() {
  const place = state.place;
  const rows = [
    [words.station, `${place.station_m.toFixed(1)} m${place.frame ? ` (${place.frame})` : ""}`],
    [words.depth, `${place.depth_m.toFixed(1)} m`],
    [words.size, `≈ ${place.size_m.toFixed(1)} m`],
    [words.radius, `${place.radius95_m.toFixed(2)} m`],
    [words.looks, String(place.views)],
    [words.landmark, place.landmark],
    [words.score, place.score === null ? words.hidden : place.score.toFixed(2)],
  ];
  const list = element("dl");
  for (const [name, value] of rows) list.append(element("dt", { textContent: name }), element("dd", { textContent: value }));
  const title = place.label ? `${place.id} · ${place.label}` : place.id;
  at("facts").replaceChildren(element("h2", { textContent: `${title} · ${place.side}` }), list);
  const table = element("table");
  for (const each of place.readings) {
    table.append(element("tr", {}, element("td", { textContent: each.reader }),
      element("td", { textContent: `${words[each.verdict]} (${each.confidence}/5)` }), element("td", { textContent: each.note })));
  }
  at("readings").replaceChildren(...(place.readings.length ? [table] : []));
}

function showPictures() {
  const strip = at("strip");
  strip.replaceChildren();
  state.place.pictures.forEach((picture, number) => {
    const image = element("img", { src: picture.address, alt: `${number + 1}` });
    const button = element("button", { type: "button" }, image, `${picture.utc} · ${picture.range_m.toFixed(1)} m`);
    button.addEventListener("click", () => choose(number));
    strip.append(button);
  });
  choose(0);
}

function choose(number) {
  const pictures = state.place.pictures;
  if (!pictures.length) return;
  state.picture = (number + pictures.length) % pictures.length;
  const picture = pictures[state.picture];
  at("picture").src = picture.address;
  at("picture").alt = `${state.place.id} ${state.picture + 1}`;
  const [x0, y0, x1, y1] = picture.box;
  const drawing = at("box");
  drawing.setAttribute("viewBox", `0 0 ${picture.width} ${picture.height}`);
  drawing.setAttribute("preserveAspectRatio", "none");
  const rect = drawing.firstElementChild;
  for (const [name, value] of [["x", x0], ["y", y0], ["width", x1 - x0], ["height", y1 - y0]]) rect.setAttribute(name, value);
  const shot = at("shot");
  shot.style.setProperty("--ox", `${(50 * (x0 + x1)) / picture.width}%`);
  shot.style.setProperty("--oy", `${(50 * (y0 + y1)) / picture.height}%`);
  shot.style.aspectRatio = `${picture.width} / ${picture.height}`;
  [...at("strip").children].forEach((child, index) => child.setAttribute("aria-current", index === state.picture ? "true" : "false"));
}

function adjust() {
  for (const name of ["zoom", "bright", "contrast"]) at("stage").style.setProperty(`--${name}`, at(name).value);
  at("box").classList.toggle("off", !at("boxed").checked);
}

// ---------------------------------------------------------------- verdict

function buildForm() {
  facts.verdicts.forEach((verdict) => {
    const input = element("input", { type: "radio", name: "verdict", value: verdict });
    const key = Object.keys(KEYS).find((each) => KEYS[each] === verdict);
    at("verdicts").append(element("label", {}, input, words[verdict], element("kbd", { textContent: key.toUpperCase() })));
  });
  const scale = element("div");
  for (let value = 1; value <= 5; value += 1) {
    scale.append(element("label", {}, element("input", { type: "radio", name: "confidence", value }), ` ${value}`));
  }
  at("confidence").append(scale);
}

function showForm() {
  const form = at("form");
  form.hidden = !state.place.mine;
  form.reset();
  if (!state.place.mine && facts.role === "reader") at("said").textContent = words.given;
  ready();
}

const chosen = (name) => at("form").elements[name].value;

function ready() {
  const left = Math.max(facts.least_s - state.looked, 0);
  at("bar").firstElementChild.style.width = `${Math.min((100 * state.looked) / facts.least_s, 100)}%`;
  at("bar").setAttribute("aria-valuenow", Math.round(Math.min((100 * state.looked) / facts.least_s, 100)));
  at("wait").textContent = left > 0 ? fill(words.look_first, { seconds: Math.ceil(left) }) : "";
  at("take").disabled = state.taking || left > 0 || !chosen("verdict") || !chosen("confidence");
}

async function take() {
  if (at("take").disabled) return;
  state.taking = true;
  ready();
  const { mission, id } = state.place;
  try {
    await ask("/api/verdict", {
      mission, place: id, verdict: chosen("verdict"), confidence: Number(chosen("confidence")), note: at("note").value,
    });
    state.looked = 0;
    const next = state.missions.flatMap((each) => each.places.map((place) => [each.name, place]))
      .find(([name, place]) => place.mine && !(name === mission && place.id === id));
    if (next) await show(next[0], next[1].id);
    else await show(mission, id);
    at("said").textContent = words.taken;
  } catch (error) {
    at("said").textContent = error.message;
  } finally {
    state.taking = false;
    ready();
  }
}

// a hidden tab or another window in front earns no reading time
setInterval(async () => {
  if (!state.place?.mine || document.visibilityState !== "visible" || !document.hasFocus()) return;
  try {
    state.looked = (await ask("/api/tick", { mission: state.place.mission, place: state.place.id })).looked_s;
    ready();
  } catch { /* said already */ }
}, 1000);

// ---------------------------------------------------------------- hands

function nudge(name, by) {
  const input = at(name);
  input.value = Number(input.value) + by;
  adjust();
}

const ACTIONS = {
  j: () => step(1), k: () => step(-1), ",": () => choose(state.picture - 1), ".": () => choose(state.picture + 1),
  "+": () => nudge("zoom", 0.5), "=": () => nudge("zoom", 0.5), "-": () => nudge("zoom", -0.5),
  b: () => nudge("bright", 0.2), d: () => nudge("bright", -0.2),
  x: () => { at("boxed").checked = !at("boxed").checked; adjust(); },
  v: () => { const clip = at("clip"); if (clip.paused) clip.play(); else clip.pause(); },
  n: () => at("note").focus(), enter: take,
};

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey) return;
  const key = event.key.toLowerCase();
  if (event.target.tagName === "TEXTAREA") {
    if (key === "escape") event.target.blur();
    return;
  }
  if (key === "enter" && event.target.tagName === "BUTTON" && event.target.id !== "take") return;
  if (state.place?.mine && (KEYS[key] || /^[1-5]$/.test(key))) {
    const [name, value] = KEYS[key] ? ["verdict", KEYS[key]] : ["confidence", key];
    at("form").querySelector(`input[name="${name}"][value="${value}"]`).checked = true;
    ready();
    event.preventDefault();
    return;
  }
  if (ACTIONS[key] && (state.place || "jk".includes(key))) {
    event.preventDefault();
    ACTIONS[key]();
  }
});
at("form").addEventListener("submit", (event) => { event.preventDefault(); take(); });
at("form").addEventListener("change", ready);
for (const name of ["zoom", "bright", "contrast", "boxed"]) at(name).addEventListener("input", adjust);
at("clip").addEventListener("error", async () => {
  if (!state.place) return;
  const answer = await fetch(state.place.clip).catch(() => null);
  const content = answer && !answer.ok ? await answer.json().catch(() => ({})) : {};
  if (content.error) at("said").textContent = fill(words.clip_missing, { words: content.error });
});

buildForm();
await refresh();
setInterval(refresh, 5000);
