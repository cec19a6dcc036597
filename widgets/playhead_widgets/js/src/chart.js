// The live chart: uPlot draws what the kernel has chosen for this screen; zooming and panning ask for more.
import uPlot from "uplot";
import { button, element, icon, setAttribute, setText } from "./dom.js";
import { decimal, digitsFor, short, Times } from "./format.js";
import { colour, isDark, onTheme, styled } from "./theme.js";
import { numbers } from "./values.js";

const HEIGHT = 280;

export class Chart {
  constructor(root, { setup, label, say }) {
    Object.assign(this, { root, setup, label, say });
    this.follow = true;
    this.names = null;
    this.hidden = new Set();
    this.range = null;
    this.build();
    this.resize = new ResizeObserver(() => this.resized());
    this.resize.observe(this.canvas);
    this.unwatch = onTheme(() => this.rebuild());
  }

  wants() {
    const width = Math.round(this.canvas.clientWidth || 800);
    return this.follow || !this.range ? { low: null, high: null, width } : { low: this.range[0], high: this.range[1], width };
  }

  build() {
    this.legend = element("div", { class: "ph-legend", role: "group", "aria-label": "series" });
    this.at = element("span", { class: "ph-quiet ph-at" });
    this.followButton = button("follow the end", icon("follow"), () => this.followEnd(), { hidden: true });
    this.canvas = element("div", {
      class: "ph-canvas", tabindex: 0, role: "img", "aria-label": this.label,
      onkeydown: (event) => this.key(event), ondblclick: () => this.followEnd(),
    });
    this.canvas.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    this.canvas.addEventListener("pointerdown", (event) => this.grab(event), true);
    this.more = element("span", { class: "ph-quiet", role: "status" });
    const title = element("h4", { class: "ph-title" }, this.label);
    this.root.append(element("div", { class: "ph-tools" }, title, this.more, element("span", { class: "ph-grow" }), this.at, this.followButton), this.legend, this.canvas);
  }

  destroy() {
    this.resize.disconnect();
    this.unwatch();
    this.plot?.destroy();
  }

  // Drawing

  options() {
    const line = styled(this.root, "--ph-line"), soft = styled(this.root, "--ph-soft");
    const axis = { stroke: soft, font: `11px ${styled(this.root, "--ph-font")}`, grid: { stroke: line, width: 1 }, ticks: { stroke: line, width: 1, size: 4 } };
    const series = this.names.map((name, index) => ({ label: name, show: !this.hidden.has(name), spanGaps: false, ...look(this.setup.draw, colour(index)) }));
    return {
      width: Math.max(this.canvas.clientWidth || 800, 100),
      height: HEIGHT,
      ms: 1,
      tzDate: (at) => uPlot.tzDate(new Date(at), this.setup.zone ?? "UTC"),
      scales: { x: { time: this.setup.time }, y: { range: (_, low, high) => padded(low, high, this.setup.draw) } },
      axes: [{ ...axis, values: this.setup.time ? undefined : (_, ticks) => ticks.map(tick) }, { ...axis, size: 62, values: (_, ticks) => ticks.map(tick) }],
      legend: { show: false },
      cursor: { drag: { x: true, y: false, setScale: false }, points: { size: 7 }, dataIdx: nearest, y: false },
      series: [{}, ...series],
      hooks: {
        drawClear: [(plot) => this.shade(plot)],
        setCursor: [() => this.hovered()],
        setSelect: [(plot) => this.selected(plot)],
      },
    };
  }

  rebuild() {
    if (!this.names) return;
    this.plot?.destroy();
    this.canvas.replaceChildren();
    this.plot = new uPlot(this.options(), this.data ?? [[]], this.canvas);
    this.scale();
    this.buildLegend();
  }

  show(content, buffers) {
    const moved = this.watermark !== content.watermark;
    this.watermark = content.watermark;
    if (content.same) {
      if (moved && this.plot) this.plot.redraw(false);
      return;
    }
    this.full = content.full;
    this.data = series(buffers);
    if (this.follow || !this.range) this.range = [content.low, content.high];
    const told = [`${decimal(content.points, 0)} points`];
    if (content.more) told.push(`${content.more} more series not drawn`);
    setText(this.more, told.join(", "));
    this.root.dataset.points = content.points;
    const names = JSON.stringify(content.series);
    if (names !== this.known) {
      this.known = names;
      this.names = content.series;
      this.rebuild();
    } else if (this.plot) {
      this.plot.batch(() => {
        this.plot.setData(this.data, false);
        this.scale();
      });
      this.hovered();
    }
    const seen = `${this.label}: ${this.names.length} series, ${content.points} points`;
    setAttribute(this.canvas, "aria-label", seen);
  }

  scale() {
    const [low, high] = this.range ?? [0, 1];
    if (!this.plot || !this.data?.length) return;
    this.plot.setScale("x", high > low ? { min: low, max: high } : { min: low - 1, max: high + 1 });
  }

  /** What the watermark has not passed yet may still change. */
  shade(plot) {
    if (!this.setup.time || this.watermark === null || this.watermark === undefined) return;
    const { ctx, bbox } = plot;
    const left = Math.max(plot.valToPos(this.watermark, "x", true), bbox.left);
    const right = bbox.left + bbox.width;
    if (!(left < right)) return;
    ctx.save();
    ctx.fillStyle = isDark() ? "rgba(255,255,255,0.05)" : "rgba(30,50,90,0.045)";
    ctx.fillRect(left, bbox.top, right - left, bbox.height);
    ctx.restore();
  }

  resized() {
    const width = this.canvas.clientWidth;
    if (!this.plot || !width || Math.abs(width - this.plot.width) < 2) return;
    this.plot.setSize({ width, height: HEIGHT });
    this.ask();
  }

  // The legend

  buildLegend() {
    this.chips = this.names.map((name, index) => {
      const value = element("span", { class: "ph-value" });
      const chip = element(
        "button",
        { type: "button", class: "ph-chip", "aria-pressed": String(!this.hidden.has(name)), onclick: () => this.toggle(name, index) },
        element("span", { class: "ph-dot", style: `background:${colour(index)}` }), element("span", {}, name), value,
      );
      return { chip, value };
    });
    this.legend.replaceChildren(...this.chips.map(({ chip }) => chip));
    this.hovered();
  }

  toggle(name, index) {
    if (this.hidden.has(name)) this.hidden.delete(name);
    else this.hidden.add(name);
    this.plot.setSeries(index + 1, { show: !this.hidden.has(name) });
    setAttribute(this.chips[index].chip, "aria-pressed", String(!this.hidden.has(name)));
  }

  /** The values below the pointer, or the last ones. */
  hovered() {
    if (!this.plot || !this.chips) return;
    const { left, idx } = this.plot.cursor;
    const hovering = left !== null && left >= 0 && idx !== null && idx !== undefined;
    this.chips.forEach(({ value }, index) => {
      const ys = this.data[index + 1];
      const here = hovering ? nearest(this.plot, index + 1, idx) : last(ys);
      const y = here === null || here === undefined ? null : ys?.[here];
      setText(value, y === null || y === undefined ? "" : decimal(y, digitsFor([y])));
    });
    const x = hovering ? this.plot.posToVal(left, "x") : null;
    const zone = this.setup.zone ? ` ${this.setup.zone}` : "";
    setText(this.at, x === null ? zone.trim() : this.setup.time ? `${Times.of(this.setup.zone).full(Math.round(x / 1000) * 1000)}${zone}` : tick(x));
  }

  // Moving about

  ask() {
    this.asking ??= setTimeout(() => {
      this.asking = null;
      this.say({ kind: "wants", wants: this.wants() });
    }, 60);
  }

  look(low, high) {
    if (!(high > low) || !Number.isFinite(high - low)) return;
    this.follow = false;
    this.followButton.hidden = false;
    this.range = [low, high];
    this.scale();
    this.ask();
  }

  followEnd() {
    this.follow = true;
    this.followButton.hidden = true;
    this.ask();
  }

  selected(plot) {
    if (plot.select.width < 4) return;
    const low = plot.posToVal(plot.select.left, "x"), high = plot.posToVal(plot.select.left + plot.select.width, "x");
    plot.setSelect({ left: 0, width: 0, top: 0, height: 0 }, false);
    this.look(low, high);
  }

  /** Zoom around a place, 0 at the left and 1 at the right. */
  zoom(factor, place = 0.5) {
    const [low, high] = this.range ?? [0, 1];
    const middle = low + (high - low) * place;
    this.look(middle - (middle - low) * factor, middle + (high - middle) * factor);
  }

  pan(part) {
    const [low, high] = this.range ?? [0, 1];
    this.look(low + (high - low) * part, high + (high - low) * part);
  }

  wheel(event) {
    if (!(event.ctrlKey || event.metaKey || event.shiftKey) || !this.plot) return; // a page is scrolled without a key
    event.preventDefault();
    const place = this.plot.cursor.left / this.plot.over.clientWidth;
    const turned = event.deltaY || event.deltaX;
    if (event.shiftKey) this.pan(Math.sign(turned) * 0.1);
    else this.zoom(turned > 0 ? 1.25 : 0.8, place >= 0 ? place : 0.5);
  }

  grab(event) {
    if (!event.shiftKey || !this.plot || event.button !== 0) return;
    event.preventDefault();
    event.stopPropagation();
    const [low, high] = this.range, from = event.clientX, width = this.plot.over.clientWidth;
    const move = (next) => {
      const shift = ((from - next.clientX) / width) * (high - low);
      this.look(low + shift, high + shift);
    };
    const drop = () => {
      document.removeEventListener("pointermove", move);
      document.removeEventListener("pointerup", drop);
    };
    document.addEventListener("pointermove", move);
    document.addEventListener("pointerup", drop);
  }

  key(event) {
    const acts = {
      ArrowLeft: () => this.pan(-0.1), ArrowRight: () => this.pan(0.1), "+": () => this.zoom(0.8), "=": () => this.zoom(0.8),
      "-": () => this.zoom(1.25), End: () => this.followEnd(), Escape: () => this.followEnd(), 0: () => this.full && this.look(...this.full),
    };
    if (!(event.key in acts) || event.target !== this.canvas) return;
    acts[event.key]();
    event.preventDefault();
  }
}

/** What uPlot draws: `undefined` where a series has no sample, `null` where there is a gap. */
export function series(buffers) {
  if (!buffers.length) return [[]];
  const [x, ...ys] = buffers.map((buffer) => numbers(buffer, Float64Array));
  return [x, ...ys.map((y) => Array.from(y, (value) => (value === Infinity ? undefined : Number.isNaN(value) ? null : value)))];
}

/** The sample of a series that is nearest to `index`, of those that it has. */
export function nearest(plot, number, index) {
  const ys = plot.data[number];
  if (!ys || ys[index] !== undefined) return index;
  for (let away = 1; away < ys.length; away += 1) {
    if (ys[index - away] !== undefined && index - away >= 0) return index - away;
    if (ys[index + away] !== undefined && index + away < ys.length) return index + away;
  }
  return index;
}

function last(ys) {
  if (!ys) return null;
  for (let index = ys.length - 1; index >= 0; index -= 1) if (ys[index] !== undefined && ys[index] !== null) return index;
  return null;
}

function look(kind, stroke) {
  const line = { stroke, width: 1.6, points: { show: false } };
  switch (kind) {
    case "area":
      return { ...line, fill: `${stroke}33` };
    case "step":
      return { ...line, paths: uPlot.paths.stepped({ align: 1 }) };
    case "scatter":
      return { stroke, paths: () => null, points: { show: true, size: 5, fill: stroke, stroke } };
    case "bar":
      return { ...line, fill: `${stroke}aa`, paths: uPlot.paths.bars({ size: [0.8, 60] }) };
    default:
      return line;
  }
}

/** A little room above and below; bars and areas stand on zero. */
export function padded(low, high, kind) {
  if (low === null || high === null || !Number.isFinite(low) || !Number.isFinite(high)) return [0, 1];
  if (kind === "area" || kind === "bar") [low, high] = [Math.min(low, 0), Math.max(high, 0)];
  const room = high > low ? (high - low) * 0.06 : Math.abs(high) * 0.1 || 1;
  return [low === 0 && (kind === "area" || kind === "bar") ? 0 : low - room, high + room];
}

function tick(value) {
  if (value === null) return "";
  return Math.abs(value) >= 10000 ? short(value) : String(Number(value.toPrecision(6)));
}
