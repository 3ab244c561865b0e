"use strict";

/* The one script of this page. It hides the cases that are not asked for and says how many are left.
   It reads the table as text and writes nothing but numbers; it asks nothing of any other place and
   keeps nothing. Without it every case stays in sight, and the form, which could do nothing, is not
   shown. The page allows this script by its hash and no other. */

const form = document.getElementById("filters");
const shown = document.getElementById("shown");
const nothing = document.getElementById("nothing");

/* What the filters compare, read once: with ten thousand cases a key may take no longer than a blink.
   The table is in groups of rows, of which the browser lays out only those in sight. */
const groups = Array.from(document.querySelectorAll("#cases tbody:not(#nothing)"), (group) => ({
  group,
  cases: Array.from(group.rows, (row) => ({
    row,
    id: row.cells[0].textContent.trim().toLowerCase(),
    state: row.dataset.state,
    phase: row.dataset.phase,
    urgencies: row.dataset.urgency.split(" "),
    isAside: row.dataset.aside !== "0",
  })),
}));

/* Return whether a case is asked for: a filter that is left empty asks for every case. */
function isAskedFor(one, asked) {
  return one.id.includes(asked.id)
    && (asked.state === "" || one.state === asked.state)
    && (asked.phase === "" || one.phase === asked.phase)
    && (asked.urgency === "" || one.urgencies.includes(asked.urgency))
    && (!asked.isAside || one.isAside);
}

function choose() {
  const asked = {
    id: form.elements.id.value.trim().toLowerCase(),
    state: form.elements.state.value,
    phase: form.elements.phase.value,
    urgency: form.elements.urgency.value,
    isAside: form.elements.aside.checked,
  };
  const left = groups.reduce((sum, one) => sum + chooseIn(one, asked), 0);
  nothing.hidden = left > 0;
  shown.textContent = shown.dataset.said.replace("{shown}", left);
}

/* Hide what is not asked for in one group, and return how many rows are left: they say how much room
   the group takes while it is out of sight. */
function chooseIn({ group, cases }, asked) {
  let left = 0;
  for (const one of cases) {
    const isLeft = isAskedFor(one, asked);
    if (one.row.hidden === isLeft) one.row.hidden = !isLeft;
    if (isLeft) left += 1;
  }
  group.hidden = left === 0;
  group.style.setProperty("--rows", left);
  return left;
}

form.addEventListener("input", choose);
form.addEventListener("submit", (event) => event.preventDefault());
document.getElementById("clear").addEventListener("click", () => {
  form.reset();
  choose();
  form.elements.id.focus();
});

form.hidden = false;
choose(); /* a browser may have kept what was asked for before */
