// The report works without this: it sorts tables by a column, and opens the reader's language.
"use strict";

function chooseLanguage() {
  const wanted = (navigator.languages || []).map((tag) => tag.slice(0, 2));
  const code = wanted.find((tag) => ["kk", "ru", "en"].includes(tag)) || "kk";
  location.replace(code + "/index.html");
}

function valueOf(row, column) {
  const cell = row.cells[column];
  if (cell.dataset.v !== undefined) {
    const number = Number(cell.dataset.v);
    return cell.dataset.v === "" ? null : Number.isNaN(number) ? cell.dataset.v : number;
  }
  return cell.classList.contains("num") ? null : cell.textContent.trim();
}

// What is not known stands last, whichever way the rest is sorted; the row of the whole stays where it is.
function sortBy(table, column, descending) {
  const collator = new Intl.Collator(document.documentElement.lang, { numeric: true });
  const body = table.tBodies[0];
  const rows = [...body.rows].filter((row) => !row.classList.contains("total"));
  const totals = [...body.rows].filter((row) => row.classList.contains("total"));
  const first = totals.length > 0 && body.rows[0] === totals[0];
  rows.sort((a, b) => {
    const [left, right] = [valueOf(a, column), valueOf(b, column)];
    if (left === null || right === null) return (left === null) - (right === null);
    const order = typeof left === "number" && typeof right === "number" ? left - right : collator.compare(left, right);
    return descending ? -order : order;
  });
  body.append(...(first ? [...totals, ...rows] : [...rows, ...totals]));
}

function makeSortable(table) {
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, column) => {
    if (head.classList.contains("plain")) return;
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const now = head.getAttribute("aria-sort");
      const descending = now ? now === "ascending" : head.classList.contains("num");
      heads.forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", descending ? "descending" : "ascending");
      sortBy(table, column, descending);
    });
  });
}

if (document.body.hasAttribute("data-choose-language")) chooseLanguage();
document.querySelectorAll("table.sortable").forEach(makeSortable);
