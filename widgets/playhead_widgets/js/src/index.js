// Where a widget's page begins: one script for every kind of view.
import { Chart } from "./chart.js";
import { conductor } from "./conductor.js";
import { element } from "./dom.js";
import { Table } from "./table.js";
import { Transport } from "./transport.js";
import { hideTwin } from "./twin.js";
import "uplot/dist/uPlot.min.css";
import "./style.css";

const VIEWS = { table: Table, chart: Chart, transport: Transport };

function render({ model, el }) {
  const client = Math.random().toString(36).slice(2) + Date.now().toString(36);
  const root = element("section", {
    class: `ph-view ph-${model.get("kind")}`,
    "data-lm-suppress-shortcuts": "true", // keys in here are not the notebook's
    "data-client": client,
    "aria-label": model.get("label"),
  });
  el.append(root);
  const say = (content) => model.send({ client, ...content });
  const view = new VIEWS[model.get("kind")](root, { setup: model.get("setup"), label: model.get("label"), say });
  const member = conductor().join({ client, group: model.get("group"), root, view, say });
  const hear = (content, buffers) => {
    if (content.client === client) member.hear(content, buffers);
  };
  model.on("msg:custom", hear);
  const showTwin = hideTwin(root);
  say({ kind: "open", wants: view.wants() });
  return () => {
    model.off("msg:custom", hear);
    say({ kind: "close" });
    member.leave();
    view.destroy?.();
    showTwin();
  };
}

export default { render };
