// Draws the charts in the colours that style.css has for light or dark, and again when that changes.
"use strict";
(() => {
  const { specs, data, theme } = JSON.parse(document.getElementById("payload").textContent);
  const places = [...document.querySelectorAll("[data-chart]")];
  let views = [];

  function inColour(config) {
    const style = getComputedStyle(document.documentElement);
    const text = JSON.stringify(config).replace(/var\((--[a-z-]+)\)/g, (_, name) => style.getPropertyValue(name).trim());
    return { ...JSON.parse(text), font: getComputedStyle(document.body).fontFamily };
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
      actions: false, ast: true, config: inColour(theme), defaultStyle: false, renderer: "svg",
      tooltip: { disableDefaultStyle: true, theme: "page" },
    };
    views = await Promise.all(places.map((place) => drawInto(place, options)));
    document.documentElement.dataset.drawn = views.length;
  }

  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  draw();
})();
