// The transport bar: a timeline with the playhead on it, and buttons and keys for everything that a query can do.
import { button, element, icon, setAttribute, setIcon, setText } from "./dom.js";
import { bytes, decimal, duration, parseSpeed, short, speed, Times } from "./format.js";

export class Transport {
  constructor(root, { setup, label, say }) {
    Object.assign(this, { root, setup, label, say });
    this.times = Times.of(setup.zone);
    this.dragging = null;
    this.loop = null;
    this.state = null;
    this.build();
  }

  wants() {
    return {};
  }

  ask(what, value) {
    this.say({ kind: "do", what, value });
  }

  // What it is made of

  build() {
    this.back = button("back one epoch (left arrow)", icon("back"), () => this.ask("back"));
    this.play = button("play (space)", icon("play"), () => this.toggle(), { class: "ph-button ph-main" });
    this.step = button("step to the next change (right arrow)", icon("step"), () => this.ask("step"));
    this.slower = button("slower ([)", icon("slower"), () => this.faster(0.5));
    this.quicker = button("faster (])", icon("faster"), () => this.faster(2));
    this.speed = element("input", {
      class: "ph-speed", type: "text", "aria-label": "speed: 60x, 3 h/s or max", title: "speed: 60x, 3 h/s or max",
      spellcheck: "false", onchange: () => this.typed(), onkeydown: (event) => this.speedKey(event),
    });
    this.speeds = element("div", { class: "ph-group", role: "group", "aria-label": "speed" }, this.slower, this.speed, this.quicker);
    this.live = button("follow the end (End)", element("span", {}, "follow"), () => this.ask("follow"), { class: "ph-button ph-follow" });
    this.loopButton = button("loop a range: shift-drag on the timeline", icon("loop"), () => this.setLoop(null), { "aria-pressed": "false" });
    this.timeline = this.buildTimeline();
    this.time = element("output", { class: "ph-clock" });
    this.zone = element("span", { class: "ph-quiet" }, this.times.zone);
    this.badges = element("div", { class: "ph-badges" });
    this.problem = element("div", { class: "ph-problem", role: "alert", hidden: true });
    this.root.setAttribute("role", "toolbar");
    this.root.append(
      element("div", { class: "ph-transport-row" },
        element("div", { class: "ph-group" }, this.back, this.play, this.step),
        this.timeline, this.speeds, this.loopButton, this.live),
      element("div", { class: "ph-transport-row ph-below" }, this.time, this.zone, element("span", { class: "ph-grow" }), this.badges),
      this.problem,
    );
    this.root.addEventListener("keydown", (event) => this.key(event));
  }

  buildTimeline() {
    this.done = element("div", { class: "ph-done" });
    this.final = element("div", { class: "ph-final" });
    this.range = element("div", { class: "ph-loop", hidden: true });
    this.ticks = element("div", { class: "ph-ticks" });
    this.watermark = element("div", { class: "ph-watermark", title: "watermark" });
    this.thumb = element("div", { class: "ph-thumb" });
    this.tip = element("div", { class: "ph-tip", hidden: true });
    this.from = element("span", {});
    this.to = element("span", {});
    this.track = element("div", { class: "ph-track" }, this.done, this.final, this.range, this.ticks, this.watermark, this.thumb);
    const timeline = element(
      "div",
      { class: "ph-timeline", role: "slider", tabindex: 0, "aria-label": "playhead", "aria-orientation": "horizontal" },
      this.track, element("div", { class: "ph-ends" }, this.from, this.to), this.tip,
    );
    timeline.addEventListener("pointerdown", (event) => this.grab(event));
    timeline.addEventListener("pointermove", (event) => this.hover(event));
    timeline.addEventListener("pointerleave", () => (this.tip.hidden = true));
    return timeline;
  }

  // Showing

  show(content) {
    this.state = content;
    this.begin = content.start ?? this.begin ?? content.playhead;
    this.end = content.end ?? Math.max(content.playhead ?? -Infinity, content.watermark ?? -Infinity);
    const playing = content.state === "running";
    const over = content.state === "finished" || content.state === "stopped" || content.state === "failed";
    setIcon(this.play, playing ? "pause" : "play");
    this.name(this.play, playing ? "pause (space)" : over && content.seek ? "play again from the start (space)" : "play (space)");
    this.enable(this.play, !over || (content.seek && content.state === "finished"), `the query is ${content.state}`);
    this.enable(this.step, !over, `the query is ${content.state}`);
    this.enable(this.back, content.seek, content.why);
    this.enable(this.loopButton, content.seek, content.why);
    this.speeds.hidden = !content.replay;
    for (const control of [this.slower, this.quicker, this.speed]) this.enable(control, !over, `the query is ${content.state}`);
    if (document.activeElement !== this.speed) this.speed.value = speed(content.speed);
    setAttribute(this.live, "aria-pressed", String(playing && content.follows));
    this.live.hidden = content.replay && !content.seek;
    this.root.dataset.state = content.state;
    this.showTimeline(content);
    this.showBadges(content);
    setText(this.problem, content.problem);
    this.problem.hidden = !content.problem;
    this.keepLoop(content);
  }

  enable(control, yes, why) {
    control.disabled = !yes;
    const name = control.getAttribute("aria-label");
    setAttribute(control, "title", yes ? name : `${name} - ${why}`);
  }

  name(control, name) {
    setAttribute(control, "aria-label", name);
    setAttribute(control, "title", name);
  }

  place(at) {
    if (at === null || at === undefined || !(this.end > this.begin)) return 0;
    return Math.min(Math.max((at - this.begin) / (this.end - this.begin), 0), 1) * 100;
  }

  showTimeline(content) {
    const shown = this.dragging ?? content.playhead;
    const over = content.state === "finished";
    this.done.style.width = `${this.place(shown)}%`;
    this.final.style.width = `${over ? 100 : this.place(content.watermark)}%`;
    this.thumb.style.left = `${this.place(shown)}%`;
    this.watermark.style.left = `${over ? 100 : this.place(content.watermark)}%`;
    this.watermark.hidden = content.watermark === null && !over;
    const text = shown === null || shown === undefined ? "nothing yet" : this.times.full(Math.floor(shown));
    setText(this.time, text.replace(/\.\d+$/, ""));
    setText(this.from, this.begin == null ? "" : this.times.full(this.begin).slice(0, 16));
    setText(this.to, this.end == null || !Number.isFinite(this.end) ? "" : this.times.full(this.end).slice(0, 16));
    setAttribute(this.timeline, "aria-valuemin", this.begin ?? 0);
    setAttribute(this.timeline, "aria-valuemax", Number.isFinite(this.end) ? this.end : 0);
    setAttribute(this.timeline, "aria-valuenow", shown ?? 0);
    setAttribute(this.timeline, "aria-valuetext", `${text} ${this.times.zone}`);
    setAttribute(this.timeline, "aria-disabled", String(!content.seek));
    setAttribute(this.timeline, "title", content.seek ? "" : content.why);
    const ticks = JSON.stringify(content.checkpoints ?? []);
    if (ticks !== this.knownTicks || this.end !== this.knownEnd) {
      this.knownTicks = ticks;
      this.knownEnd = this.end;
      this.ticks.replaceChildren(...(content.checkpoints ?? []).map((at) => element("i", { style: `left:${this.place(at)}%`, title: `checkpoint: ${this.times.full(at)}` })));
    }
  }

  showBadges(content) {
    const badges = [[content.state, stateKind(content.state), stateWords(content)]];
    const left = this.remaining(content);
    if (content.fraction !== null && content.state !== "finished") badges.push([`${Math.floor(content.fraction * 100)}%`, "", "how much of the input has been shown"]);
    if (left) badges.push([left, "", "until the end, at this speed"]);
    if (!content.replay && content.playhead !== null && content.state === "running") badges.push([`${duration(Math.max(content.now - content.playhead, 0))} behind`, "", "event time behind the clock"]);
    if (content.state === "finished") badges.push(["final", "good", "nothing in it will change any more"]);
    else if (content.watermark !== null && content.playhead !== null && content.playhead > content.watermark) badges.push([`last ${duration(content.playhead - content.watermark)} provisional`, "", "the watermark has not passed it: it may still change"]);
    badges.push([`${short(content.state === "running" ? content.rate : content.average)} rows/s`, "", `${decimal(content.rows, 0)} rows so far`]);
    badges.push([`late ${decimal(content.late, 0)}`, content.late ? "warn" : "", "rows that came after their window had closed: query.late has them"]);
    badges.push([`rejected ${decimal(content.rejected, 0)}`, content.rejected ? "warn" : "", "input that could not become rows: query.rejected has it"]);
    if (content.stateBytes) badges.push([bytes(content.stateBytes), "", "memory that the query's operators hold"]);
    while (this.badges.children.length < badges.length) this.badges.append(element("span", { class: "ph-badge" }));
    while (this.badges.children.length > badges.length) this.badges.lastChild.remove();
    badges.forEach(([text, kind, title], index) => {
      const badge = this.badges.children[index];
      setText(badge, text);
      setAttribute(badge, "data-kind", kind || null);
      setAttribute(badge, "title", title);
    });
  }

  remaining(content) {
    if (content.state !== "running" || content.end === null || content.playhead === null) return "";
    if (content.speed) return `${duration((content.end - content.playhead) / content.speed)} left`;
    return "";
  }

  // Acting

  toggle() {
    if (this.play.disabled) return;
    this.ask(this.state?.state === "running" ? "pause" : "play");
  }

  faster(factor) {
    const now = this.state?.speed;
    if (!this.state?.replay) return;
    if (now === null) {
      if (factor < 1 && this.end > this.begin) this.ask("speed", (this.end - this.begin) / 1000 / 20); // from "max": in 20 s
      return;
    }
    this.ask("speed", now * factor);
  }

  typed() {
    const value = parseSpeed(this.speed.value);
    if (value === undefined) {
      setText(this.problem, `${this.speed.value} is no speed: say 60x, 3 h/s or max`);
      this.problem.hidden = false;
    } else this.ask("speed", value);
    this.speed.blur();
  }

  speedKey(event) {
    event.stopPropagation();
    if (event.key === "Escape") {
      this.speed.value = speed(this.state?.speed);
      this.speed.blur();
    }
  }

  key(event) {
    if (event.target === this.speed || event.ctrlKey || event.metaKey) return;
    const onButton = event.target.tagName === "BUTTON" && event.target !== this.play;
    if ((event.key === " " || event.key === "Enter") && onButton) return; // a button does what it says
    const length = this.end > this.begin ? (this.end - this.begin) / 50 : 1000;
    const acts = {
      " ": () => this.toggle(),
      ArrowRight: () => (event.shiftKey ? this.skip(length) : event.altKey ? this.ask("rows", 1) : this.step.disabled || this.ask("step")),
      ArrowLeft: () => this.state?.seek && (event.shiftKey ? this.seek(this.state.playhead - length) : this.ask("back")),
      "[": () => this.faster(0.5),
      "]": () => this.faster(2),
      Home: () => this.seek(this.begin),
      End: () => this.ask("follow"),
    };
    if (!(event.key in acts)) return;
    event.preventDefault();
    event.stopPropagation();
    acts[event.key]();
  }

  skip(length) {
    if (this.state?.seek) this.seek(this.state.playhead + length);
    else if (this.state?.replay) this.ask("duration", length);
  }

  seek(at) {
    if (this.state?.seek && at !== null && at !== undefined) this.ask("seek", Math.min(Math.max(at, this.begin), this.end));
  }

  // The pointer on the timeline

  at(event) {
    const box = this.track.getBoundingClientRect();
    const part = Math.min(Math.max((event.clientX - box.left) / box.width, 0), 1);
    return this.begin + part * (this.end - this.begin);
  }

  hover(event) {
    if (!(this.end > this.begin)) return;
    const at = this.at(event);
    this.tip.hidden = false;
    setText(this.tip, this.times.full(Math.floor(at / 1000) * 1000));
    this.tip.style.left = `${this.place(at)}%`;
  }

  grab(event) {
    if (event.button !== 0) return;
    if (!this.state?.seek) {
      setText(this.problem, this.state?.why ?? "");
      this.problem.hidden = !this.state?.why;
      return;
    }
    const from = this.at(event), looping = event.shiftKey;
    this.timeline.setPointerCapture?.(event.pointerId);
    const move = (next) => {
      if (looping) this.setLoop([Math.min(from, this.at(next)), Math.max(from, this.at(next))]);
      else {
        this.dragging = this.at(next);
        this.showTimeline(this.state);
      }
    };
    const drop = (next) => {
      this.timeline.removeEventListener("pointermove", move);
      this.timeline.removeEventListener("pointerup", drop);
      this.dragging = null;
      if (!looping) this.seek(this.at(next));
    };
    this.timeline.addEventListener("pointermove", move);
    this.timeline.addEventListener("pointerup", drop);
    if (!looping) move(event);
  }

  setLoop(range) {
    this.loop = range && range[1] > range[0] ? range : null;
    setAttribute(this.loopButton, "aria-pressed", String(Boolean(this.loop)));
    this.range.hidden = !this.loop;
    if (!this.loop) return;
    this.range.style.left = `${this.place(this.loop[0])}%`;
    this.range.style.width = `${this.place(this.loop[1]) - this.place(this.loop[0])}%`;
  }

  keepLoop(content) {
    if (!this.loop || this.dragging !== null || content.playhead === null) return;
    const over = content.playhead >= this.loop[1] || content.state === "finished";
    if (over && !this.looped) {
      this.looped = true;
      this.seek(this.loop[0]);
      if (content.state === "finished") this.ask("play");
    } else if (!over) this.looped = false;
  }
}

function stateKind(state) {
  return { running: "live", failed: "bad", finished: "good" }[state] ?? "";
}

function stateWords(content) {
  return { running: "rows are being taken in", paused: "it stands still after a whole epoch", finished: "the input has ended", stopped: "it was stopped", failed: content.problem }[content.state] ?? "";
}
