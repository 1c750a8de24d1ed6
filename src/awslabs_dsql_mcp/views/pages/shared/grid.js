// A table of any number of rows, of which only those in sight are elements. The keyboard's focus stays on the
// table, which names its active cell (WAI-ARIA Authoring Practices, "Grid"): no focus scrolls away with a row.

const ROW = 27;
const HEAD = 44;
const SPARE = 8;
const MAX_WIDTH = 44;
const SAMPLE = 200;

class Grid {
  constructor(label, on) {
    this.on = on;
    this.head = element("div.head", { role: "row", "aria-rowindex": "1" });
    this.body = element("div", { role: "rowgroup" });
    this.tall = element("div.tall", { role: "presentation" }, this.head, this.body);
    this.root = element("div.grid", { role: "grid", tabindex: "0", "aria-label": label }, this.tall);
    const acts = { scroll: () => this.later(), keydown: (event) => this.press(event), click: (event) => this.point(event), dblclick: () => this.open() };
    for (const [name, act] of Object.entries(acts)) this.root.addEventListener(name, act);
    this.setColumns([], []);
    new ResizeObserver(() => this.later()).observe(this.root);
  }

  setColumns(columns, rows) {
    this.columns = columns;
    this.sorted = { column: -1, descending: false };
    this.active = { row: 0, column: 0 };
    this.widths = columns.map((column, index) => {
      const widths = rows.slice(0, SAMPLE).map((row) => (row[index] === null ? 4 : textOfCell(row[index]).length || 10));
      const width = Math.max(column.name.length + 2, column.type.length, 5, ...widths);
      return `width:calc(${Math.min(width, MAX_WIDTH)}ch + 24px)`;
    });
    this.root.setAttribute("aria-colcount", columns.length + 1);
    this.setRows(rows);
  }

  // Show other rows of the same columns, which are in the order of `sorted`.
  setRows(rows) {
    this.rows = rows;
    this.active.row = Math.min(this.active.row, rows.length - 1);
    this.root.setAttribute("aria-rowcount", rows.length + 1);
    this.tall.style.height = `${HEAD + rows.length * ROW}px`;
    this.drawHead();
    const bar = this.tall.offsetWidth > this.root.clientWidth ? 16 : 0;
    this.root.style.height = `${HEAD + Math.max(rows.length, 1) * ROW + bar + 2}px`;
    this.draw();
  }

  later() {
    if (this.waiting) return;
    this.waiting = true;
    requestAnimationFrame(() => this.draw());
  }

  drawHead() {
    const cells = this.columns.map((column, index) => {
      const isSorted = this.sorted.column === index;
      const order = !isSorted ? "none" : this.sorted.descending ? "descending" : "ascending";
      const arrow = { none: "", ascending: " ↑", descending: " ↓" }[order];
      const name = flat(column.name);
      const about = { id: `c-1-${index}`, style: this.widths[index], title: `${name} ${column.type}`, "aria-colindex": index + 2, "aria-sort": order };
      return element(`div${column.side}`, { role: "columnheader", ...about }, make(isSorted ? "span.name.sorted" : "span.name", name + arrow), make("span.type", column.type));
    });
    const corner = element("div.index", { role: "columnheader", "aria-colindex": "1", style: "padding-top:14px" }, "#");
    this.head.replaceChildren(corner, ...cells);
  }

  draw() {
    this.waiting = false;
    const first = Math.max(0, Math.floor(this.root.scrollTop / ROW) - SPARE);
    const last = Math.min(this.rows.length, Math.ceil((this.root.scrollTop + this.root.clientHeight) / ROW) + SPARE);
    this.body.replaceChildren(...Array.from({ length: last - first }, (_, at) => this.line(first + at)));
    const cell = this.activeElement;
    cell?.classList.add("active");
    if (cell) this.root.setAttribute("aria-activedescendant", cell.id);
    else this.root.removeAttribute("aria-activedescendant");
  }

  get activeElement() {
    return $(`c${this.active.row}-${this.active.column}`);
  }

  line(number) {
    const cells = this.columns.map((column, index) => {
      const value = this.rows[number][index];
      const kind = `div${value === null ? ".null" : value === "" ? ".empty" : ""}${column.side}`;
      const about = { id: `c${number}-${index}`, style: this.widths[index], "aria-colindex": index + 2 };
      return element(kind, { role: "gridcell", ...about }, value === null ? "NULL" : flat(textOfCell(value)));
    });
    const index = element("div.index", { role: "rowheader", "aria-colindex": "1" }, digits(number + 1));
    return element("div.line", { role: "row", "aria-rowindex": number + 2, style: `top:${HEAD + number * ROW}px` }, index, ...cells);
  }

  move(row, column) {
    this.active = {
      row: Math.min(Math.max(row, -1), this.rows.length - 1),
      column: Math.min(Math.max(column, 0), this.columns.length - 1),
    };
    const top = this.active.row * ROW;
    if (this.active.row >= 0) {
      const lowest = this.root.clientHeight - HEAD - ROW;
      if (top < this.root.scrollTop) this.root.scrollTop = top;
      else if (top > this.root.scrollTop + lowest) this.root.scrollTop = top - lowest;
    }
    this.draw();
    this.activeElement?.scrollIntoView({ block: "nearest", inline: "nearest" });
    this.on.move();
  }

  get activeCell() {
    const { row, column } = this.active;
    return this.rows[row] && this.columns[column] ? { row, column: this.columns[column], value: this.rows[row][column] } : null;
  }

  open() {
    if (this.active.row < 0) this.sort(this.active.column);
    else if (this.activeCell) this.on.open();
  }

  sort(column) {
    const { column: before, descending } = this.sorted;
    if (before !== column) this.sorted = { column, descending: false };
    else this.sorted = descending ? { column: -1, descending: false } : { column, descending: true };
    this.on.sort();
  }

  point(event) {
    const cell = event.target.closest("[id^='c']");
    if (!cell || !this.root.contains(cell)) return;
    const [, row, column] = /^c(-?\d+)-(\d+)$/.exec(cell.id).map(Number);
    this.move(row, column);
    if (row < 0) this.sort(column);
  }

  press(event) {
    if (event.altKey || (event.ctrlKey && !/^(c|Home|End)$/.test(event.key)) || event.metaKey) return;
    const { row, column } = this.active;
    const page = Math.max(1, Math.floor((this.root.clientHeight - HEAD) / ROW) - 1);
    const [lastRow, lastColumn] = [this.rows.length - 1, this.columns.length - 1];
    const to = {
      ArrowDown: [row + 1, column],
      ArrowUp: [row - 1, column],
      ArrowRight: [row, column + 1],
      ArrowLeft: [row, column - 1],
      PageDown: [row + page, column],
      PageUp: [Math.max(row - page, 0), column],
      Home: event.ctrlKey ? [0, 0] : [row, 0],
      End: event.ctrlKey ? [lastRow, lastColumn] : [row, lastColumn],
    }[event.key];
    if (to) this.move(...to);
    else if (event.key === "Enter" || event.key === " ") this.open();
    else if (event.ctrlKey && event.key === "c" && !String(getSelection())) this.on.copy();
    else return;
    event.preventDefault();
  }
}
