// Draws the charts in the colours that style.css has for light or dark, and again when that changes.
"use strict";
(() => {
  const { specs, data } = JSON.parse(document.getElementById("payload").textContent);
  const places = [...document.querySelectorAll("[data-chart]")];
  let views = [];

  function theme() {
    const style = getComputedStyle(document.documentElement);
    const colour = (name) => style.getPropertyValue(`--${name}`).trim();
    const font = getComputedStyle(document.body).fontFamily;
    const dot = (color, size, more) => ({ color, size, opacity: 0.8, ...more });
    const line = (color, strokeWidth, more) => ({ color, strokeWidth, interpolate: "monotone", ...more });
    const text = (color, more) => ({ color, fontSize: 11, ...more });
    const ink = colour("ink"), muted = colour("muted"), surface = colour("surface");
    const candidate = colour("candidate"), winner = colour("winner"), baseline = colour("baseline");
    const hollow = { filled: false, strokeWidth: 1.5 };
    return {
      font,
      aria: false, // the page says in words what a chart shows
      background: null,
      padding: 2,
      view: { stroke: null },
      axis: {
        labelColor: muted, titleColor: muted, titleFontWeight: "normal", titleFontSize: 11,
        labelFontSize: 11, labelPadding: 6, titlePadding: 8, labelLimit: 110,
        gridColor: colour("line"), domain: false, ticks: false,
      },
      axisX: { grid: false },
      axisXQuantitative: { domain: true, domainColor: colour("line") },
      range: {
        diverging: [colour("line-worst"), colour("ramp-best")], // the lines': their worst must stand out too
        ramp: [colour("ramp-worst"), colour("ramp-middle"), colour("ramp-best")],
      },
      style: {
        candidate: dot(candidate, 42),
        candidate_small: dot(candidate, 14, { opacity: 0.55 }),
        winner: dot(winner, 80, { opacity: 1, stroke: surface, strokeWidth: 1.5 }),
        cpu: dot(candidate, 42), cpu_small: dot(candidate, 12),
        fit: dot(candidate, 42, hollow), fit_small: dot(candidate, 12, hollow),
        band: { color: candidate, opacity: 0.22 },
        baseline: { color: baseline, strokeWidth: 1.5, strokeDash: [4, 3] },
        median: { color: ink, strokeWidth: 2, opacity: 0.75 },
        stem: { color: colour("line"), strokeWidth: 2 },
        axis: { color: colour("axis"), strokeWidth: 1 },
        line: line(null, 1.6, { opacity: 0.75 }),
        line_small: line(null, 0.9, { opacity: 0.35 }),
        winner_line: line(winner, 3, { opacity: 1 }),
        hover_line: line(ink, 2.5, { opacity: 1 }),
        tick: text(muted, { align: "left", baseline: "middle", dx: 6 }),
        tick_halo: text(surface, { align: "left", baseline: "middle", dx: 6, stroke: surface, strokeWidth: 4 }),
        axis_title: text(ink, { fontWeight: 600, align: "center", baseline: "bottom" }),
        on_strong: text(colour("on-strong"), { baseline: "middle" }),
        on_weak: text(colour("on-weak"), { baseline: "middle" }),
      },
    };
  }

  async function drawInto(place, options) {
    const spec = structuredClone({ ...specs[place.dataset.chart], datasets: data });
    const { view } = await vegaEmbed(place, spec, options);
    // Of a line, Vega shows the tooltip at its points alone.
    view.addEventListener("pointermove", (event, item) => {
      if (item?.mark.marktype === "line") view.tooltip()(view, event, item, item.tooltip);
    });
    return view;
  }

  async function draw() {
    views.forEach((view) => view.finalize());
    const options = {
      actions: false, ast: true, config: theme(), defaultStyle: false, renderer: "svg",
      tooltip: { disableDefaultStyle: true, theme: "page" },
    };
    views = await Promise.all(places.map((place) => drawInto(place, options)));
    document.documentElement.dataset.drawn = views.length;
  }

  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  draw();
})();
