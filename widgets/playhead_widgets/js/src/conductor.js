// Lets all views of a query show a frame in the same moment, and tells the kernel that it was shown.

const KEY = Symbol.for("playhead.conductor.1");

/** Milliseconds between two acknowledgements of a view, at least. */
export const ACK = 400;
/** Milliseconds after which a frame is shown even if a view's part of it is missing. */
export const LATEST = 250;
/** Milliseconds after which a view that hears nothing says that it is there. */
export const ALIVE = 15000;

export class Conductor {
  constructor(clock = globalThis) {
    this.clock = clock;
    this.members = new Map();
    this.staged = new Map(); // by group: { frame, parts, timer }
  }

  /** A view takes part until it leaves. */
  join({ client, group, root, view, say }) {
    const member = { client, group, root, view, say, frames: 0, acked: 0, shown: 0, timer: null, ackAt: -Infinity };
    this.members.set(client, member);
    member.alive = this.clock.setInterval(() => this.isSilent(member) && say({ kind: "alive" }), ALIVE);
    member.hear = (content, buffers) => this.hear(member, content, buffers);
    member.leave = () => {
      this.clock.clearInterval(member.alive);
      this.clock.clearTimeout(member.timer);
      this.members.delete(client);
    };
    return member;
  }

  isSilent(member) {
    return this.now() - member.ackAt >= ALIVE;
  }

  now() {
    return this.clock.performance.now();
  }

  hear(member, content, buffers) {
    if (content.kind === "frame") this.stage(member, content, buffers);
    else if (content.kind === "reopen") member.say({ kind: "open", wants: member.view.wants() });
    else member.view.hear?.(content, buffers);
  }

  stage(member, content, buffers) {
    let staged = this.staged.get(member.group);
    if (staged && staged.frame !== content.frame) {
      this.flush(member.group);
      staged = undefined;
    }
    if (!staged) {
      staged = { frame: content.frame, parts: new Map() };
      staged.timer = this.clock.setTimeout(() => this.flush(member.group), LATEST);
      this.staged.set(member.group, staged);
    }
    staged.parts.set(member.client, { content, buffers });
    const here = content.members.filter((client) => this.members.has(client));
    if (here.every((client) => staged.parts.has(client))) this.flush(member.group);
  }

  flush(group) {
    const staged = this.staged.get(group);
    if (!staged) return;
    this.staged.delete(group);
    this.clock.clearTimeout(staged.timer);
    for (const [client, { content, buffers }] of staged.parts) {
      const member = this.members.get(client);
      if (member) this.show(member, content, buffers);
    }
  }

  show(member, content, buffers) {
    try {
      member.view.show(content, buffers);
    } finally {
      member.frames += 1;
      member.shown = content.frame;
      member.root.dataset.epoch = content.epoch;
      member.root.dataset.frames = member.frames;
      this.acknowledge(member);
    }
  }

  acknowledge(member) {
    if (member.timer !== null || member.acked === member.shown) return;
    const wait = Math.max(0, member.ackAt + ACK - this.now());
    const send = () => {
      member.timer = null;
      member.acked = member.shown;
      member.ackAt = this.now();
      member.say({ kind: "ack", frame: member.shown });
    };
    if (wait === 0) send();
    else member.timer = this.clock.setTimeout(send, wait);
  }
}

/** The one conductor of this page: every widget brings its own copy of this script. */
export function conductor() {
  return (globalThis[KEY] ??= new Conductor());
}
