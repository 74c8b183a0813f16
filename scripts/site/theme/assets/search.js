// Search over window.searchIndex ({location, title, text}), which is a script too: a page opened as a file may fetch nothing.
// Marks do not count: "may chu" finds "máy chủ".
(function () {
  "use strict";
  const MOST = 40, AROUND = 160;
  const field = document.getElementById("search-query");
  const place = document.getElementById("search-results");
  const status = document.getElementById("search-status");
  if (!field || !place) return;

  // letter for letter, so that a place in the folded text is the same place in the text
  function fold(text) {
    return Array.from(text.normalize("NFC"), (letter) => {
      const bare = letter.normalize("NFD")[0].toLowerCase();
      return bare === "đ" ? "d" : bare.length === 1 ? bare : " ";
    }).join("");
  }

  let pages = null;
  function ready() {
    pages = pages || window.searchIndex.map((page) => {
      const text = page.text.normalize("NFC");
      return { location: page.location, title: page.title, text: text, inTitle: fold(page.title), inText: fold(text) };
    });
    return pages;
  }

  function score(page, words) {
    let total = 0;
    for (const word of words) {
      const title = page.inTitle.includes(word), text = page.inText.split(word).length - 1;
      if (!title && !text) return 0;
      total += (title ? 20 : 0) + Math.min(text, 5);
    }
    return total;
  }

  function show() {
    const words = fold(field.value).split(/\s+/).filter((word) => word.length > 1);
    place.replaceChildren();
    status.textContent = "";
    if (!words.length) return;
    const found = ready().map((page) => [score(page, words), page]).filter((pair) => pair[0]);
    found.sort((one, other) => other[0] - one[0]);
    status.textContent = found.length ? found.length + " kết quả · results" : place.dataset.none;
    for (const [, page] of found.slice(0, MOST)) {
      const link = document.createElement("a"), text = document.createElement("p"), heading = document.createElement("h3");
      link.href = base_url.replace(/\/?$/, "/") + page.location;
      link.textContent = page.title;
      heading.append(link);
      const at = Math.max(page.inText.indexOf(words[0]) - AROUND / 2, 0);
      text.textContent = (at ? "… " : "") + page.text.slice(at, at + AROUND) + " …";
      place.append(heading, text);
    }
  }

  field.value = new URLSearchParams(window.location.search).get("q") || "";
  field.addEventListener("input", show);
  const index = document.createElement("script");
  index.src = base_url.replace(/\/?$/, "/") + "search/index.js";
  index.onload = show;
  document.head.append(index);
})();
