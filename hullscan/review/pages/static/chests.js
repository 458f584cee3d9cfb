// The checklist of sea chests, and whether the ship may be called clear.
import { ask, at, element, facts, fill, isReader, say, words } from "./ask.js";

const state = { mission: null, open: null, looked: 0, shown: "" };

export async function refreshChests(mission) {
  if (!mission) return;
  const { chests } = await ask(`/api/chests/${mission.name}`);
  showShip(mission, chests);
  const now = JSON.stringify([mission.name, chests]);
  if (now === state.shown) return;
  state.shown = now;
  state.mission = mission.name;
  at("chests").replaceChildren(...chests.map((chest) => card(mission, chest)));
}

function showShip(mission, chests) {
  const box = at("verdict-on-ship");
  const missing = mission.not_clear ?? chests.flatMap((chest) => chest.missing.map((why) => [chest.id, why]));
  const lines = [];
  if (!chests.length) lines.push(element("p", { textContent: words.no_chests }));
  if (mission.signed_off_by) {
    box.className = missing.length ? "not-clear" : "clear";
    lines.unshift(element("strong", { textContent: missing.length ? words.ship_not_clear : words.ship_clear }));
  } else {
    box.className = "open";
    lines.unshift(element("strong", { textContent: words.ship_open }));
  }
  const byWhy = Map.groupBy ? Map.groupBy(missing, ([, why]) => why) : group(missing);
  const list = element("ul");
  for (const [why, ids] of byWhy) list.append(element("li", { textContent: `${why}: ${ids.map(([id]) => id).join(", ")}` }));
  if (missing.length) lines.push(list);
  box.replaceChildren(...lines);
}

function group(pairs) {
  const found = new Map();
  for (const pair of pairs) found.set(pair[1], [...(found.get(pair[1]) ?? []), pair]);
  return found;
}

function card(mission, chest) {
  const made = element("article", { className: "chest" });
  const title = `${chest.id} · ${chest.side}, ${chest.station_m.toFixed(1)} m, ${words.depth} ${chest.depth_m.toFixed(1)} m`;
  made.append(element("h2", { textContent: title }));
  const pictures = element("div", { className: "chest-pictures" });
  chest.pictures.forEach((picture, number) => pictures.append(framed(picture, fill(words.chest_picture, { id: chest.id, number: number + 1 }))));
  if (!chest.pictures.length) pictures.append(element("p", { className: "nothing", textContent: words.chest_unseen }));
  made.append(pictures);
  const near = chest.nearest_m === null ? "–" : `${chest.nearest_m.toFixed(1)} m`;
  made.append(element("ul", { className: "checks" },
    check(chest.dwelt, `${words.dwell}: ${chest.dwell_s.toFixed(0)} s`),
    check(chest.close_up, `${words.close_up}: ${near} (≤ ${chest.least_m.toFixed(1)} m)`),
    check(chest.clear === true, chest.signed_by ? fill(chest.clear ? words.chest_clear_by : words.chest_not_clear_by, { name: chest.signed_by }) : words.no_signature)));
  if (chest.note) made.append(element("p", { className: "note", textContent: chest.note }));
  if (isReader && chest.pictures.length && !chest.signed_by && !mission.signed_off_by) made.append(signing(mission, chest));
  return made;
}

// a picture with the chest's place in it, as far as the track tells
function framed(picture, alt) {
  const image = element("img", { src: picture.address, loading: "lazy", alt });
  const holder = element("div", { className: "framed" }, image);
  image.addEventListener("load", () => {
    const mark = element("i");
    const [x0, y0, x1, y1] = picture.box;
    const share = (value, whole) => `${(100 * value) / whole}%`;
    mark.style.left = share(x0, image.naturalWidth);
    mark.style.top = share(y0, image.naturalHeight);
    mark.style.width = share(x1 - x0, image.naturalWidth);
    mark.style.height = share(y1 - y0, image.naturalHeight);
    holder.append(mark);
  });
  return holder;
}

function check(good, text) {
  return element("li", { className: good ? "good" : "missing" },
    element("span", { className: "mark", textContent: good ? "✓" : "✗", ariaHidden: "true" }), text);
}

function signing(mission, chest) {
  const box = element("div", { className: "signing" });
  const look = element("button", { type: "button", textContent: words.look_at_chest, disabled: !chest.pictures.length });
  const wait = element("p", { className: "wait" });
  const note = element("input", { type: "text", maxLength: 2000, placeholder: words.note, ariaLabel: words.note });
  const clear = element("button", { type: "button", className: "primary", textContent: words.sign_clear, disabled: true });
  const not = element("button", { type: "button", textContent: words.sign_not_clear, disabled: true });
  const give = async (good) => {
    try {
      await ask("/api/sign-chest", { mission: mission.name, place: chest.id, clear: good, note: note.value });
      state.open = null;
    } catch (error) { say(error.message); }
    state.shown = "";
    document.dispatchEvent(new Event("desk:refresh"));
  };
  look.addEventListener("click", async () => {
    try {
      state.looked = (await ask("/api/open", { mission: mission.name, place: chest.id })).looked_s;
    } catch (error) { say(error.message); return; }
    const film = element("video", { src: chest.clip, controls: true, loop: true, muted: true, autoplay: true, playsInline: true, ariaLabel: words.film });
    look.replaceWith(film);
    state.open = { chest: chest.id, mission: mission.name, update: () => {
      const left = Math.max(facts.least_s - state.looked, 0);
      wait.textContent = left > 0 ? fill(words.look_first, { seconds: Math.ceil(left) }) : "";
      clear.disabled = left > 0;
      not.disabled = left > 0;
    } };
    state.open.update();
  });
  clear.addEventListener("click", () => give(true));
  not.addEventListener("click", () => give(false));
  box.append(look, wait, note, element("div", { className: "buttons" }, clear, not));
  return box;
}

export async function tickChest() {
  if (!state.open) return;
  state.looked = (await ask("/api/tick", { mission: state.open.mission, place: state.open.chest })).looked_s;
  state.open.update();
}
