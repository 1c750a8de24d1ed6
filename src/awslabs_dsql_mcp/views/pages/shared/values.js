// Columns and cells as the server writes them: a column is "name type", and a cell is null, a text, a number,
// a boolean or a document. int8 beyond 2^53 and numeric come as texts of their digits.

const INVISIBLE = /[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g;
const SHOWN = { "\n": "↵", "\r": "␍", "\t": "⇥" };
const MAX_SHOWN = 300;

function readColumn(told) {
  const found = /^([^]*) ((?:oid )?\S+)$/.exec(told);
  const [name, type] = found ? [found[1], found[2]] : [told, ""];
  const base = type.replace(/\(.*\)$/, "");
  return { name, type, isNumber: /^(int[248]|float[48]|numeric|oid)$/.test(base), isTime: /^(date|timestamp)/.test(base) };
}

// The text of a cell that is not NULL.
function textOfCell(value) {
  return typeof value === "object" ? JSON.stringify(value) : Object.is(value, -0) ? "-0" : String(value);
}

// A text on one line, where no character of it is invisible or turns the others around.
function onOneLine(text, limit = MAX_SHOWN) {
  const start = text.length > limit ? `${text.slice(0, limit)}…` : text;
  return start.replace(INVISIBLE, (one) => SHOWN[one] ?? `⟨U+${one.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}⟩`);
}

// Several lines as they are, and what is invisible shown.
function visible(text) {
  return text.replace(INVISIBLE, (one) => (one === "\n" || one === "\t" ? one : onOneLine(one)));
}

// Compare decimal digits exactly, where both have the same sign and lie closer than a double can tell.
function compareDigits(a, b) {
  const [wholeA, partA = ""] = a.replace(/^[-+]/, "").split(".");
  const [wholeB, partB = ""] = b.replace(/^[-+]/, "").split(".");
  const order = wholeA.length - wholeB.length || compare(wholeA, wholeB) || compare(partA, partB);
  return a.startsWith("-") ? -order : order;
}

function compare(a, b) {
  return a < b ? -1 : a > b ? 1 : 0;
}

// Order of a column as PostgreSQL has it: numbers by value with NaN above all, texts by code (Aurora DSQL's only
// collation is C), NULL above everything.
function comparer(column, index) {
  return (a, b) => {
    const [x, y] = [a[index], b[index]];
    if (x === null || y === null) return (x === null) - (y === null);
    if (!column.isNumber) return typeof x === "boolean" ? x - y : compare(textOfCell(x), textOfCell(y));
    const [m, n] = [Number(x), Number(y)];
    if (m !== m || n !== n) return (m !== m) - (n !== n);
    if (m !== n) return m < n ? -1 : 1;
    return x === y || !Number.isFinite(m) || /e/i.test(`${x}${y}`) ? 0 : compareDigits(String(x), String(y));
  };
}

// CSV as PostgreSQL's COPY writes it: NULL is nothing, an empty text is "" (RFC 4180 for the rest).
function toCsv(columns, rows) {
  const field = (value) => {
    if (value === null) return "";
    const text = textOfCell(value);
    return text === "" || /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  return [columns.map((column) => column.name), ...rows].map((row) => `${row.map(field).join(",")}\r\n`).join("");
}
