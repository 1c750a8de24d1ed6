// A diagram of tables: what is referenced stands left of what references it. Tables without a key between them stand
// apart, so that no boxes overlap. Keys cross a column between its boxes.

const BOX = 200;
const [HEAD, LINE, FOOT] = [26, 17, 6];
const [ACROSS, DOWN, APART, AROUND] = [64, 22, 40, 18];
const MAX_COLUMN = 900; // pixels of a column of boxes
const MAX_LINES = 8;

function short(text, letters) {
  return flat(flat(text), letters - 1);
}

// How far each table stands from one that references nothing; a cycle is cut where it closes.
function ranksOf(boxes) {
  const ranks = new Map();
  const rank = (box, path) => {
    if (ranks.has(box)) return ranks.get(box);
    path.add(box);
    const found = Math.max(-1, ...box.links.map(({ to }) => (path.has(to) ? -1 : rank(to, path)))) + 1;
    path.delete(box);
    ranks.set(box, found);
    return found;
  };
  for (const box of boxes) rank(box, new Set());
  return ranks;
}

function groupsOf(boxes) {
  const seen = new Set();
  return boxes.flatMap((first) => {
    if (seen.has(first)) return [];
    const group = [first];
    seen.add(first);
    for (const box of group) for (const other of box.near) if (!seen.has(other)) seen.add(other), group.push(other);
    return [group];
  });
}

// Put the boxes of a group into columns by rank; returns the group's size.
function placeGroup(group, ranks) {
  const [byRank, columns] = [[], []];
  for (const box of group) (byRank[ranks.get(box)] ??= []).push(box);
  let height = 0;
  for (const rank of byRank.filter(Boolean)) {
    const middle = (box) => box.links.reduce((sum, { to }) => sum + (to.y ?? 0), 0) / (box.links.length || 1);
    rank.sort((a, b) => middle(a) - middle(b));
    let y = Infinity;
    for (const box of rank) {
      if (y + box.height > MAX_COLUMN) y = 0;
      if (!y) columns.push([]);
      columns.at(-1).push(box);
      Object.assign(box, { columns, at: columns.length - 1, x: (columns.length - 1) * (BOX + ACROSS), y });
      y += box.height + DOWN;
      height = Math.max(height, y - DOWN);
    }
  }
  return { group, width: columns.length * (BOX + ACROSS) - ACROSS, height };
}

// Put the groups on shelves, the highest first; returns the size of all.
function place(boxes, width) {
  const ranks = ranksOf(boxes);
  const groups = groupsOf(boxes).map((group) => placeGroup(group, ranks)).sort((a, b) => b.height - a.height);
  const room = Math.max(width, ...groups.map((one) => one.width));
  let [x, y, shelf, right] = [0, 0, 0, 0];
  for (const one of groups) {
    if (x && x + one.width > room) [x, y, shelf] = [0, y + shelf + APART, 0];
    for (const box of one.group) [box.x, box.y] = [box.x + x, box.y + y];
    right = Math.max(right, x + one.width);
    x += one.width + APART;
    shelf = Math.max(shelf, one.height);
  }
  return [right, y + shelf];
}

function foreignKeys(table) {
  return table.keys.filter(({ kind }) => kind === "f");
}

// Columns with their part in keys, those of keys first.
function linesOf(table) {
  const isIn = (name, wanted) => table.keys.some(({ kind, columns }) => kind === wanted && columns.includes(name));
  const lines = table.columns.map(({ name }) => ({ name, role: [isIn(name, "p") && "PK", isIn(name, "f") && "FK"].filter(Boolean).join(" ") }));
  return lines.sort((a, b) => Boolean(b.role) - Boolean(a.role));
}

// Draw tables; `open` is called with the one that is clicked.
function drawDiagram(tables, width, open) {
  const boxes = tables.map((table) => {
    const shown = linesOf(table).slice(0, MAX_LINES);
    const more = table.column_count - shown.length;
    if (more > 0) shown.push({ name: `… ${plural(more, "column")} more`, isRest: true });
    return { table, shown, links: [], near: [], height: HEAD + shown.length * LINE + FOOT };
  });
  const byTitle = new Map(boxes.map((box) => [box.table.title, box]));
  for (const box of boxes) {
    for (const key of foreignKeys(box.table)) {
      const to = byTitle.get(key.target);
      if (to) box.links.push({ to, key }), box.near.push(to), to.near.push(box);
    }
  }
  const [right, bottom] = place(boxes, width);
  const lines = boxes.flatMap((box) => box.links.map((link) => drawLine(box, link)));
  const label = `Diagram of ${plural(boxes.length, "table")} and ${plural(lines.length, "foreign key")}; the list of foreign keys says the same`;
  const svg = drawn("svg", { role: "img", "aria-label": label, viewBox: `-8 -${AROUND} ${right + 44} ${bottom + 2 * AROUND}` });
  svg.append(...lines, ...boxes.map((box) => drawBox(box, open)));
  return svg;
}

// The way of a key from a line of its table to the head of the one that it references.
function wayOf(box, from, to) {
  const target = to.y + HEAD / 2;
  const step = to.at < box.at ? -1 : 1;
  let [x, y] = [step < 0 ? box.x : box.x + BOX, from];
  let way = `M${x} ${y}`;
  const turn = (nextX, nextY) => {
    const middle = x === nextX ? x + 36 : (x + nextX) / 2;
    way += `C${middle} ${y} ${middle} ${nextY} ${nextX} ${nextY}`;
    [x, y] = [nextX, nextY];
  };
  for (let at = box.at + step; at !== to.at + (step > 0); at += step) {
    const left = box.columns[at][0].x;
    turn(step < 0 ? left + BOX : left, between(box.columns, at, y + (target - y) / (Math.abs(to.at - at) + 1)));
    x = step < 0 ? left : left + BOX;
    way += `H${x}`;
  }
  turn(to.x + BOX, target);
  return way;
}

// The height next to a wanted one where a column has no box; keys side by side keep apart.
function between(columns, at, wanted) {
  const column = columns[at];
  column.used = (column.used ?? 0) + 1;
  const apart = 3 + (column.used % 4) * 4;
  const ends = columns.map((each) => each.at(-1).y + each.at(-1).height);
  const edges = [column[0].y - AROUND, ...column.flatMap((box) => [box.y, box.y + box.height]), Math.max(...ends) + AROUND];
  const found = column.concat(0).map((_, gap) => Math.min(Math.max(wanted, edges[2 * gap] + apart), edges[2 * gap + 1] - apart));
  return found.reduce((best, y) => (Math.abs(y - wanted) < Math.abs(best - wanted) ? y : best));
}

function drawLine(box, { to, key }) {
  const at = box.shown.findIndex(({ name, isRest }) => !isRest && name === key.columns[0]);
  const from = box.y + (at < 0 ? HEAD / 2 : HEAD + at * LINE + LINE / 2);
  const made = drawn("g", { class: "link" });
  made.append(drawn("path", { d: wayOf(box, from, to) }), drawn("circle", { cx: to.x + BOX, cy: to.y + HEAD / 2, r: 3.5 }));
  made.append(drawn("title", {}, `${flat(box.table.title)} (${flat(key.columns.join(", "))}) references ${flat(to.table.title)}`));
  return made;
}

function drawBox(box, open) {
  const { table, shown } = box;
  const made = drawn("g", { class: "box", transform: `translate(${box.x} ${box.y})` });
  made.append(drawn("title", {}, flat(table.title)), drawn("rect", { width: BOX, height: box.height, rx: 6 }));
  made.append(drawn("text", { x: 10, y: 18, class: "name" }, short(table.title.replace(/^public\./, ""), 23)));
  if (shown.length) made.append(drawn("line", { x1: 0, x2: BOX, y1: HEAD, y2: HEAD }));
  shown.forEach(({ name, role, isRest }, index) => {
    const y = HEAD + index * LINE + 13;
    made.append(drawn("text", { x: 10, y, class: isRest ? "rest" : "" }, short(name, role ? 20 : 26)));
    if (role) made.append(drawn("text", { x: BOX - 10, y, "text-anchor": "end", class: "rest" }, role));
  });
  made.addEventListener("click", () => open(table));
  table.box = made;
  return made;
}
