// Draws the trends. The table beside each chart says the same, so the page is whole without this.
"use strict";

(() => {
  const tone = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
  const drawn = [];
  // series are told apart by their dashes as well as by their colours
  const dashes = { fail: [], unknown: [6, 4], pass: [2, 3] };

  function draw(figure) {
    const data = JSON.parse(document.getElementById(figure.dataset.chart).textContent);
    const language = document.documentElement.lang;
    const day = new Intl.DateTimeFormat(language, { day: "2-digit", month: "2-digit", timeZone: "UTC" });
    const whole = new Intl.DateTimeFormat(language, { day: "2-digit", month: "2-digit", year: "numeric", timeZone: "UTC" });
    const number = new Intl.NumberFormat(language);
    const axis = { stroke: tone("dim"), grid: { stroke: tone("line"), width: 1 }, ticks: { stroke: tone("line"), width: 1 }, font: "12px sans-serif" };
    const chart = new uPlot({
      width: figure.clientWidth,
      height: 220,
      cursor: { drag: { x: false, y: false } },
      scales: { x: { time: true }, y: { range: (_plot, _least, most) => [0, Math.max(1, most * 1.08)] } },
      tzDate: (stamp) => uPlot.tzDate(new Date(stamp * 1000), "Etc/UTC"),
      axes: [
        { ...axis, values: (_plot, marks) => marks.map((mark) => day.format(mark * 1000)), space: 64, incrs: [86400, 172800, 432000, 604800, 1209600, 2592000, 7776000] },
        { ...axis, size: 62, values: (_plot, marks) => marks.map((mark) => number.format(mark)), incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 1e4, 2e4, 5e4, 1e5, 2e5, 5e5, 1e6, 2e6, 5e6] },
      ],
      series: [
        { label: data.day, value: (_plot, mark) => (mark === null ? "–" : whole.format(mark * 1000)) },
        ...data.series.map((one) => ({
          label: one.label, stroke: tone(one.tone), width: 2, dash: dashes[one.tone], spanGaps: false, points: { show: data.days.length < 4 },
          value: (_plot, value) => (value === null ? "–" : number.format(value)),
        })),
      ],
    }, [data.days, ...data.series.map((one) => one.values)], figure);
    drawn.push([figure, chart]);
  }

  function again() {
    for (const [, chart] of drawn.splice(0)) chart.destroy();
    document.querySelectorAll("[data-chart]").forEach(draw);
  }

  again();
  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", again);
  new ResizeObserver(() => {
    for (const [figure, chart] of drawn) if (figure.clientWidth && chart.width !== figure.clientWidth) chart.setSize({ width: figure.clientWidth, height: 220 });
  }).observe(document.getElementById("main"));
})();
