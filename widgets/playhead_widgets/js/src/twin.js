// Hides the static twin of a view while the view is alive.

/** Hide the twin beside this view as soon as it stands in a page; returns how to show it again. */
export function hideTwin(root) {
  let area = null;
  const look = new ResizeObserver(() => {
    if (area || !root.isConnected) return;
    area = root.closest(".jp-OutputArea, .output_area, .cell-output");
    if (!area) return;
    area.dataset.playheadViews = Number(area.dataset.playheadViews ?? 0) + 1;
    look.disconnect();
  });
  look.observe(root);
  return () => {
    look.disconnect();
    if (!area) return;
    const left = Number(area.dataset.playheadViews) - 1;
    if (left > 0) area.dataset.playheadViews = left;
    else delete area.dataset.playheadViews;
  };
}
