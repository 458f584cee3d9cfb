// What all parts of the page use: asking the server, making elements, saying things.
export const facts = JSON.parse(document.body.dataset.facts);
export const words = facts.words;
export const at = (id) => document.getElementById(id);
export const fill = (message, data) => message.replace(/\{(\w+)\}/g, (_, name) => data[name]);
export const say = (text, kind = "wrong") => { at("said").className = kind; at("said").textContent = text; };
export const sayDone = (text) => say(text, "done");
export const isReader = facts.role === "reader";
export const isSupervisor = facts.role === "supervisor";

export function element(tag, properties = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

export async function ask(address, body) {
  const target = `${address}${address.includes("?") ? "&" : "?"}lang=${facts.language}`;
  const options = body === undefined ? {} : {
    method: "POST",
    headers: { "Content-Type": "application/json", "X-Hullscan-Desk": "1" },
    body: JSON.stringify(body),
  };
  let answer;
  try {
    answer = await fetch(target, options);
  } catch {
    say(words.lost);
    throw new Error(words.lost);
  }
  const content = await answer.json().catch(() => ({ error: answer.statusText }));
  if (!answer.ok) throw new Error(content.error ?? answer.statusText);
  return content;
}

export function select(box, options) {
  const chosen = box.value;
  box.replaceChildren(...options.map(([value, text]) => element("option", { value, textContent: text })));
  if (options.some(([value]) => value === chosen)) box.value = chosen;
}

export function meter(share, label) {
  const bar = element("span", { className: "meter", role: "img" });
  bar.setAttribute("aria-label", label);
  const filled = element("i");
  filled.style.width = `${Math.round(100 * share)}%`;
  bar.append(filled);
  return bar;
}
