"use strict";
const rows = [...document.querySelectorAll("article")];
const buttons = [...document.querySelectorAll("nav button[data-verdict]")];
const words = document.querySelector("nav input");
function filter() {
  const chosen = new Set(buttons.filter((button) => button.getAttribute("aria-pressed") === "true").map((button) => button.dataset.verdict));
  const wanted = words.value.toLowerCase();
  for (const row of rows) {
    const fits = (chosen.size === 0 || chosen.has(row.dataset.verdict)) && row.textContent.toLowerCase().includes(wanted);
    row.hidden = !fits;
  }
  for (const section of document.querySelectorAll("section.items")) {
    section.hidden = ![...section.querySelectorAll("article")].some((row) => !row.hidden);
  }
}
for (const button of buttons) {
  button.addEventListener("click", () => {
    button.setAttribute("aria-pressed", button.getAttribute("aria-pressed") === "true" ? "false" : "true");
    filter();
  });
}
words.addEventListener("input", filter);
document.querySelector("#unfold").addEventListener("click", () => {
  const folded = [...document.querySelectorAll("article details")];
  const open = folded.some((part) => !part.open);
  folded.forEach((part) => { part.open = open; });
});
// Paper has no folds: what is folded is printed whole, and folded again after.
let before = [];
window.addEventListener("beforeprint", () => {
  before = [...document.querySelectorAll("details")].filter((part) => !part.open);
  before.forEach((part) => { part.open = true; });
});
window.addEventListener("afterprint", () => before.forEach((part) => { part.open = false; }));
document.querySelector("nav").hidden = false;
