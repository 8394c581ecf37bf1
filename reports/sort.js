// Sorts a table by a column when its header is chosen; without it the tables stand in the order of the report.
"use strict";
for (const table of document.querySelectorAll(".scroll table")) {
  const heads = [...table.querySelectorAll("thead th")], bodies = [...table.tBodies];
  const single = bodies.length === 1 ? bodies[0] : null;
  // What is sorted: bodies of a function each, or rows, with the line below that belongs to one.
  const parts = [...(single ? single.rows : bodies)], units = [], rest = parts.filter(part => part.matches(".rest"));
  for (const part of parts) if (!rest.includes(part)) part.matches(".why") ? units.at(-1).push(part) : units.push([part]);
  if (units.length < 3 || table.querySelector(".group, .sum") || heads.some(head => head.colSpan > 1)) continue;
  const value = (unit, i) => {
    const row = unit[0].rows ? unit[0].rows[0] : unit[0], cell = row.cells[i] || row.cells[0];
    const text = cell.dataset.sort || cell.innerText.trim();
    const number = parseFloat(text.replace(/−/g, "-").replace(/[^\d.-]/g, ""));
    return heads[i].classList.contains("n") ? (isNaN(number) ? -Infinity : number) : text.toLowerCase();
  };
  heads.forEach((head, i) => {
    if (head.matches(".track")) return;
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const down = head.ariaSort ? head.ariaSort !== "descending" : head.classList.contains("n");
      heads.forEach(other => other.removeAttribute("aria-sort"));
      head.ariaSort = down ? "descending" : "ascending";
      units.map(unit => [value(unit, i), unit])
        .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0) * (down ? -1 : 1))
        .forEach(([, unit]) => (single || table).append(...unit));
      (single || table).append(...rest);
      if (table.tFoot) table.append(table.tFoot);
    });
  });
}
