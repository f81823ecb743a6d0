"use strict";
(() => {
  const plots = JSON.parse(document.getElementById("plots").textContent);
  const config = { responsive: true, displayModeBar: false, displaylogo: false, scrollZoom: false, doubleClick: false };
  const dark = window.matchMedia("(prefers-color-scheme: dark)");

  // "@gold" and "@gold/0.3" are the page's own colours, so that plots follow its scheme.
  const readColour = (text) => {
    const [name, opacity] = text.slice(1).split("/");
    const hex = getComputedStyle(document.documentElement).getPropertyValue("--" + name).trim();
    const parts = [1, 3, 5].map((start) => parseInt(hex.slice(start, start + 2), 16));
    return opacity === undefined ? hex : `rgba(${parts.join(",")},${opacity})`;
  };
  const isColour = (key) => /color$/i.test(key);
  const paint = (value, inColour) => {
    if (Array.isArray(value)) return value.map((each) => paint(each, inColour));
    if (value && typeof value === "object") {
      return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, paint(each, isColour(key) || key === "colorscale")]));
    }
    return inColour && typeof value === "string" && value.startsWith("@") ? readColour(value) : value;
  };
  const makeTemplate = () => {
    const axis = {
      gridcolor: "@grid", linecolor: "@rule", tickcolor: "@rule", zerolinecolor: "@rule", zeroline: false, fixedrange: true,
      automargin: true, ticks: "", title: { font: { size: 12, color: "@soft" }, standoff: 8 }, tickfont: { size: 12, color: "@soft" },
    };
    return { layout: paint({
      font: { family: getComputedStyle(document.body).fontFamily, size: 13, color: "@ink" },
      paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", xaxis: axis, yaxis: axis, showlegend: false, dragmode: false,
      hovermode: "closest", margin: { l: 44, r: 12, t: 10, b: 44 },
      hoverlabel: { bgcolor: "@card", bordercolor: "@faint", font: { color: "@ink", size: 13 }, align: "left" },
      annotationdefaults: { font: { size: 13, color: "@ink" } },
    }) };
  };
  const draw = (id, template) => {
    const { data, layout } = paint(plots[id]);
    return Plotly.react(id, data, { ...layout, template, autosize: true }, config);
  };
  const drawAll = async () => {
    const template = makeTemplate();
    for (const id of Object.keys(plots)) {
      try {
        await draw(id, template);
      } catch (error) {
        console.error(`plot ${id}: ${error}`);
      }
    }
    document.documentElement.dataset.drawn = String(Object.keys(plots).length);
  };
  // Plots are folded once they are drawn, at the width that they will have: on a phone all, else what cannot be told.
  const setFolds = (which, open) => document.querySelectorAll(which).forEach((each) => { each.open = open; });
  drawAll().then(() => setFolds(window.matchMedia("(max-width: 34rem)").matches ? ".folded" : ".is-untold", false));
  document.addEventListener("click", (event) => {
    const target = document.querySelector(event.target.closest?.("a[href^='#']")?.hash || "#none");
    target?.querySelectorAll("details.folded").forEach((each) => { each.open = true; });
  });
  window.addEventListener("beforeprint", () => setFolds("details", true));
  dark.addEventListener("change", drawAll);
  window.addEventListener("beforeprint", drawAll);
  window.addEventListener("afterprint", drawAll);
})();
