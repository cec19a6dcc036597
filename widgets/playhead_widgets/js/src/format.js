// Numbers, times and lengths of time as people read them.

const numbers = new Map();

/** A number with this many decimals and separators between thousands. */
export function decimal(value, digits) {
  if (!numbers.has(digits)) {
    numbers.set(digits, new Intl.NumberFormat("en", { minimumFractionDigits: digits, maximumFractionDigits: digits }));
  }
  return numbers.get(digits).format(value);
}

/** How many decimals show about four significant digits of the greatest of these numbers, at least `before`. */
export function digitsFor(values, before = 0) {
  let greatest = 0, whole = true;
  for (const value of values) {
    if (!Number.isFinite(value)) continue;
    greatest = Math.max(greatest, Math.abs(value));
    whole &&= Number.isInteger(value);
  }
  if (whole) return before;
  return Math.max(before, Math.min(Math.max(3 - Math.floor(Math.log10(greatest)), 1), 8));
}

/** 12.3 k, 4.56 M. */
export function short(value) {
  const size = Math.abs(value);
  for (const [unit, worth] of [["G", 1e9], ["M", 1e6], ["k", 1e4]]) {
    if (size >= worth) return `${decimal(value / (worth === 1e4 ? 1e3 : worth), size / (worth === 1e4 ? 1e3 : worth) >= 100 ? 0 : 1)}${unit}`;
  }
  return decimal(value, size >= 100 || Number.isInteger(value) ? 0 : 1);
}

/** 1.2 MB. */
export function bytes(value) {
  for (const [unit, worth] of [["GB", 1 << 30], ["MB", 1 << 20], ["kB", 1 << 10]]) {
    if (value >= worth) return `${decimal(value / worth, value / worth >= 100 ? 0 : 1)} ${unit}`;
  }
  return `${value} B`;
}

const LENGTHS = [["w", 604800e3], ["d", 86400e3], ["h", 3600e3], ["min", 60e3], ["s", 1e3], ["ms", 1]];

/** A length of time in its two greatest units: "2 d 3 h". */
export function duration(milliseconds) {
  if (milliseconds < 0) return `-${duration(-milliseconds)}`;
  if (milliseconds < 1000) return `${Math.round(milliseconds)} ms`;
  if (milliseconds < 10000) return `${decimal(milliseconds / 1000, 1)} s`;
  const parts = [];
  for (const [unit, worth] of LENGTHS.slice(0, 5)) {
    const count = parts.length ? Math.round(milliseconds / worth) : Math.floor(milliseconds / worth);
    if (count > 0) parts.push(`${count} ${unit}`);
    if (parts.length === 2 || (parts.length === 1 && count === 0)) break;
    milliseconds -= count * worth;
  }
  return parts.join(" ");
}

/** A replay's speed: "60x" up to a minute a second, then "3 h/s". */
export function speed(value) {
  if (value === null || value === undefined) return "max";
  if (value < 60) return `${Number(value.toPrecision(3))}x`;
  for (const [unit, worth] of LENGTHS) {
    if (value * 1000 >= worth) return `${Number(((value * 1000) / worth).toPrecision(3))} ${unit}/s`;
  }
  return `${value}x`;
}

/** What people type as a speed: "60", "60x", "max", "3 h/s"; undefined if it is none. */
export function parseSpeed(text) {
  const said = text.trim().toLowerCase();
  if (said === "max") return "max";
  const found = said.match(/^([\d.,]+)\s*(x|ms|s|min|h|d|w)?(\/s)?$/);
  if (!found) return undefined;
  const count = Number(found[1].replaceAll(",", ""));
  const unit = !found[2] || found[2] === "x" ? 1000 : LENGTHS.find(([name]) => name === found[2])[1];
  return count > 0 && Number.isFinite(count) ? (count * unit) / 1000 : undefined;
}

const zones = new Map();

/** Formats times of a zone; the parts of one moment are looked up once. */
export class Times {
  static of(zone) {
    if (!zones.has(zone)) zones.set(zone, new Times(zone));
    return zones.get(zone);
  }

  constructor(zone) {
    this.zone = zone;
    this.known = new Map();
    const options = { hourCycle: "h23", year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", second: "2-digit" };
    try {
      this.format = new Intl.DateTimeFormat("en-CA", { ...options, timeZone: zone ?? "UTC" });
    } catch {
      this.format = new Intl.DateTimeFormat("en-CA", { ...options, timeZone: "UTC" });
      this.zone = "UTC";
    }
  }

  parts(milliseconds) {
    const second = Math.floor(milliseconds / 1000);
    let found = this.known.get(second);
    if (!found) {
      if (this.known.size > 5000) this.known.clear();
      const parts = Object.fromEntries(this.format.formatToParts(second * 1000).map(({ type, value }) => [type, value]));
      found = { date: `${parts.year}-${parts.month}-${parts.day}`, time: `${parts.hour}:${parts.minute}`, second: parts.second };
      this.known.set(second, found);
    }
    return found;
  }

  /** "2013-03-14 12:05:00"; fractions of a second where there are some. */
  full(milliseconds, microsecond = 0) {
    if (!Number.isFinite(milliseconds) || Math.abs(milliseconds) > 8.64e15) return String(milliseconds);
    const { date, time, second } = this.parts(milliseconds);
    const rest = Math.round((milliseconds - Math.floor(milliseconds / 1000) * 1000) * 1000) + microsecond;
    const fraction = rest ? `.${String(rest).padStart(6, "0").replace(/0{3}$/, "")}` : "";
    return `${date} ${time}:${second}${fraction}`;
  }

  date(milliseconds) {
    return this.parts(milliseconds).date;
  }

  clock(milliseconds) {
    const { time, second } = this.parts(milliseconds);
    return `${time}:${second}`;
  }
}

