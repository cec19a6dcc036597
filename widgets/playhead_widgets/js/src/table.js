// The live table: the rows that are in sight, each in a row of the page that is used again and again.
import { button, element, icon, setAttribute, setText } from "./dom.js";
import { decimal, digitsFor, duration, Times } from "./format.js";
import { Menu } from "./menu.js";
import { decode } from "./values.js";

export const ROW = 26;
const HEIGHT = 340;
/** Browsers give up on elements that are higher than about 16 million pixels. */
const HIGHEST = 8_000_000;
const OVERSCAN = 6;

export class Table {
  constructor(root, { setup, label, say }) {
    Object.assign(this, { root, setup, say, label });
    this.columns = setup.columns.map((column, index) => ({ ...column, index, digits: 0, width: 0, format: "auto" }));
    this.shown = new Set(setup.shown);
    this.sort = setup.sort ?? [];
    this.found = 0;
    this.first = 0;
    this.rows = [];
    this.before = new Map(); // the texts of rows by their key, as they were shown last
    this.build();
  }

  wants() {
    return { first: this.first, count: this.count(), sort: this.sort, filter: this.filter.value };
  }

  count() {
    return Math.ceil((this.scroller?.clientHeight || HEIGHT) / ROW) + 2 * OVERSCAN;
  }

  // What it is made of

  build() {
    this.filter = element("input", {
      class: "ph-filter", type: "search", placeholder: "filter: text, or price > 10", "aria-label": "filter rows",
      spellcheck: "false", oninput: () => this.ask(150, { first: 0 }),
    });
    this.about = element("span", { class: "ph-quiet", role: "status" });
    this.problem = element("div", { class: "ph-problem", role: "alert", hidden: true });
    this.menu = new Menu("columns", icon("columns"), () => this.chooser());
    const copy = button("copy as CSV", icon("copy"), () => this.copy());
    this.head = element("div", { class: "ph-row ph-head", role: "row", "aria-rowindex": 1 });
    this.body = element("div", { class: "ph-body", role: "rowgroup" });
    this.space = element("div", { class: "ph-space" }, this.body);
    this.scroller = element(
      "div",
      { class: "ph-scroller", role: "grid", tabindex: 0, "aria-label": this.label, onkeydown: (event) => this.key(event) },
      element("div", { class: "ph-headgroup", role: "rowgroup" }, this.head),
      this.space,
    );
    this.scroller.addEventListener("scroll", () => this.scrolled(), { passive: true });
    this.title = element("h4", { class: "ph-title" }, this.label);
    this.tools = element("div", { class: "ph-tools" }, this.title, this.about, element("span", { class: "ph-grow" }), this.filter, this.menu.root, copy);
    this.root.append(this.tools, this.problem, this.scroller);
    this.buildHead();
  }

  buildHead() {
    const visible = this.visible();
    this.head.replaceChildren(
      ...visible.map((column) => {
        const cell = element("div", { class: `ph-cell ph-${column.kind}`, role: "columnheader" });
        cell.append(
          element(
            "button",
            { type: "button", class: "ph-sort", title: `${column.name}: ${column.type}`, onclick: (event) => this.sortBy(column, event.shiftKey) },
            element("span", { class: "ph-name" }, column.name),
            icon("down"),
          ),
        );
        if (column.zone) cell.append(element("span", { class: "ph-zone" }, column.zone));
        return cell;
      }),
    );
    setAttribute(this.scroller, "aria-colcount", visible.length);
    this.rows.length = 0;
    this.body.replaceChildren();
    this.showSort();
  }

  visible() {
    return this.columns.filter((column) => this.shown.has(column.name));
  }

  // Order

  sortBy(column, also) {
    const old = this.sort.find(([name]) => name === column.name);
    const next = !old ? "descending" : old[1] === "descending" ? "ascending" : null;
    const rest = also ? this.sort.filter(([name]) => name !== column.name) : [];
    this.sort = next ? [...rest, [column.name, next]] : rest;
    this.showSort();
    this.ask(0);
  }

  showSort() {
    this.visible().forEach((column, index) => {
      const way = this.sort.find(([name]) => name === column.name)?.[1];
      const cell = this.head.children[index];
      setAttribute(cell, "aria-sort", way ?? "none");
    });
  }

  // Columns and formats

  chooser() {
    const formats = { int: ["auto", "plain"], uint: ["auto", "plain"], float: ["auto", "0", "1", "2", "4", "6", "percent", "plain"], time: ["auto", "date", "time"] };
    return this.columns.map((column) => {
      const box = element("input", {
        type: "checkbox", checked: this.shown.has(column.name),
        onchange: (event) => {
          if (event.target.checked) this.shown.add(column.name);
          else if (this.shown.size > 1) this.shown.delete(column.name);
          else event.target.checked = true;
          this.buildHead();
          this.paint();
        },
      });
      const line = element("div", { class: "ph-choice" }, element("label", {}, box, element("span", {}, column.name)));
      if (formats[column.kind]) {
        const select = element(
          "select",
          { "aria-label": `format of ${column.name}`, onchange: (event) => ((column.format = event.target.value), (column.width = 0), this.paint()) },
          ...formats[column.kind].map((format) => element("option", { value: format, selected: format === column.format }, /^\d$/.test(format) ? `${format} decimals` : format)),
        );
        line.append(select);
      }
      return line;
    });
  }

  // Asking the kernel

  ask(delay, wants = {}) {
    if ("first" in wants) this.first = wants.first;
    clearTimeout(this.asking);
    this.asking = setTimeout(() => this.say({ kind: "wants", wants: this.wants() }), delay);
  }

  scrolled() {
    const first = Math.max(0, Math.floor(this.top() / ROW) - OVERSCAN);
    if (first === this.first) return;
    this.first = first;
    this.place();
    this.waiting ??= setTimeout(() => {
      this.waiting = null;
      this.say({ kind: "wants", wants: this.wants() });
    }, 30);
  }

  /** How far down the rows are scrolled, in pixels of a page without a limit. */
  top() {
    const height = this.found * ROW;
    if (height <= HIGHEST) return this.scroller.scrollTop;
    const most = HIGHEST - this.scroller.clientHeight;
    return (this.scroller.scrollTop / Math.max(most, 1)) * (height - this.scroller.clientHeight);
  }

  key(event) {
    if (event.target !== this.scroller) return;
    const page = this.scroller.clientHeight - 2 * ROW;
    const moves = { ArrowDown: ROW, ArrowUp: -ROW, PageDown: page, PageUp: -page, Home: -Infinity, End: Infinity };
    if (event.key === "/") this.filter.focus();
    else if (event.key in moves) {
      const goal = this.scroller.scrollTop + moves[event.key];
      this.scroller.scrollTop = Math.max(0, Math.min(goal, this.scroller.scrollHeight));
    } else return;
    event.preventDefault();
  }

  copy() {
    this.say({ kind: "copy", columns: this.visible().map((column) => column.name) });
  }

  async hear(content) {
    if (content.kind !== "csv") return;
    this.root.dataset.copied = content.rows;
    const told = content.rows < content.found ? `copied the first ${decimal(content.rows, 0)} rows` : `copied ${decimal(content.rows, 0)} rows`;
    try {
      await navigator.clipboard.writeText(content.text);
      this.notice = told;
    } catch {
      this.notice = copyByHand(content.text) ? told : "the browser did not allow to copy";
    }
    this.tell();
    setTimeout(() => ((this.notice = ""), this.tell()), 3000);
  }

  // Showing

  show(content, buffers) {
    if (content.same) return;
    this.total = content.total;
    this.found = content.found;
    this.base = content.first;
    this.data = decode(this.columns, content.columns, buffers);
    this.length = content.rows;
    setText(this.problem, content.problem);
    this.problem.hidden = !content.problem;
    setAttribute(this.scroller, "aria-rowcount", this.found + 1);
    this.tell();
    this.paint();
  }

  tell() {
    const rows = this.found === this.total ? `${decimal(this.total ?? 0, 0)} rows` : `${decimal(this.found, 0)} of ${decimal(this.total, 0)} rows`;
    setText(this.about, this.notice || (this.total === undefined ? "" : rows));
  }

  paint() {
    if (!this.data) return;
    const visible = this.visible();
    const texts = visible.map((column) => this.texts(column, this.data[column.index]));
    this.widths(visible, texts);
    this.space.style.height = `${Math.min(this.found * ROW, HIGHEST)}px`;
    this.place();
    const keys = this.keys();
    const after = new Map();
    while (this.rows.length < this.length) {
      const row = element("div", { class: "ph-row", role: "row" }, ...visible.map((column) => element("div", { class: `ph-cell ph-${column.kind}`, role: "gridcell" })));
      this.rows.push(row);
      this.body.append(row);
    }
    while (this.rows.length > this.length) this.rows.pop().remove();
    for (let index = 0; index < this.length; index += 1) {
      const row = this.rows[index];
      setAttribute(row, "aria-rowindex", this.base + index + 2);
      row.classList.toggle("ph-odd", (this.base + index) % 2 === 1);
      const line = visible.map((_, column) => texts[column][index]);
      const old = keys ? this.before.get(keys[index]) : undefined;
      line.forEach((text, column) => {
        const cell = row.children[column];
        setText(cell, text ?? "");
        cell.classList.toggle("ph-null", text === null);
        if (old && old.length === line.length && old[column] !== text) this.flash(cell, old[column], text, visible[column]);
      });
      if (keys) after.set(keys[index], line);
    }
    if (!keys) return;
    for (const [key, line] of after) this.before.set(key, line);
    if (this.before.size > 2000) this.before = after;
  }

  /** Rows stand where the kernel says they are, even while others have been asked for. */
  place() {
    const height = this.found * ROW;
    const shift = height <= HIGHEST ? 0 : this.scroller.scrollTop - this.top();
    this.body.style.transform = `translateY(${Math.max(0, (this.base ?? 0) * ROW + shift)}px)`;
  }

  keys() {
    if (!this.setup.keys.length) return null;
    return Array.from({ length: this.length }, (_, row) => this.setup.keys.map((column) => String(this.data[column][row])).join("\u0000"));
  }

  texts(column, values) {
    if (column.kind === "float" && column.format === "auto") column.digits = digitsFor(values, column.digits);
    return values.map((value) => (value === null ? null : write(column, value)));
  }

  /** Columns grow with what they show and do not shrink again, so that nothing jumps. */
  widths(visible, texts) {
    visible.forEach((column, index) => {
      const longest = texts[index].reduce((most, text) => Math.max(most, text?.length ?? 0), 0);
      const name = Math.max(column.name.length + 3, (column.zone?.length ?? 0) * 0.85);
      column.width = Math.max(column.width, Math.min(Math.max(longest, name), 42));
    });
    const template = visible.map((column) => `minmax(${column.width + 3}ch, ${column.width + 3}fr)`).join(" ");
    if (template !== this.template) {
      this.template = template;
      this.scroller.style.setProperty("--ph-columns", template);
    }
  }

  flash(cell, old, text, column) {
    if (globalThis.matchMedia?.("(prefers-reduced-motion: reduce)").matches) return;
    const numeric = column.kind !== "text" && column.kind !== "bool";
    const change = numeric ? Number(text?.replaceAll(",", "")) - Number(old?.replaceAll(",", "")) : 0;
    const colour = change < 0 ? "var(--ph-fell)" : change > 0 ? "var(--ph-rose)" : "var(--ph-changed)";
    cell.animate?.([{ backgroundColor: colour }, { backgroundColor: "transparent" }], { duration: 900, easing: "ease-out" });
  }
}

/** A value as text. */
export function write(column, value) {
  switch (column.kind) {
    case "int":
    case "uint":
      return column.format === "plain" ? String(value) : decimal(value, 0);
    case "float":
      return writeFloat(column, value);
    case "time": {
      const milliseconds = Number(value / 1000n);
      const times = Times.of(column.zone);
      if (column.format === "date") return times.date(milliseconds);
      if (column.format === "time") return times.clock(milliseconds);
      const rest = Number(((value % 1_000_000n) + 1_000_000n) % 1_000_000n);
      return times.full(Math.floor((Number(value) - rest) / 1e6) * 1000, rest);
    }
    case "duration":
      return duration(Number(value) / 1000);
    default:
      return String(value);
  }
}

function writeFloat(column, value) {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? "NaN" : value > 0 ? "inf" : "-inf";
  if (column.format === "plain") return String(value);
  if (column.format === "percent") return `${decimal(value * 100, 1)}%`;
  if (column.format !== "auto") return decimal(value, Number(column.format));
  const size = Math.abs(value);
  if (size && (size >= 1e15 || size < 1e-8)) return value.toExponential(3);
  return decimal(value, column.digits);
}

/** The old way to copy, for pages that may not use the clipboard. */
function copyByHand(text) {
  const area = element("textarea", { style: "position:fixed;opacity:0" });
  area.value = text;
  document.body.append(area);
  area.select();
  const copied = document.execCommand?.("copy") ?? false;
  area.remove();
  return copied;
}
