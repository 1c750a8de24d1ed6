// A chart of two columns: bars in the order of the rows, or a line in the order of its first column.

const MAX_BARS = 60;
const MAX_POINTS = 2000;
const MAX_MARKS = 100;
const MAX_NAME = 14;
const LETTER = 7;
const HEIGHT = 250;
const [TOP, RIGHT, BOTTOM] = [14, 16, 30];

// The columns that suit a chart: a number, and what it is told by; null if there are none.
function chartColumns(columns) {
  const all = columns.map((_, index) => index);
  const numbers = all.filter((index) => columns[index].isNumber);
  const names = all.filter((index) => numbers.some((other) => other !== index));
  if (!names.length) return null;
  const x = names.find((index) => columns[index].isTime) ?? names.find((index) => !columns[index].isNumber) ?? names[0];
  const others = numbers.filter((index) => index !== x);
  const y = others.find((index) => !/(^|_)id$/i.test(columns[index].name)) ?? others[0];
  return { names, numbers, x, y };
}

// Round steps of an axis from low to high.
function ticks(low, high) {
  const rough = (high - low) / 4 || Math.abs(high) / 4 || 1;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((size) => size >= rough * 0.999);
  const first = Math.floor(low / step);
  return Array.from({ length: Math.max(Math.ceil(high / step) - first, 1) + 1 }, (_, at) => (first + at) * step);
}

// Numbers of an axis, in as few digits as tell them apart.
function tickNames(steps) {
  const largest = Math.max(...steps.map(Math.abs));
  const digits = Math.min(Math.ceil(Math.log10(largest / (steps[1] - steps[0]))) + 1, 17);
  const notation = largest >= 1e15 || largest < 1e-5 ? "scientific" : largest >= 10000 && digits <= 3 ? "compact" : "standard";
  return steps.map((step) => `${step && step.toLocaleString("en", { notation, maximumSignificantDigits: Math.max(digits, 2) })}`);
}

// Times as far as they differ: days, or hours of the same day.
function timeNames(texts) {
  if (!texts.every((text) => /^(\d{4}-[^B]*|-?infinity)$/.test(text))) return texts;
  const isOneDay = texts.every((text) => text.slice(0, 10) === texts[0].slice(0, 10));
  return texts.map((text) => (isOneDay && text.length > 10 ? text.slice(11, 19) : text.slice(0, 10)));
}

// Draw rows; returns what is left out, in words.
function drawChart(place, columns, rows, { x, y, line }) {
  let known = rows.filter((row) => row[x] !== null && row[y] !== null && Math.abs(Number(row[y])) < 1e300); // else no axis
  if (line) known = known.slice().sort(comparer(columns[x], x));
  const points = known.slice(0, line ? MAX_POINTS : MAX_BARS);
  const values = points.map((row) => Number(row[y]));
  const texts = points.map((row) => flat(textOfCell(row[x]), 60));
  const names = columns[x].isTime ? timeNames(texts) : texts;
  const steps = values.length ? ticks(Math.min(line ? Infinity : 0, ...values), Math.max(line ? -Infinity : 0, ...values)) : [0, 1];
  const stepNames = tickNames(steps);
  const [low, high] = [steps[0], steps.at(-1)];
  const width = Math.max(place.clientWidth - 20, 240);
  const left = Math.max(...stepNames.map((name) => name.length)) * LETTER + 12;
  const inner = width - left - RIGHT;
  const down = (value) => TOP + (1 - (value - low) / (high - low)) * (HEIGHT - TOP - BOTTOM);
  const across = (index) => left + ((index + 0.5) / points.length) * inner;
  const exact = (cell) => (Number.isSafeInteger(cell) ? digits(cell) : textOfCell(cell));
  const [least, most] = [Math.min, Math.max].map((one) => points[values.indexOf(one(...values))]?.[y]);
  const told = values.length ? `, from ${exact(least)} to ${exact(most)}` : "";
  const label = `${flat(columns[y].name)} by ${flat(columns[x].name)}: ${plural(points.length, "point")}${told}`;
  const svg = drawn("svg", { role: "img", width, height: HEIGHT, "aria-label": `${line ? "Line" : "Bar"} chart of ${label}` });
  steps.forEach((step, index) => {
    svg.append(drawn("line", { x1: left, x2: width - RIGHT, y1: down(step), y2: down(step), class: step === 0 ? "axis" : "rule" }));
    svg.append(drawn("text", { x: left - 8, y: down(step) + 4, "text-anchor": "end" }, stepNames[index]));
  });
  if (line) {
    const path = values.map((value, index) => `${index ? "L" : "M"}${across(index).toFixed(1)} ${down(value).toFixed(1)}`);
    svg.append(drawn("path", { d: path.join(""), class: "path" }));
  }
  if (!line || points.length <= MAX_MARKS) values.forEach((value, index) => svg.append(mark(value, index)));
  const wide = Math.max(...names.map((name) => Math.min(name.length, MAX_NAME)), 1) * LETTER + 14;
  const every = Math.max(1, Math.ceil((points.length * wide) / inner));
  names.forEach((name, index) => {
    const at = across(index);
    if (index % every || at < wide / 2 || at + wide / 2 > width + LETTER) return;
    svg.append(drawn("text", { x: at, y: HEIGHT - 10, "text-anchor": "middle" }, flat(name, MAX_NAME)));
  });
  place.replaceChildren(svg);

  function mark(value, index) {
    const size = Math.max(1, Math.min((inner / points.length) * 0.7, 48));
    const zero = down(Math.min(Math.max(0, low), high));
    const made = line
      ? drawn("circle", { cx: across(index), cy: down(value), r: 3, class: "mark" })
      : drawn("rect", { x: across(index) - size / 2, width: size, y: Math.min(down(value), zero), height: Math.max(Math.abs(zero - down(value)), 1), rx: 2, class: "mark" });
    made.append(drawn("title", {}, `${texts[index]}: ${exact(points[index][y])}`));
    return made;
  }

  const [without, more] = [rows.length - known.length, known.length - points.length];
  return [
    without ? `${plural(without, "row")} without a number to draw left out` : "",
    more ? `the first ${digits(points.length)} of ${plural(known.length, "row")}` : "",
  ].filter(Boolean).join("; ");
}
