import { expect, test } from "vitest";
import { bytes, decimal, digitsFor, duration, parseSpeed, short, speed, Times } from "../src/format.js";

test("numbers keep the digits that say something", () => {
  expect(decimal(1234567.5, 1)).toBe("1,234,567.5");
  expect(digitsFor([1, 2, 3])).toBe(0);
  expect(digitsFor([1234.5])).toBe(1);
  expect(digitsFor([0.00123])).toBe(6);
  expect(digitsFor([38.195946, 0.0012])).toBe(2);
  expect(short(1_234_567)).toBe("1.2M");
  expect(bytes(1536)).toBe("1.5 kB");
});

test("a speed reads as what was typed", () => {
  for (const value of [0.5, 1, 30, 60, 3600, 86400, 604800]) expect(parseSpeed(speed(value))).toBe(value);
  expect(speed(null)).toBe("max");
  expect(parseSpeed("max")).toBe("max");
  expect(parseSpeed("3 h/s")).toBe(10800);
  for (const wrong of ["", "fast", "-3", "0", "3 parsecs"]) expect(parseSpeed(wrong)).toBeUndefined();
});

test("times are those of their zone, to the microsecond", () => {
  const at = Date.UTC(2013, 6, 1, 12, 30, 5);
  expect(Times.of("UTC").full(at)).toBe("2013-07-01 12:30:05");
  expect(Times.of("America/New_York").full(at)).toBe("2013-07-01 08:30:05");
  expect(Times.of("UTC").full(at, 250000)).toBe("2013-07-01 12:30:05.250");
  expect(Times.of("UTC").full(at, 1)).toBe("2013-07-01 12:30:05.000001");
});

test("lengths of time are told in their two greatest units", () => {
  expect(duration(250)).toBe("250 ms");
  expect(duration(90_000)).toBe("1 min 30 s");
  expect(duration(26 * 3600_000)).toBe("1 d 2 h");
});
