// Elements made of plain values: text is always text, never markup.

/** An element with attributes and children; strings become text nodes. */
export function element(name, attributes = {}, ...children) {
  const made = name === "svg" || name === "path" ? document.createElementNS("http://www.w3.org/2000/svg", name) : document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else made.setAttribute(key, value === true ? "" : value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

/** Set the text only where it differs, so that nothing is laid out anew for nothing. */
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/** Set or remove an attribute. */
export function setAttribute(node, name, value) {
  if (value === null || value === undefined || value === false) node.removeAttribute(name);
  else if (node.getAttribute(name) !== String(value)) node.setAttribute(name, value === true ? "" : String(value));
}

const ICONS = {
  play: "M7 4.5v15l12.5-7.5z",
  pause: "M6.5 5h4v14h-4zM13.5 5h4v14h-4z",
  step: "M5 5l9.5 7L5 19zM16 5h3v14h-3z",
  back: "M19 5l-9.5 7 9.5 7zM5 5h3v14H5z",
  columns: "M4 5h4.5v14H4zM9.8 5h4.4v14H9.8zM15.5 5H20v14h-4.5z",
  copy: "M8 3h11v13h-3v-2h1V5h-7v1H8zM5 8h9v13H5zM7 10v9h5v-9z",
  follow: "M4 5l7 7-7 7zM12 5l7 7-7 7z",
  loop: "M7 7h9V4l5 4.5L16 13v-3H9v4H7zM17 17H8v3l-5-4.5L8 11v3h7v-3h2z",
  down: "M6 10l6 6 6-6z",
  up: "M6 14l6-6 6 6z",
  slower: "M5 11h14v2.4H5z",
  faster: "M5 11h5.8V5.2h2.4V11H19v2.4h-5.8v5.8h-2.4v-5.8H5z",
};

/** An inline icon; it says nothing to those who listen, the button around it does. */
export function icon(name) {
  return element("svg", { viewBox: "0 0 24 24", "aria-hidden": "true", class: "ph-icon" }, element("path", { d: ICONS[name] }));
}

/** Show another icon in the same place. */
export function setIcon(node, name) {
  const path = node.querySelector("path");
  if (path.getAttribute("d") !== ICONS[name]) path.setAttribute("d", ICONS[name]);
}

/** A button with an icon (or a text) and a name for those who listen. */
export function button(label, content, onclick, attributes = {}) {
  return element("button", { type: "button", class: "ph-button", "aria-label": label, title: label, onclick, ...attributes }, content);
}
