// Light or dark, and the colours of series in each.

const LIGHT = ["#2f6fdb", "#d9622b", "#159a74", "#b0438a", "#8467d0", "#a8871d", "#2a9fc2", "#6d7480"];
const DARK = ["#6ea2ff", "#ff9a63", "#45cfa4", "#ee83c6", "#b39bff", "#e0c04d", "#62d0f0", "#aab1bd"];

/** Whether the page is dark. */
export function isDark() {
  const body = document.body;
  if (body.dataset.jpThemeLight) return body.dataset.jpThemeLight === "false";
  if (body.classList.contains("vscode-dark") || body.classList.contains("vscode-high-contrast")) return true;
  if (body.classList.contains("vscode-light")) return false;
  return globalThis.matchMedia?.("(prefers-color-scheme: dark)").matches ?? false;
}

/** The colour of series number `index`. */
export function colour(index) {
  const colours = isDark() ? DARK : LIGHT;
  return colours[index % colours.length];
}

/** Call when the page changes its theme; returns how to stop. */
export function onTheme(changed) {
  const watch = new MutationObserver(changed);
  watch.observe(document.body, { attributes: true, attributeFilter: ["data-jp-theme-light", "data-jp-theme-name", "class"] });
  return () => watch.disconnect();
}

/** The value of a colour of the style sheet. */
export function styled(node, name) {
  return getComputedStyle(node).getPropertyValue(name).trim() || "#888";
}
