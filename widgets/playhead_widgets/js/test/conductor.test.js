// @vitest-environment jsdom
import { beforeEach, expect, test, vi } from "vitest";
import { ACK, Conductor, LATEST } from "../src/conductor.js";
import { element } from "../src/dom.js";

let conductor, said, shown;
beforeEach(() => {
  vi.useFakeTimers();
  [conductor, said, shown] = [new Conductor(globalThis), [], []];
});

function join(client, group = "g") {
  const view = { show: (content) => shown.push([client, content.epoch]), wants: () => ({}) };
  return conductor.join({ client, group, root: document.createElement("div"), view, say: (content) => said.push([client, content]) });
}

const frame = (number, members, epoch = number) => ({ kind: "frame", frame: number, epoch, members });

test("views of a query show a frame together, when all have it", () => {
  const [a, b] = [join("a"), join("b")];
  a.hear(frame(1, ["a", "b"]), []);
  expect(shown).toEqual([]);
  b.hear(frame(1, ["a", "b"]), []);
  expect(shown).toEqual([["a", 1], ["b", 1]]);
});

test("a view that is not on this page is not waited for", () => {
  const a = join("a");
  a.hear(frame(1, ["a", "elsewhere"]), []);
  expect(shown).toEqual([["a", 1]]);
});

test("a part that never comes holds nothing up for long", () => {
  const [a] = [join("a"), join("b")];
  a.hear(frame(1, ["a", "b"]), []);
  vi.advanceTimersByTime(LATEST);
  expect(shown).toEqual([["a", 1]]);
});

test("frames are acknowledged, at most every 0.4 s, and the last one always", () => {
  const a = join("a");
  for (let number = 1; number <= 5; number += 1) a.hear(frame(number, ["a"]), []);
  expect(said.map(([, content]) => content.frame)).toEqual([1]);
  vi.advanceTimersByTime(ACK);
  expect(said.map(([, content]) => content.frame)).toEqual([1, 5]);
  vi.advanceTimersByTime(10 * ACK);
  expect(said.length).toBe(2);
});

test("text stays text", () => {
  const made = element("div", { title: "<b>" }, "<img src=x onerror=alert(1)>");
  expect(made.children.length).toBe(0);
  expect(made.textContent).toBe("<img src=x onerror=alert(1)>");
});
