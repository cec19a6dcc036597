// A button that opens a small panel below itself; Escape and clicks elsewhere close it.
import { button, element, setAttribute } from "./dom.js";

export class Menu {
  constructor(label, content, items) {
    this.items = items;
    this.panel = element("div", { class: "ph-menu", role: "group", "aria-label": label, hidden: true });
    this.button = button(label, content, () => this.toggle(), { "aria-expanded": "false", "aria-haspopup": "true" });
    this.root = element("div", { class: "ph-menu-root", onkeydown: (event) => event.key === "Escape" && this.close(true) }, this.button, this.panel);
    this.elsewhere = (event) => this.root.contains(event.target) || this.close();
  }

  toggle() {
    if (this.panel.hidden) this.open();
    else this.close(true);
  }

  open() {
    this.panel.replaceChildren(...this.items());
    this.panel.hidden = false;
    setAttribute(this.button, "aria-expanded", "true");
    document.addEventListener("pointerdown", this.elsewhere, true);
    this.panel.querySelector("input, select, button")?.focus();
  }

  close(back = false) {
    this.panel.hidden = true;
    setAttribute(this.button, "aria-expanded", "false");
    document.removeEventListener("pointerdown", this.elsewhere, true);
    if (back) this.button.focus();
  }
}
