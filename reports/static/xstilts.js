// Long tables can be searched (every word must occur in a row) and sorted by a column.
document.querySelectorAll("table.long").forEach((table) => {
  const rows = [...table.tBodies[0].rows];
  const texts = rows.map((row) => row.textContent.toLowerCase());
  const label = document.createElement("label");
  const input = document.createElement("input");
  const count = document.createElement("span");
  label.className = "filter";
  input.type = "search";
  input.placeholder = "words to look for, such as mnli qaa";
  const show = () => {
    const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    let seen = 0;
    rows.forEach((row, i) => {
      row.hidden = !words.every((word) => texts[i].includes(word));
      seen += !row.hidden;
    });
    count.textContent = ` ${seen} of ${rows.length} rows`;
  };
  input.addEventListener("input", show);
  label.append("Search ", input, count);
  table.closest(".wide").before(label);
  show();
  [...table.tHead.rows[0].cells].forEach((head, column) => {
    const button = document.createElement("button");
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const up = head.getAttribute("aria-sort") !== "ascending";
      table.querySelectorAll("th[aria-sort]").forEach((th) => th.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", up ? "ascending" : "descending");
      const key = (row) => row.cells[column].textContent.trim();
      const compare = (a, b) => {
        const [x, y] = [parseFloat(key(a)), parseFloat(key(b))];
        const numbers = !Number.isNaN(x) && !Number.isNaN(y);
        return numbers ? x - y : key(a).localeCompare(key(b));
      };
      rows.slice().sort((a, b) => (up ? compare(a, b) : compare(b, a)))
        .forEach((row) => table.tBodies[0].append(row));
    });
  });
});
