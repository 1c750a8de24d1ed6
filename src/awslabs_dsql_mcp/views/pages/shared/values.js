// Columns and cells as the server writes them: a column is "name type", and a cell is null, a text, a number,
// a boolean or a document. int8 beyond 2^53 and numeric come as texts of their digits.

const INVISIBLE = /(?![ \u3000])[\p{Cc}\p{Cf}\p{DI}\p{Z}]/gu; // and spaces that look like another
const SHOWN = { "\n": "↵", "\r": "␍", "\t": "⇥" };
const MAX_SHOWN = 300;

function readColumn(told) {
  const found = /^([^]*) ((?:oid )?\S+)$/.exec(told);
  const [name, type] = found ? [found[1], found[2]] : [told, ""];
  const base = type.replace(/\(.*\)$/, "");
  const is = (bases) => RegExp(`^(${bases})$`).test(base);
  const [isNumber, isTime] = [is("int[248]|float[48]|numeric|oid"), is("date|timestamp(tz)?")];
  return { name, type, isNumber, isTime, side: isNumber ? ".number" : "", isOrdered: isNumber || isTime || is("bool|text|varchar|bpchar|name|uuid|bytea|time") };
}

// The text of a cell that is not NULL.
function textOfCell(value) {
  return typeof value === "object" ? JSON.stringify(value) : Object.is(value, -0) ? "-0" : String(value);
}

// A text on one line, where no character of it is invisible or turns the others around.
function flat(text, limit = MAX_SHOWN) {
  const start = text.length > limit ? `${text.slice(0, limit)}…` : text;
  return start.replace(INVISIBLE, (one) => SHOWN[one] ?? `⟨U+${one.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}⟩`);
}

// Several lines as they are, and what is invisible shown.
function visible(text) {
  return text.replace(INVISIBLE, (one) => (one === "\n" || one === "\t" ? one : flat(one)));
}

function compare(a, b) {
  return (a > b) - (a < b);
}

// A text whose UTF-16 stands in the order of values: of times by year, of texts by code point, without the blanks
// that end a bpchar.
function keyOf({ isTime, type }, text) {
  if (isTime) return text.replace(/^(\d+)(.*?)( BC)?$/, (_, year, rest, before) => (before ? `0${1e7 - year}` : `1${1e7 + +year}`) + rest);
  return (/^bpchar/.test(type) ? text.replace(/ +$/, "") : text).replace(/[\ud800-\uffff]/g, (unit) =>
    String.fromCharCode(unit.charCodeAt() + (unit < "\ue000" ? 0x2000 : -0x800)),
  );
}

// Order of a column as PostgreSQL has it: numbers by value with NaN above all, texts by code (Aurora DSQL's only
// collation is C), NULL above everything.
function comparer(column, index) {
  const keys = new Map();
  const key = (value) => keys.get(value) ?? keys.set(value, keyOf(column, textOfCell(value))).get(value);
  return (a, b) => {
    const [x, y] = [a[index], b[index]];
    if (x === null || y === null) return (x === null) - (y === null);
    if (!column.isNumber) return compare(key(x), key(y));
    const [m, n] = [Number(x), Number(y)];
    if (m !== m || n !== n) return (m !== m) - (n !== n);
    if (m !== n) return m < n ? -1 : 1;
    if (x === y) return 0;
    const [c, d] = [x, y].map((digits) => String(digits).replace(/-?(\d+)/, (_, whole) => whole.padStart(2000))); // closer than a double can tell
    return /-/.test(`${x}${y}`) ? compare(d, c) : compare(c, d);
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
