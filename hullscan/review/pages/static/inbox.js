// All missions, with filters.
import { ask, at, element, fill, isReader, isSupervisor, meter, select, words } from "./ask.js";

const STATES = {
  all: () => true,
  mine: (mission) => mission.mine > 0,
  unread: (mission) => mission.counts?.unread > 0,
  disagreeing: (mission) => mission.counts?.disagreeing > 0,
  escalated: (mission) => mission.counts?.escalated > 0,
  ready: (mission) => !mission.signed_off_by && mission.closed === mission.all,
  signed: (mission) => Boolean(mission.signed_off_by),
};
let missions = [];
let flights = [];
let shown = "";

export async function refreshInbox(open, watch) {
  const told = await ask("/api/inbox");
  ({ missions, flights } = told);
  const states = isSupervisor ? ["all", "unread", "disagreeing", "escalated", "ready", "signed"]
    : isReader ? ["all", "mine", "signed"] : ["all", "signed"];
  if (!at("state").options.length) select(at("state"), states.map((state) => [state, words[`state_${state}`]]));
  const ports = [...new Set(missions.map((mission) => mission.port))].sort();
  if (at("port").options.length !== ports.length + 1) select(at("port"), [["", words.any], ...ports.map((port) => [port, port])]);
  draw(open, watch);
  return told;
}

function fits(mission) {
  const ship = at("ship").value.trim().toLowerCase();
  return STATES[at("state").value](mission) && (!ship || mission.ship.toLowerCase().includes(ship))
    && (!at("port").value || mission.port === at("port").value)
    && (!at("from").value || mission.date >= at("from").value) && (!at("to").value || mission.date <= at("to").value);
}

export function draw(open, watch) {
  const fitting = missions.filter(fits).sort((a, b) => b.date.localeCompare(a.date) || a.ship.localeCompare(b.ship));
  at("no-missions").hidden = fitting.length + flights.length > 0;
  const now = JSON.stringify([flights, fitting]);
  if (now === shown) return; // drawing again would take the focus away
  shown = now;
  const heads = [words.ship, words.port, words.date, words.read_column, isReader ? words.yours : null, words.chests,
    isSupervisor ? words.who : null, words.state].filter(Boolean);
  const body = element("tbody");
  for (const flight of flights) body.append(flightRow(flight, heads.length, watch));
  for (const mission of fitting) body.append(row(mission, open));
  at("missions").replaceChildren(
    element("thead", {}, element("tr", {}, ...heads.map((head) => element("th", { textContent: head, scope: "col" })))), body);
}

function flightRow(flight, columns, watch) {
  const name = element("button", { type: "button", className: "link", textContent: flight.ship });
  name.dataset.flight = flight.name;
  name.addEventListener("click", () => watch(flight.name));
  const live = flight.phase === "flying";
  return element("tr", { className: "flight" }, element("td", {}, name), element("td", { textContent: flight.port }),
    element("td", { colSpan: columns - 3, textContent: live ? "" : flight.phase_words }),
    element("td", {}, live ? element("span", { className: "chip flying", textContent: flight.phase_words }) : null));
}

function row(mission, open) {
  const name = element("button", { type: "button", className: "link", textContent: mission.ship, disabled: !mission.open });
  name.dataset.mission = mission.name;
  name.addEventListener("click", () => open(mission.name));
  const closed = fill(words.closed_of, { closed: mission.closed, all: mission.all });
  const cells = [element("td", {}, name), element("td", { textContent: mission.port }), element("td", { textContent: mission.date, className: "figure" }),
    element("td", {}, meter(mission.all ? mission.closed / mission.all : 1, closed), element("small", { textContent: closed }))];
  if (isReader) cells.push(element("td", { className: "figure", textContent: String(mission.mine) }));
  cells.push(element("td", { className: "figure", textContent: mission.chests ? `${mission.chests_signed} / ${mission.chests}` : "–" }));
  if (isSupervisor) {
    const read = Object.entries(mission.readers).map(([reader, count]) => `${reader} ${count}`).join(", ");
    cells.push(element("td", {}, element("span", { textContent: read || "–" }),
      mission.reading.length ? element("small", { textContent: fill(words.open_by, { names: mission.reading.join(", ") }) }) : null));
  }
  cells.push(element("td", {}, ...chips(mission)));
  return element("tr", {}, ...cells);
}

function chips(mission) {
  const made = [];
  const chip = (text, kind) => made.push(element("span", { className: `chip ${kind}`, textContent: text }));
  if (mission.signed_off_by) chip(fill(words.signed_off, { name: mission.signed_off_by }), "done");
  else if (mission.closed === mission.all) chip(words.state_ready, "ready");
  else if (isReader && mission.mine) chip(fill(words.left_for_you, { count: mission.mine }), "mine");
  else if (!isReader) chip(words.under_way, "");
  for (const state of ["disagreeing", "escalated", "confirmed"]) {
    if (mission.counts?.[state]) chip(`${words[`state_${state}`]} ${mission.counts[state]}`, state);
  }
  if (!made.length) chip(words.under_way, "");
  return made;
}

export function watchFilters(open, watch) {
  at("filters").addEventListener("input", () => draw(open, watch));
  at("filters").addEventListener("submit", (event) => event.preventDefault());
}
