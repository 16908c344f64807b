// SPDX-License-Identifier: Apache-2.0
// A gift: the page says all without it. It adds search, keys, links to #case/target, and what is shown in the fragment.
"use strict";
(() => {
  const table = document.querySelector(".cases");
  const targets = [...table.tHead.rows[0].cells].slice(1).map((head) => head.title);
  const rows = new Map(); // by name of the case
  for (const body of table.tBodies) {
    const folder = body.rows[0].querySelector("span").textContent;
    for (const row of [...body.rows].slice(1)) {
      if (!row.matches(".v")) {
        const leaf = row.cells[0].querySelector("summary") ?? row.cells[0];
        row.dataset.case = `${folder}/${leaf.textContent}`;
        rows.set(row.dataset.case, row);
      }
    }
  }
  const all = [...rows.values()];
  const search = document.getElementById("search");
  const filters = [...document.querySelectorAll("[name=show]")];
  const usual = filters.find((each) => each.defaultChecked);
  let at = null; // the row that is looked at
  let searched = false; // whether there are rows that do not match

  const seen = (row) => row.checkVisibility();
  const filter = (word) => {
    document.getElementById(`show-${word}`).checked = true;
  };

  function find() {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    if (words.length || searched) match(words);
    searched = words.length > 0;
    search.parentElement.querySelector("output").textContent = searched ? `${all.filter(seen).length} shown` : "";
  }

  function match(words) {
    for (const body of table.tBodies) {
      let some = false;
      for (const row of [...body.rows].slice(1)) {
        const name = (row.matches(".v") ? row.previousElementSibling : row).dataset.case.toLowerCase();
        const matches = words.every((word) => name.includes(word));
        row.classList.toggle("unmatched", !matches);
        some ||= matches;
      }
      body.classList.toggle("unmatched", !some);
    }
  }

  function leave() {
    if (at) {
      for (const each of [at, at.parentElement, ...at.cells]) each.classList.remove("at");
    }
    at = null;
  }

  function go(row, target) {
    leave();
    at = row;
    row.classList.add("at");
    row.parentElement.classList.add("at");
    if (target) {
      // One cell can be that of all targets.
      const number = targets.indexOf(target);
      const cell = row.cells[Math.min(1 + number, row.cells.length - 1)];
      cell.style.setProperty("--at", number + 1 - cell.cellIndex);
      cell.classList.add("at");
    }
    const details = row.querySelector("details");
    if (details) details.open = true;
    row.scrollIntoView({ block: "center" });
    row.querySelector("summary")?.focus({ preventScroll: true });
  }

  // The fragment: #CASE, #CASE/TARGET, each with &show=FILTER and &search=WORDS behind it, where these are not as usual.
  function write(place) {
    const parts = place ? [encodeURI(place)] : [];
    const shown = filters.find((each) => each.checked);
    if (shown !== usual) parts.push(`show=${shown.id.slice(5)}`);
    if (search.value) parts.push(`search=${encodeURIComponent(search.value)}`);
    history.replaceState(null, "", parts.length ? `#${parts.join("&")}` : location.pathname + location.search);
  }

  function read() {
    let place = "";
    const asked = { show: usual.id.slice(5), search: "" };
    for (const part of location.hash.slice(1).split("&")) {
      const [, key, value] = /^(show|search)=(.*)$/.exec(part) ?? [];
      try {
        if (key) asked[key] = decodeURIComponent(value);
        else place = decodeURI(part);
      } catch {
        place = ""; // no fragment of ours
      }
    }
    if (document.querySelector(".q:target")) return leave();
    filters.find((each) => each.id === `show-${asked.show}`)?.click();
    search.value = asked.search;
    find();
    const target = targets.find((each) => place.endsWith(`/${each}`) && rows.has(place.slice(0, -each.length - 1)));
    const row = rows.get(target ? place.slice(0, -target.length - 1) : place);
    if (row) go(row, target);
    else leave();
  }

  function step(forward) {
    const failing = all.filter((row) => row.matches(".F") && (row === at || seen(row)));
    const next = failing[failing.indexOf(at) + (forward ? 1 : failing.includes(at) ? -1 : failing.length)];
    if (!next) return;
    at?.querySelector("details")?.removeAttribute("open");
    go(next);
    write(next.dataset.case);
  }

  const keys = {
    "/": () => search.focus(),
    n: () => step(true),
    p: () => step(false),
    f: () => toggle("failing"),
    d: () => toggle("differs"),
  };
  function toggle(word) {
    filter(document.getElementById(`show-${word}`).checked ? "all" : word);
    changed();
  }
  function changed() {
    find();
    write(at?.dataset.case);
  }

  document.addEventListener("keydown", (event) => {
    if (event.target === search) {
      if (event.key === "Escape" || event.key === "Enter") search.blur();
    } else if (!event.ctrlKey && !event.metaKey && !event.altKey && keys[event.key]) {
      event.preventDefault();
      keys[event.key]();
    }
  });
  table.addEventListener("click", (event) => {
    const cell = event.target.closest("tr[data-case] > td");
    if (!cell) return;
    const row = cell.parentElement;
    const { left, width } = cell.getBoundingClientRect();
    const inside = Math.floor(((event.clientX - left) / width) * cell.colSpan);
    const target = targets[cell.cellIndex - 1 + Math.max(0, Math.min(inside, cell.colSpan - 1))];
    go(row, target);
    write(`${row.dataset.case}/${target}`);
  });
  // Of many cells: what stands under a row is the text of a <noscript> until somebody looks.
  table.addEventListener(
    "toggle",
    (event) => {
      const kept = event.target.closest("tr").nextElementSibling.querySelector("noscript");
      if (kept) kept.outerHTML = kept.textContent;
    },
    true,
  );
  search.addEventListener("input", changed);
  for (const each of filters) each.addEventListener("change", changed);
  addEventListener("hashchange", read);
  document.querySelector(".search").hidden = false;
  read();
})();
