// Small comforts. Every page works without them.
"use strict";

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  const text = document.getElementById(button.dataset.copy).innerText;
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // plain http on another machine than localhost has no clipboard: select the text instead
    const range = document.createRange();
    range.selectNodeContents(document.getElementById(button.dataset.copy));
    const selection = window.getSelection();
    selection.removeAllRanges();
    selection.addRange(range);
    return;
  }
  const label = button.querySelector("span");
  const before = label.textContent;
  label.textContent = button.dataset.done;
  setTimeout(() => { label.textContent = before; }, 1500);
});

document.addEventListener("change", (event) => {
  if (event.target.matches("[data-submit]")) event.target.form.requestSubmit();
});

// a link to a check opens it: it lies folded in its list
function unfold() {
  const aimed = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (aimed && aimed.matches("details")) { aimed.open = true; aimed.scrollIntoView(); }
}
window.addEventListener("hashchange", unfold);
document.addEventListener("DOMContentLoaded", unfold);

// a table wider than the screen is scrolled by keyboard too
function reachable() {
  for (const place of document.querySelectorAll(".scroll, pre")) {
    if (place.scrollWidth > place.clientWidth || place.scrollHeight > place.clientHeight) place.tabIndex = 0;
    else place.removeAttribute("tabindex");
  }
}
document.addEventListener("DOMContentLoaded", reachable);
document.addEventListener("toggle", reachable, true);
window.addEventListener("resize", reachable);

// the page that waits for the first machine: asks every few seconds, and says only what is new
for (const place of document.querySelectorAll("[data-await]")) {
  let before = "";
  const look = async () => {
    try {
      const answer = await fetch(place.dataset.await, { headers: { Accept: "application/json" } });
      if (answer.ok && !document.hidden) {
        const { machines } = await answer.json();
        const now = JSON.stringify(machines);
        if (now !== before && machines.length) {
          place.querySelector("[data-waiting]")?.remove();
          place.querySelector(".arrived").replaceChildren(...machines.map((machine) => {
            const line = document.createElement("li"), link = document.createElement("a"), said = document.createElement("span");
            link.href = machine.url;
            link.textContent = machine.name;
            said.textContent = machine.said;
            line.append(link, " ", said);
            return line;
          }));
        }
        before = now;
        if (machines.some((machine) => machine.reported)) return;
      }
    } catch { /* the collector is away for a moment */ }
    setTimeout(look, 3000);
  };
  setTimeout(look, 3000);
}

// a link to #fail opens nothing by itself, so printing opens everything
window.addEventListener("beforeprint", () => {
  document.querySelectorAll("details").forEach((one) => { one.open = true; });
});
