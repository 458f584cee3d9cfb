// How readers read: planted parcels seen, bare hull called suspicious, time, d'; over time.
import { ask, at, element, isReader, words } from "./ask.js";

let shown = "";

export async function refreshMeasures() {
  const { rows, totals } = await ask("/api/measures");
  const now = JSON.stringify([rows, totals]);
  if (now === shown) return;
  shown = now;
  if (!rows.length) {
    at("measures").replaceChildren(element("p", { className: "nothing", textContent: isReader ? words.measures_later : words.measures_none }));
    return;
  }
  at("measures").replaceChildren(
    ...totals.map((total) => element("section", { className: "reader" },
      element("h2", { textContent: total.reader }), tiles(total), over(rows.filter((row) => row.reader === total.reader)))));
}

const rate = (part, whole) => (whole ? `${Math.round((100 * part) / whole)} %` : "–");
const figure = (value, digits) => (value === null ? "–" : value.toFixed(digits));

function tiles(total) {
  const tile = (value, name, sub) => element("div", { className: "tile" }, element("b", { textContent: value }), element("span", { textContent: name }), element("small", { textContent: sub }));
  return element("div", { className: "tiles" },
    tile(rate(total.hits, total.planted), words.hit_rate, `${total.hits} / ${total.planted}`),
    tile(rate(total.false_calls, total.bare), words.false_calls, `${total.false_calls} / ${total.bare}`),
    tile(figure(total.d_prime, 2), "d′", words.d_prime_said),
    tile(figure(total.looked_s, 1) + (total.looked_s === null ? "" : " s"), words.time_per_place, `${total.places}`));
}

function over(rows) {
  const heads = [words.date, words.ship, words.places, words.hit_rate, words.false_calls, "d′", words.time_per_place];
  const body = element("tbody");
  for (const row of rows) {
    const cells = [row.date, row.ship, row.places, `${row.hits} / ${row.planted}`, `${row.false_calls} / ${row.bare}`, figure(row.d_prime, 2),
      row.looked_s === null ? "–" : `${row.looked_s.toFixed(1)} s`];
    body.append(element("tr", {}, ...cells.map((text, column) => element("td", { textContent: String(text), className: column > 1 ? "figure" : "" }))));
  }
  return element("table", {}, element("thead", {}, element("tr", {}, ...heads.map((head) => element("th", { textContent: head, scope: "col" })))), body);
}
