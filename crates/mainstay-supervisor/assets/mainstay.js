// Keeps the table fresh. Without it the page works the same, by hand.
"use strict";
(() => {
  const PERIOD = 2000;
  const copy = (node) => document.importNode(node, true);
  const key = (row) => row.dataset.key;
  const rows = (root) => [...root.querySelectorAll("tr[data-key]")];

  // A menu that is open, or a button that has the focus, stays until its process changes state.
  const isInUse = (cell) =>
    cell.querySelector("details[open]") !== null || cell.contains(document.activeElement);

  function updateRow(row, next) {
    const changed = row.dataset.state !== next.dataset.state;
    [...row.cells].forEach((cell, index) => {
      const fresh = next.cells[index];
      if (cell.innerHTML === fresh.innerHTML) return;
      if (cell.classList.contains("actions") && !changed && isInUse(cell)) return;
      cell.replaceWith(copy(fresh));
    });
    row.className = next.className;
    row.dataset.state = next.dataset.state ?? "";
  }

  function update(page) {
    const table = document.querySelector("table");
    const fresh = page.querySelector("table");
    if (table === null || fresh === null) {
      if (table !== fresh) location.reload();
      return;
    }
    const here = rows(table);
    const there = rows(fresh);
    if (here.map(key).join("\n") === there.map(key).join("\n")) {
      here.forEach((row, index) => updateRow(row, there[index]));
    } else {
      table.replaceWith(copy(fresh));
    }
    for (const id of ["counts", "now"]) {
      document.getElementById(id).replaceWith(copy(page.getElementById(id)));
    }
  }

  async function refresh() {
    if (!document.hidden) {
      try {
        const answer = await fetch("index.html", { cache: "no-store" });
        if (!answer.ok) throw new Error(answer.statusText);
        update(new DOMParser().parseFromString(await answer.text(), "text/html"));
        document.body.classList.remove("stale");
      } catch {
        document.body.classList.add("stale");
      }
    }
    setTimeout(refresh, PERIOD);
  }

  document.addEventListener("submit", (event) => {
    const button = event.submitter;
    if (button?.dataset.confirm && !confirm(button.dataset.confirm)) {
      event.preventDefault();
      return;
    }
    button?.setAttribute("aria-busy", "true");
  });

  // A click beside an open menu, or Escape, closes it.
  const closeMenus = (except) =>
    document.querySelectorAll("details[open]").forEach((menu) => {
      if (menu !== except) menu.open = false;
    });
  document.addEventListener("click", (event) => closeMenus(event.target.closest("details")));
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") closeMenus(null);
  });

  // The message is told once; loading the page again should not repeat it.
  if (location.search.includes("message=")) history.replaceState(null, "", location.pathname);
  document.body.classList.add("live");
  setTimeout(refresh, PERIOD);
})();
