// The reading desk's page. The rules (who may read, how long, who sees what) are the server's; this only shows and asks.
import { ask, at, element, facts, fill, isReader, isSupervisor, say, sayDone, select, words } from "./ask.js";
import { refreshChests, tickChest } from "./chests.js";
import { refreshInbox, watchFilters } from "./inbox.js";
import { chooseFlight, liveKey, onLive, showLive, startLive } from "./live.js";
import { refreshMeasures } from "./measures.js";

const KEYS = { p: "parcel", t: "tell_tale", f: "fitting", g: "growth", h: "plating", u: "unclear" };
const FRAME_S = 0.1; // a clip of ten pictures a second and faster moves on by one with each step
const state = { view: "", mission: null, places: [], place: null, picture: 0, looked: 0, taking: false, supervised: "", turn: 0 };

// ---------------------------------------------------------------- views

function view(name) {
  if (["read", "chests"].includes(name) && !state.mission) name = "inbox";
  if (state.view !== name) say("");
  state.view = name;
  for (const page of document.querySelectorAll(".page")) page.hidden = page.dataset.page !== name;
  for (const button of at("views").children) button.setAttribute("aria-current", button.dataset.view === name ? "page" : "false");
  if (facts.flights) showLive(name === "live");
  return refresh();
}

function openFlight(name) {
  chooseFlight(name);
  return view("live");
}

async function openMission(name) {
  if (state.mission?.name !== name) {
    state.place = null;
    state.turn += 1;
    state.supervised = "";
    at("rows").replaceChildren();
    for (const part of ["stage", "strip", "tools", "form"]) at(part).hidden = true;
    at("empty").hidden = false;
    for (const part of ["facts", "readings"]) at(part).replaceChildren();
    state.mission = { name };
    await showMap(name);
  }
  await view("read");
  if (!state.place) step(1);
}

async function refresh() {
  try {
    if (state.view === "inbox") await refreshInbox(openMission, openFlight);
    if (state.view === "measures") await refreshMeasures();
    if (state.mission) await refreshQueue();
    if (state.view === "chests") await refreshChests(state.mission);
  } catch (error) { say(error.message); }
}

// ---------------------------------------------------------------- queue

async function refreshQueue() {
  const { mission, places } = await ask(`/api/queue/${state.mission.name}`);
  state.mission = mission;
  state.places = places;
  const said = mission.signed_off_by ? fill(words.signed_off, { name: mission.signed_off_by })
    : fill(words.closed_of, { closed: mission.closed, all: mission.all });
  at("mission").replaceChildren(element("h2", { textContent: mission.ship }),
    element("p", { className: "sub", textContent: [mission.date, mission.port].filter(Boolean).join(" · ") }),
    element("p", { className: "sub", textContent: said }),
    ...mission.notices.map((notice) => element("p", { className: "notice", textContent: notice })));
  if (!places.length) at("empty").textContent = words.nothing_found;
  const sifts = isSupervisor ? ["all", "unread", "disagreeing", "escalated"] : isReader ? ["all", "mine"] : ["all"];
  if (!at("sift").options.length) select(at("sift"), sifts.map((each) => [each, words[`state_${each}`]]));
  drawRows();
  const left = places.filter((place) => place.mine).length;
  at("progress").textContent = !isReader || mission.signed_off_by ? "" : left ? `${words.to_read}: ${left} / ${places.length}` : words.nothing_left;
  if (isSupervisor) supervise(mission);
}

const sifted = () => state.places.filter((place) => {
  const by = at("sift").value;
  return by === "all" || (by === "mine" ? place.mine : place.standing === by || (by === "unread" && place.standing === "read once"));
});

// rows stay where they are and only change: drawing them again would take the focus away
function drawRows() {
  const rows = at("rows");
  const wanted = sifted();
  const ids = wanted.map((place) => place.id).join();
  if (rows.dataset.ids !== ids || rows.childElementCount !== wanted.length) {
    rows.replaceChildren(...wanted.map((place) => {
      const button = element("button", { className: "place", type: "button" }, element("b"), element("em"), element("small"));
      button.addEventListener("click", () => show(place.id));
      return button;
    }));
    rows.dataset.ids = ids;
  }
  wanted.forEach((place, number) => {
    const [name, standing, where] = rows.children[number].children;
    name.textContent = place.id;
    standing.textContent = isReader ? (place.mine ? words.to_read : place.standing_words || (place.read ? words.read : "–")) : place.standing_words;
    standing.className = place.mine ? "mine" : `is-${place.standing ?? ""}`;
    where.textContent = `${place.side}, ${place.station_m.toFixed(1)} m, ${words.depth} ${place.depth_m.toFixed(1)} m`
      + (place.open?.length ? ` · ${fill(words.open_by, { names: place.open.join(", ") })}` : "");
    rows.children[number].setAttribute("aria-current", state.place?.id === place.id ? "true" : "false");
  });
}

function supervise(mission) {
  const now = JSON.stringify([mission.signed_off_by, mission.closed, mission.not_clear]);
  if (now === state.supervised) return;
  state.supervised = now;
  const sign = element("button", { className: "primary", type: "button", textContent: words.sign_off, disabled: mission.closed < mission.all });
  sign.addEventListener("click", () => signOff(mission));
  const links = mission.forms.map((form) => element("a", { href: `/export/${mission.name}/${form}?lang=${facts.language}`, textContent: words[`export_${form}`] }));
  at("supervise").replaceChildren(...(mission.signed_off_by ? [] : [sign]), element("h3", { textContent: words.hand_over }), element("ul", {}, ...links.map((link) => element("li", {}, link))));
}

async function signOff(mission) {
  try {
    const { sealed } = await ask("/api/sign-off", { mission: mission.name });
    sayDone(fill(words.sealed, { name: sealed }));
  } catch (error) { say(error.message); }
  await refresh();
}

function step(by) {
  const places = sifted();
  const here = places.findIndex((place) => place.id === state.place?.id);
  const start = here < 0 ? (by > 0 ? -1 : places.length) : here;
  const order = places.map((_, n) => places[(start + by * (n + 1) + 2 * places.length) % places.length]);
  const next = order.find((place) => place.mine) ?? order[0]; // what is to be read comes first
  if (next) show(next.id);
}

// ---------------------------------------------------------------- one place

async function show(id) {
  say("");
  const mission = state.mission.name;
  const turn = (state.turn += 1); // who goes on before a place is there wants the next one only
  at("form").hidden = true; // what is typed meanwhile is about neither of them
  let place;
  let looked = 0;
  try {
    place = await ask(`/api/place/${mission}/${id}`);
    if (turn !== state.turn) return;
    if (place.mine) looked = (await ask("/api/open", { mission, place: id })).looked_s;
  } catch (error) { say(error.message); return; }
  if (turn !== state.turn) return;
  state.place = place;
  state.looked = looked;
  for (const name of ["stage", "strip", "tools"]) at(name).hidden = false;
  at("empty").hidden = true;
  for (const [name, value] of [["zoom", 1], ["bright", 1], ["contrast", 1]]) at(name).value = value;
  adjust();
  showFacts();
  showPictures();
  const clip = at("clip");
  at("film").hidden = !place.clip; // there is no recording: the mission's notice says so
  at("making").hidden = !place.clip;
  if (place.clip) clip.src = place.clip;
  else clip.removeAttribute("src");
  clip.poster = place.pictures[0]?.address ?? "";
  if (place.clip) clip.play().catch(() => {});
  markPlace();
  showForm();
  await refreshQueue();
  at("rows").querySelector('[aria-current="true"]')?.scrollIntoView({ block: "nearest" });
}

async function showMap(mission) {
  const map = at("map");
  map.innerHTML = await (await fetch(`/map/${mission}?lang=${facts.language}`)).text();
  map.querySelector("image.cells").setAttribute("href", `/cells/${mission}`);
  for (const mark of map.querySelectorAll(".place")) mark.addEventListener("click", () => show(mark.dataset.place));
  const drawing = map.querySelector("svg");
  drawing.dataset.whole = drawing.getAttribute("viewBox");
  at("near").hidden = !drawing.dataset.part;
  near(Boolean(drawing.dataset.part));
}

// the part that is asked for, or the whole ship; words and marks keep their size
function near(wanted) {
  const drawing = at("map").querySelector("svg");
  if (!drawing) return;
  const close = wanted && drawing.dataset.part;
  drawing.setAttribute("viewBox", close || drawing.dataset.whole);
  at("near").setAttribute("aria-pressed", close ? "false" : "true");
  scaled();
}

function scaled() {
  const drawing = at("map").querySelector("svg");
  const pixels = (drawing?.getScreenCTM()?.a ?? 0) / (drawing?.currentCSSZoom ?? 1); // for each unit of the drawing
  if (!pixels) return;
  drawing.style.setProperty("--size", 1 / pixels);
  const { y, height } = drawing.viewBox.baseVal;
  const stations = drawing.querySelector(".scale"); // along the lower edge of what is shown
  stations.setAttribute("transform", `translate(0 ${y + height - stations.dataset.foot + Math.min(22 - 24 / pixels, 0)})`);
}

function markPlace() {
  for (const mark of at("map").querySelectorAll(".place")) {
    const here = mark.dataset.place === state.place?.id;
    mark.classList.toggle("here", here);
    if (here) mark.parentNode.append(mark); // drawn last, so above the others
  }
  scaled();
}

function showFacts() {
  const place = state.place;
  const rows = [
    [words.station, `${place.station_m.toFixed(1)} m${place.frame ? ` (${place.frame})` : ""}`],
    [words.depth, `${place.depth_m.toFixed(1)} m`],
    [words.landmark, place.landmark],
  ];
  if (place.kind) {
    rows.push([words.really, `${place.kind_words} (${place.finding})`]);
    if (place.score !== null) rows.push([words.score, place.score.toFixed(2)], [words.size, `≈ ${place.size_m.toFixed(1)} m`], [words.radius, `${place.radius95_m.toFixed(2)} m`], [words.looks, String(place.views)]);
  }
  const list = element("dl");
  for (const [name, value] of rows) list.append(element("dt", { textContent: name }), element("dd", { textContent: value }));
  at("facts").replaceChildren(element("h2", { textContent: `${place.id} · ${place.side}` }), list);
  const table = element("table");
  for (const each of place.readings) {
    table.append(element("tr", {}, element("th", { scope: "row", textContent: each.reader }),
      element("td", { textContent: `${words[each.verdict]} (${each.confidence}/5)` }), element("td", { textContent: each.note })));
  }
  at("readings").replaceChildren(...(place.readings.length ? [table] : []));
}

function showPictures() {
  const strip = at("strip");
  strip.replaceChildren();
  state.place.pictures.forEach((picture, number) => {
    const image = element("img", { src: picture.address, alt: fill(words.picture_number, { number: number + 1 }) });
    const button = element("button", { type: "button" }, image, element("span", { textContent: `${picture.utc} · ${picture.range_m.toFixed(1)} m` }));
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
  at("picture").alt = `${state.place.id}: ${fill(words.picture_number, { number: state.picture + 1 })}`;
  const [x0, y0, x1, y1] = picture.box;
  const drawing = at("box");
  drawing.setAttribute("viewBox", `0 0 ${picture.width} ${picture.height}`);
  drawing.setAttribute("preserveAspectRatio", "none");
  const rect = drawing.firstElementChild;
  for (const [name, value] of [["x", x0], ["y", y0], ["width", x1 - x0], ["height", y1 - y0]]) rect.setAttribute(name, value);
  const shot = at("shot");
  shot.style.setProperty("--ox", `${(50 * (x0 + x1)) / picture.width}%`);
  shot.style.setProperty("--oy", `${(50 * (y0 + y1)) / picture.height}%`);
  shot.style.setProperty("--aspect", picture.width / picture.height);
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
  if (!state.place.mine && state.place.readings.some((each) => each.reader === facts.person)) sayDone(words.given);
  ready();
}

const chosen = (name) => at("form").elements[name].value;

function ready() {
  const left = Math.max(facts.least_s - state.looked, 0);
  const share = facts.least_s ? Math.min((100 * state.looked) / facts.least_s, 100) : 100;
  at("bar").firstElementChild.style.width = `${share}%`;
  at("bar").setAttribute("aria-valuenow", Math.round(share));
  at("wait").textContent = left > 0 ? fill(words.look_first, { seconds: Math.ceil(left) }) : "";
  at("take").disabled = state.taking || left > 0 || !chosen("verdict") || !chosen("confidence");
}

async function take() {
  if (at("take").disabled || at("form").hidden) return;
  state.taking = true;
  ready();
  const { mission, id } = state.place;
  try {
    await ask("/api/verdict", {
      mission, place: id, verdict: chosen("verdict"), confidence: Number(chosen("confidence")), note: at("note").value,
    });
    state.looked = 0;
    const later = state.places.slice(state.places.findIndex((place) => place.id === id) + 1);
    const next = [...later, ...state.places].find((place) => place.mine && place.id !== id);
    await show(next ? next.id : id);
    sayDone(next ? words.taken : words.nothing_left);
  } catch (error) {
    say(error.message);
  } finally {
    state.taking = false;
    ready();
  }
}

// a hidden tab or another window in front earns no reading time
setInterval(async () => {
  if (document.visibilityState !== "visible" || !document.hasFocus()) return;
  try {
    if (state.view === "chests") await tickChest();
    if (state.view !== "read" || !state.place?.mine) return;
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

function stepClip(by) {
  const clip = at("clip");
  clip.pause();
  clip.currentTime = Math.max(clip.currentTime + by * FRAME_S, 0);
}

const VIEWS = { i: "inbox", l: "live", r: "read", c: "chests", m: "measures" };
const ACTIONS = {
  j: () => step(1), k: () => step(-1), ",": () => choose(state.picture - 1), ".": () => choose(state.picture + 1),
  "+": () => nudge("zoom", 0.5), "=": () => nudge("zoom", 0.5), "-": () => nudge("zoom", -0.5),
  b: () => nudge("bright", 0.2), d: () => nudge("bright", -0.2),
  x: () => { at("boxed").checked = !at("boxed").checked; adjust(); },
  v: () => { const clip = at("clip"); if (clip.paused) clip.play(); else clip.pause(); },
  "[": () => stepClip(-1), "]": () => stepClip(1),
  n: () => at("note").focus(), enter: take, z: () => at("near").click(),
};

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey) return;
  const key = event.key.toLowerCase();
  const typing = event.target.tagName === "TEXTAREA" || (event.target.tagName === "INPUT" && !["radio", "checkbox", "range"].includes(event.target.type)) || event.target.tagName === "SELECT";
  if (typing) {
    if (key === "escape") event.target.blur();
    return;
  }
  if (VIEWS[key] && document.querySelector(`[data-view="${VIEWS[key]}"]`)) {
    event.preventDefault();
    view(VIEWS[key]);
    return;
  }
  if (onLive() && liveKey(key)) event.preventDefault();
  if (state.view !== "read") return;
  if (key === "enter" && ["BUTTON", "A", "SUMMARY"].includes(event.target.tagName) && event.target.id !== "take") return;
  if (state.place?.mine && !at("form").hidden && (KEYS[key] || /^[1-5]$/.test(key))) {
    const [name, value] = KEYS[key] ? ["verdict", KEYS[key]] : ["confidence", key];
    at("form").querySelector(`input[name="${name}"][value="${value}"]`).checked = true;
    ready();
    event.preventDefault();
    return;
  }
  if (ACTIONS[key] && (state.place || "jkz".includes(key))) {
    event.preventDefault();
    ACTIONS[key]();
  }
});
for (const button of at("views").children) button.addEventListener("click", () => view(button.dataset.view));
at("form").addEventListener("submit", (event) => { event.preventDefault(); take(); });
at("form").addEventListener("change", ready);
at("sift").addEventListener("change", drawRows);
for (const name of ["zoom", "bright", "contrast", "boxed"]) at(name).addEventListener("input", adjust);
at("clip").addEventListener("loadeddata", () => { at("making").hidden = true; });
at("clip").addEventListener("error", async () => {
  at("making").hidden = true;
  if (!state.place) return;
  const answer = await fetch(state.place.clip).catch(() => null);
  const content = answer && !answer.ok ? await answer.json().catch(() => ({})) : {};
  if (content.error) say(fill(words.clip_missing, { words: content.error }));
});
document.addEventListener("desk:refresh", refresh);
at("near").addEventListener("click", () => near(at("near").getAttribute("aria-pressed") === "true"));
new ResizeObserver(scaled).observe(at("map"));

buildForm();
watchFilters(openMission, openFlight);
state.view = "inbox";
const { missions, flights } = await refreshInbox(openMission, openFlight);
if (facts.flights) {
  startLive(openMission);
  if (flights.length) chooseFlight(flights[0].name);
}
if (flights.length && !missions.length) await view("live");
else if (missions.length === 1 && missions[0].open && !flights.length) await openMission(missions[0].name);
else await view("inbox");
setInterval(refresh, 5000);
