// Elements are made one by one, and what rows contain only ever becomes the text of one: never markup.

const SVG = "http://www.w3.org/2000/svg";

function $(id) {
  return document.getElementById(id);
}

// An element of a kind, a tag with classes such as "td.number".
function element(kind, attributes, ...children) {
  const [tag, ...classes] = kind.split(".");
  const made = document.createElement(tag);
  made.className = classes.join(" ");
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (value !== false) made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children);
  return made;
}

function make(kind, ...children) {
  return element(kind, {}, ...children);
}

// An element of a drawing.
function drawn(tag, attributes, text = "") {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(text);
  return made;
}

// What may be larger than its place, and is scrolled by the keyboard, too.
function region(kind, label, ...children) {
  return element(kind, { tabindex: "0", role: "region", "aria-label": label }, ...children);
}

function code(label, text) {
  return region("pre", label, visible(text));
}

function table(heads, lines) {
  const cells = heads.map((head) => (typeof head === "string" ? element("th", { scope: "col" }, flat(head)) : head));
  return make("table", make("thead", make("tr", ...cells)), make("tbody", ...lines));
}

function lineHead(...children) {
  return element("th", { scope: "row" }, ...children);
}

function list(texts) {
  return make("ul", ...texts.map((text) => make("li", flat(text, 1000))));
}

function tell(id, text) {
  $(id).textContent = text;
}

function fail(text, id = "error") {
  tell(id, text);
  $(id).hidden = !text;
}

function badge(text, kind = "") {
  tell("badge", text);
  $("badge").className = `badge ${kind}`;
}

function onClick(actions) {
  for (const [id, action] of Object.entries(actions)) $(id).addEventListener("click", () => action());
}

function digits(number) {
  return number.toLocaleString("en");
}

function plural(count, noun) {
  return `${digits(count)} ${noun}${count === 1 ? "" : "s"}`;
}

// Whether an error leaves open what is stored: the server says null of it, and of a part that is.
function isUnsure(result) {
  const { committed, outcome, code } = meta(result, "facts") ?? {};
  return Boolean(result.isError) && committed === null && code !== "job_failed" && (outcome !== "partial" || code === "outcome_unknown");
}

function meta(result, name) {
  return result._meta?.[`awslabs-dsql-mcp/${name}`];
}

// Show an error, or the text of an answer that is not drawn.
function showText(result, isDrawn) {
  fail(result.isError ? textOf(result) : "");
  tell("note", result.isError || isDrawn ? "" : textOf(result));
}

function textOf(result) {
  return (result.content ?? []).map((part) => part.text ?? "").join("\n");
}
