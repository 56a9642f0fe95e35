// @ts-check
// What the page can do beyond being read: sort, filter, look closer at a time, show details under their row, remember
// all of it in the address, light or dark, save the data. Without it nothing is missing.
"use strict";
(() => {
  /**
   * Elements of one kind, in the order of the page.
   * @template {Element} T
   * @param {new () => T} kind
   * @param {string} selector
   * @param {ParentNode} [within]
   * @returns {T[]}
   */
  const all = (kind, selector, within = document) =>
    [...within.querySelectorAll(selector)].flatMap((each) => (each instanceof kind ? [each] : []));
  /** @param {string} id */
  const byId = (id) => document.getElementById(id);
  /** @param {string} text */
  const say = (text) => {
    const status = byId("status");
    if (status) status.textContent = text;
  };

  // The address: #SECTION&q=FILTER&t=FROM-TO&open=op-1,op-2&sort=TABLE.COLUMN.DIRECTION&theme=dark
  /** @type {Map<string, string>} */
  const state = new Map();
  let place = "";
  function readAddress() {
    const [first = "", ...pairs] = location.hash.slice(1).split("&");
    const parts = first.includes("=") ? [first, ...pairs] : pairs;
    place = first.includes("=") ? "" : first;
    state.clear();
    for (const part of parts) {
      const at = part.indexOf("=");
      if (at > 0) state.set(part.slice(0, at), decode(part.slice(at + 1)));
    }
  }
  /** A broken escape in an address is text like any other. @param {string} text */
  function decode(text) {
    try {
      return decodeURIComponent(text);
    } catch (error) {
      if (error instanceof URIError) return text;
      throw error;
    }
  }
  /** @param {string} key @param {string | undefined} value */
  function remember(key, value) {
    if (value === undefined || value === "") state.delete(key);
    else state.set(key, value);
    const pairs = [...state].map(([name, text]) => `${name}=${encodeURIComponent(text)}`);
    history.replaceState(null, "", `#${[place, ...pairs].join("&")}`);
  }

  // Filter
  /** @type {{ row: HTMLTableRowElement, text: string }[] | undefined} */
  let rows;
  /** @param {string} wanted */
  function filter(wanted) {
    rows ??= all(HTMLTableRowElement, "table[data-filter] > tbody > tr:not(.inserted)").map((row) => {
      const head = row.querySelector("th");
      return { row, text: ((head ?? row).textContent ?? "").toLowerCase() };
    });
    const words = wanted.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const { row, text } of rows) {
      const hides = !words.every((word) => text.includes(word));
      if (row.hidden !== hides) row.hidden = hides;
      if (!hides) shown++;
    }
    // Details stay with their row.
    for (const inserted of all(HTMLTableRowElement, "tr.inserted")) {
      const owner = inserted.previousElementSibling;
      inserted.toggleAttribute("hidden", owner instanceof HTMLTableRowElement && owner.hidden === true);
    }
    for (const flame of flames) flame.search(words);
    if (words.length > 0) say(`${shown} rows match`);
  }

  // Sort
  /** @param {HTMLTableElement} table @param {number} column @param {boolean} descending */
  function sort(table, column, descending) {
    const body = table.tBodies[0];
    if (!body) return;
    for (const inserted of all(HTMLTableRowElement, "tr.inserted", body)) closeRow(inserted);
    const keyed = [...body.rows].map((row) => {
      const cell = row.cells[column];
      const value = cell?.dataset["v"];
      const number = value === undefined ? Number.NaN : value === "" ? Number.NEGATIVE_INFINITY : Number(value);
      return { row, number, text: (cell?.textContent ?? "").trim() };
    });
    const sign = descending ? -1 : 1;
    keyed.sort((a, b) => {
      if (a.row.classList.contains("total") !== b.row.classList.contains("total"))
        return a.row.classList.contains("total") ? 1 : -1;
      if (Number.isNaN(a.number) || Number.isNaN(b.number))
        return sign * a.text.localeCompare(b.text, "en", { numeric: true });
      return a.number === b.number ? 0 : a.number < b.number ? -sign : sign;
    });
    body.append(...keyed.map(({ row }) => row));
    for (const [i, head] of [...(table.tHead?.rows[0]?.cells ?? [])].entries()) {
      if (i === column) head.setAttribute("aria-sort", descending ? "descending" : "ascending");
      else head.removeAttribute("aria-sort");
    }
  }
  const tables = all(HTMLTableElement, "table.sortable");
  tables.forEach((table, index) => {
    [...(table.tHead?.rows[0]?.cells ?? [])].forEach((head, column) => {
      if (head.classList.contains("plain")) return;
      const button = document.createElement("button");
      button.type = "button";
      button.className = "sort";
      // The explanation beside the words stays a button of its own.
      const info = head.querySelector(".hint");
      button.append(...[...head.childNodes].filter((node) => node !== info));
      head.prepend(button);
      button.addEventListener("click", () => {
        const first =
          head.classList.contains("n") || head.textContent?.startsWith("change") ? "descending" : "ascending";
        const now = head.getAttribute("aria-sort");
        const descending = now ? now === "ascending" : first === "descending";
        sort(table, column, descending);
        remember("sort", `${index}.${column}.${descending ? "d" : "a"}`);
      });
    });
  });

  // Details under their row
  /** @param {HTMLTableRowElement} inserted */
  function closeRow(inserted) {
    const detail = inserted.querySelector("details");
    const home = detail && byId(`home-${detail.id}`);
    if (detail && home) {
      detail.open = false;
      home.replaceWith(detail);
    }
    inserted.remove();
  }
  /** @param {string} id */
  function toggleRow(id) {
    const row = all(HTMLTableRowElement, `tr[data-row="${id}"]`)[0];
    const detail = all(HTMLDetailsElement, `#${id}`)[0];
    if (!row || !detail) return false;
    const link = row.querySelector("a.open");
    const below = row.nextElementSibling;
    if (below instanceof HTMLTableRowElement && below.classList.contains("inserted")) {
      closeRow(below);
      link?.setAttribute("aria-expanded", "false");
    } else {
      const home = document.createElement("span");
      home.id = `home-${id}`;
      detail.replaceWith(home);
      const inserted = document.createElement("tr");
      inserted.className = "inserted";
      const cell = inserted.insertCell();
      cell.colSpan = row.cells.length;
      cell.append(detail);
      detail.open = true;
      row.after(inserted);
      link?.setAttribute("aria-expanded", "true");
    }
    remember(
      "open",
      all(HTMLElement, "tr.inserted details")
        .map((each) => each.id)
        .join(","),
    );
    return true;
  }
  for (const link of all(HTMLElement, "a.open")) link.setAttribute("aria-expanded", "false");
  document.addEventListener("click", (event) => {
    const link = event.target instanceof Element ? event.target.closest("a.open") : null;
    const id = link?.getAttribute("href")?.slice(1);
    if (id && toggleRow(id)) event.preventDefault();
  });

  // Time: a cursor that reads values off, and a closer look, the same in every chart
  const UNITS = 10_000;
  const timeCharts = all(SVGSVGElement, "svg.time");
  /** @typedef {{ svg: SVGSVGElement, plot: SVGSVGElement, from: number, to: number, top: number, unit: string, lines: { name: string, points: [number, number][] }[], readout: HTMLElement, cursor: SVGElement }} Chart */
  /** @type {Map<SVGSVGElement, Chart>} */
  const charts = new Map();
  /** @param {string} path @returns {[number, number][]} */
  function pointsOf(path) {
    /** @type {[number, number][]} */
    const points = [];
    let x = 0;
    let y = 0;
    for (const [, command, a, b] of path.matchAll(/([Ml])(-?\d+) ?(-?\d+)/g)) {
      x = command === "M" ? Number(a) : x + Number(a);
      y = command === "M" ? Number(b) : y + Number(b);
      points.push([x, y]);
    }
    return points;
  }
  /** @param {SVGSVGElement} svg @returns {Chart | undefined} */
  function chartOf(svg) {
    const known = charts.get(svg);
    if (known) return known;
    const plot = all(SVGSVGElement, ".plot", svg)[0];
    const caption = svg.closest("figure")?.querySelector("figcaption");
    if (!plot || !caption) return undefined;
    const readout = document.createElement("span");
    readout.className = "readout";
    caption.prepend(readout);
    const cursor = document.createElementNS("http://www.w3.org/2000/svg", "path");
    cursor.setAttribute("class", "cursor");
    plot.append(cursor);
    const { from, to, top, unit } = svg.dataset;
    const lines = all(SVGElement, "path.line", plot).map((line) => ({
      name: line.dataset["name"] ?? "",
      points: pointsOf(line.getAttribute("d") ?? ""),
    }));
    const chart = {
      svg,
      plot,
      from: Number(from),
      to: Number(to),
      top: Number(top),
      unit: unit ?? "",
      lines,
      readout,
      cursor,
    };
    charts.set(svg, chart);
    return chart;
  }
  /** @type {Record<string, [number, string][]>} */
  const scales = {
    ns: [
      [60e9, " min"],
      [1e9, " s"],
      [1e6, " ms"],
      [1e3, " µs"],
      [1, " ns"],
    ],
    bytes: [
      [1e9, " GB"],
      [1e6, " MB"],
      [1e3, " kB"],
      [1, " B"],
    ],
    "bytes/s": [
      [1e9, " GB/s"],
      [1e6, " MB/s"],
      [1e3, " kB/s"],
      [1, " B/s"],
    ],
    "1/s": [
      [1e6, " M/s"],
      [1e3, " k/s"],
      [1, "/s"],
    ],
  };
  /** No more digits than the drawing holds. @param {number} value @param {Chart} chart */
  function figure(value, { unit, top }) {
    const digits = value <= 0 ? 1 : Math.max(1, Math.min(3, Math.floor(Math.log10(value / (top / UNITS))) + 1));
    const scale = scales[unit] ?? [[1, ""]];
    const [factor, suffix] = scale.find(([size]) => value >= size) ?? scale[scale.length - 1] ?? [1, ""];
    return `${Number((value / factor).toPrecision(digits))}${suffix}`;
  }
  /** @param {number} seconds */
  const clock = (seconds) => `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, "0")}`;
  /** @param {[number, number][]} points @param {number} x */
  function nearest(points, x) {
    let low = 0;
    let high = points.length - 1;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if ((points[middle]?.[0] ?? 0) < x) low = middle;
      else high = middle;
    }
    const [a, b] = [points[low], points[high]];
    return a && b && Math.abs(a[0] - x) <= Math.abs(b[0] - x) ? a : b;
  }
  /** @param {Chart} chart @param {number | undefined} x */
  function point(chart, x) {
    if (x === undefined) {
      chart.cursor.removeAttribute("d");
      chart.readout.textContent = "";
      return "";
    }
    chart.cursor.setAttribute("d", `M${x} 0v${UNITS}`);
    const seconds = (chart.from + ((chart.to - chart.from) * x) / UNITS) / 1000;
    const values = chart.lines.flatMap(({ name, points }) => {
      const found = nearest(points, x);
      return found ? [`${name} ${figure((1 - found[1] / UNITS) * chart.top, chart)}`] : [];
    });
    const text = `${clock(seconds)}  ${values.join("  ")}`;
    chart.readout.textContent = text;
    return text;
  }
  /** @type {[number, number]} */
  let range = [0, UNITS];
  /** @param {[number, number]} next */
  function zoom(next) {
    range = next[1] - next[0] < 20 ? [0, UNITS] : [Math.max(0, next[0]), Math.min(UNITS, next[1])];
    const isWhole = range[0] === 0 && range[1] === UNITS;
    for (const svg of timeCharts) {
      const chart = chartOf(svg);
      if (!chart) continue;
      chart.plot.setAttribute("viewBox", `${range[0]} 0 ${range[1] - range[0]} ${UNITS}`);
      // The names of the parts stand under the whole run; a closer look leaves them out.
      svg.querySelector(".phases")?.setAttribute("visibility", isWhole ? "visible" : "hidden");
      labelTimes(chart);
    }
    const seconds = range.map((x) => Number((atMs(x) / 1000).toFixed(1)));
    remember("t", isWhole ? undefined : `${seconds[0]}-${seconds[1]}`);
  }
  /** @param {number} x */
  function atMs(x) {
    const first = charts.values().next().value;
    return first ? first.from + ((first.to - first.from) * x) / UNITS : 0;
  }
  /** @param {Chart} chart */
  function labelTimes(chart) {
    const group = chart.svg.querySelector(".times");
    const width = Number(chart.plot.getAttribute("width"));
    const left = Number(chart.plot.getAttribute("x"));
    const y = group?.querySelector("text")?.getAttribute("y");
    if (!group || !y) return;
    const [from, to] = range.map((x) => (chart.from + ((chart.to - chart.from) * x) / UNITS) / 1000);
    if (from === undefined || to === undefined) return;
    const step =
      [0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600, 7200, 14400, 43200].find(
        (each) => each >= (to - from) / 6,
      ) ?? 86400;
    group.replaceChildren();
    for (let at = Math.ceil(from / step) * step; at <= to + 1e-9; at += step) {
      const text = document.createElementNS("http://www.w3.org/2000/svg", "text");
      text.setAttribute("class", "tick");
      text.setAttribute("x", String(left + ((at - from) / (to - from)) * width));
      text.setAttribute("y", y);
      text.setAttribute("text-anchor", "middle");
      text.textContent = step < 1 ? at.toFixed(1) : clock(at);
      group.append(text);
    }
  }
  /** @param {PointerEvent} event @param {SVGSVGElement} svg */
  function xOf(event, svg) {
    const chart = chartOf(svg);
    if (!chart) return undefined;
    const box = chart.plot.getBoundingClientRect();
    // The inner drawing's box is that of its content; the outer one and its attributes give the plot's place.
    const outer = svg.getBoundingClientRect();
    const scale = outer.width / svg.viewBox.baseVal.width;
    const left = outer.left + Number(chart.plot.getAttribute("x")) * scale;
    const width = Number(chart.plot.getAttribute("width")) * scale || box.width;
    const share = Math.min(1, Math.max(0, (event.clientX - left) / width));
    return Math.round(range[0] + share * (range[1] - range[0]));
  }
  for (const svg of timeCharts) {
    svg.setAttribute("tabindex", "0");
    svg.setAttribute("aria-keyshortcuts", "ArrowLeft ArrowRight + - Escape");
    /** @type {number | undefined} */
    let begun;
    /** @type {SVGElement | undefined} */
    let mark;
    let at = UNITS / 2;
    svg.addEventListener("pointermove", (event) => {
      const chart = chartOf(svg);
      const x = xOf(event, svg);
      if (!chart || x === undefined) return;
      point(chart, x);
      if (begun !== undefined && mark) mark.setAttribute("d", `M${begun} 0H${x}V${UNITS}H${begun}z`);
    });
    svg.addEventListener("pointerleave", () => {
      const chart = charts.get(svg);
      if (chart && begun === undefined) point(chart, undefined);
    });
    svg.addEventListener("pointerdown", (event) => {
      const chart = chartOf(svg);
      if (event.button !== 0 || !chart) return;
      begun = xOf(event, svg);
      mark = document.createElementNS("http://www.w3.org/2000/svg", "path");
      mark.setAttribute("class", "selection");
      chart.plot.append(mark);
      svg.setPointerCapture(event.pointerId);
    });
    svg.addEventListener("pointerup", (event) => {
      const x = xOf(event, svg);
      mark?.remove();
      if (begun !== undefined && x !== undefined && Math.abs(x - begun) > 50)
        zoom([Math.min(begun, x), Math.max(begun, x)]);
      begun = undefined;
    });
    svg.addEventListener("dblclick", () => zoom([0, UNITS]));
    svg.addEventListener("keydown", (event) => {
      const chart = chartOf(svg);
      if (!chart) return;
      const width = range[1] - range[0];
      const keys = /** @type {Record<string, () => void>} */ ({
        ArrowLeft: () => (at = Math.max(range[0], at - width / 60)),
        ArrowRight: () => (at = Math.min(range[1], at + width / 60)),
        Home: () => (at = range[0]),
        End: () => (at = range[1]),
        "+": () => zoom([Math.round(at - width / 4), Math.round(at + width / 4)]),
        "-": () => zoom([Math.round(at - width), Math.round(at + width)]),
        Escape: () => zoom([0, UNITS]),
      });
      const action = keys[event.key];
      if (!action) return;
      action();
      event.preventDefault();
      say(point(chart, Math.round(at)));
    });
  }

  // Flame graphs: looked into by pointer and by keys
  const FLAME_WIDTH = 1200;
  const LETTER = 6.7;
  /** @typedef {{ group: SVGGElement, rect: SVGRectElement, name: string, lines: string[], x: number, width: number, y: number }} Frame */
  class Flame {
    /** @param {SVGSVGElement} svg @param {number} index */
    constructor(svg, index) {
      this.svg = svg;
      this.index = index;
      /** @type {Frame[]} */
      this.frames = all(SVGGElement, "g", svg).flatMap((group) => {
        const rect = all(SVGRectElement, "rect", group)[0];
        const lines = (group.querySelector("title")?.textContent ?? "").split("\n");
        if (!rect) return [];
        const [x = 0, width = 0, y = 0] = ["x", "width", "y"].map((name) => Number(rect.getAttribute(name)));
        return [{ group, rect, name: lines[0] ?? "", lines, x, width, y }];
      });
      this.root = 0;
      this.here = 0;
      svg.setAttribute("tabindex", "0");
      svg.setAttribute("aria-keyshortcuts", "ArrowUp ArrowDown ArrowLeft ArrowRight Enter Escape");
      const caption = svg.closest("figure")?.querySelector("figcaption");
      this.readout = document.createElement("span");
      this.readout.className = "readout";
      caption?.prepend(this.readout);
      svg.addEventListener("click", (event) => {
        const at = this.frameAt(event);
        if (at >= 0) this.look(at);
      });
      svg.addEventListener("dblclick", () => this.look(0));
      svg.addEventListener("pointermove", (event) => {
        const frame = this.frames[this.frameAt(event)];
        this.readout.textContent = frame ? frame.lines.join("  ") : "";
      });
      svg.addEventListener("keydown", (event) => this.press(event));
      svg.addEventListener("blur", () => this.frames[this.here]?.group.classList.remove("here"));
    }
    /** @param {Event} event */
    frameAt(event) {
      const group = event.target instanceof Element ? event.target.closest("g") : null;
      return this.frames.findIndex((frame) => frame.group === group);
    }
    /** Whether a frame lies under another or is it. @param {Frame} frame @param {Frame} above */
    isWithin(frame, above) {
      return frame.y >= above.y && frame.x >= above.x - 0.2 && frame.x + frame.width <= above.x + above.width + 0.6;
    }
    /** Makes a frame as wide as the drawing; those above it keep the whole width, those beside it vanish. @param {number} index */
    look(index) {
      const root = this.frames[index];
      if (!root) return;
      this.root = index;
      this.here = index;
      const scale = FLAME_WIDTH / (root.width + 0.5);
      for (const frame of this.frames) {
        const isAbove = frame.y < root.y && this.isWithin(root, frame);
        const isShown = isAbove || this.isWithin(frame, root);
        frame.group.toggleAttribute("hidden", !isShown);
        frame.group.setAttribute("display", isShown ? "inline" : "none");
        if (!isShown) continue;
        const x = isAbove ? 0 : Math.max(0, (frame.x - root.x) * scale);
        const width = isAbove ? FLAME_WIDTH - 0.5 : Math.max(0.3, (frame.width + 0.5) * scale - 0.5);
        frame.rect.setAttribute("x", x.toFixed(1));
        frame.rect.setAttribute("width", width.toFixed(1));
        this.label(frame, x, width);
      }
      remember("flame", index === 0 ? undefined : `${this.index}.${index}`);
    }
    /** @param {Frame} frame @param {number} x @param {number} width */
    label(frame, x, width) {
      let text = frame.group.querySelector("text");
      const letters = Math.floor((width - 6) / LETTER);
      if (letters < 3) {
        text?.remove();
        return;
      }
      if (!text) {
        text = document.createElementNS("http://www.w3.org/2000/svg", "text");
        text.setAttribute("y", String(frame.y + 12.5));
        frame.group.append(text);
      }
      const characters = Array.from(frame.name);
      text.setAttribute("x", (x + 3).toFixed(1));
      text.textContent = characters.length <= letters ? frame.name : `${characters.slice(0, letters - 1).join("")}…`;
    }
    /** @param {string[]} words */
    search(words) {
      for (const frame of this.frames) {
        const text = frame.lines.slice(0, -1).join(" ").toLowerCase();
        frame.group.classList.toggle("faint", words.length > 0 && !words.every((word) => text.includes(word)));
      }
    }
    /** @param {KeyboardEvent} event */
    press(event) {
      const now = this.frames[this.here];
      if (!now) return;
      const shown = this.frames.filter((frame) => frame.group.getAttribute("display") !== "none");
      const row = (/** @type {number} */ y) => shown.filter((frame) => frame.y === y).toSorted((a, b) => a.x - b.x);
      const depth = 18;
      const beside = row(now.y);
      const at = beside.indexOf(now);
      const moves = /** @type {Record<string, () => Frame | undefined>} */ ({
        ArrowUp: () => row(now.y - depth).find((frame) => this.isWithin(now, frame)),
        ArrowDown: () =>
          row(now.y + depth)
            .filter((frame) => this.isWithin(frame, now))
            .toSorted((a, b) => b.width - a.width)[0],
        ArrowLeft: () => beside[at - 1],
        ArrowRight: () => beside[at + 1],
        Home: () => shown[0],
      });
      if (event.key === "Enter") this.look(this.here);
      else if (event.key === "Escape") this.look(0);
      else if (event.key in moves) {
        const next = moves[event.key]?.();
        if (next) this.here = this.frames.indexOf(next);
      } else return;
      event.preventDefault();
      now.group.classList.remove("here");
      const here = this.frames[this.here];
      here?.group.classList.add("here");
      this.readout.textContent = here ? here.lines.join("  ") : "";
      say(here ? here.lines.join(", ") : "");
    }
  }
  const flames = all(SVGSVGElement, "svg.flame").map((svg, index) => new Flame(svg, index));

  // Light or dark
  /** @param {string | undefined} theme */
  function showTheme(theme) {
    if (theme === "dark" || theme === "light") document.documentElement.dataset["theme"] = theme;
    else delete document.documentElement.dataset["theme"];
  }
  byId("theme")?.addEventListener("click", () => {
    const now = state.get("theme") ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
    const next = now === "dark" ? "light" : "dark";
    showTheme(next);
    remember("theme", next);
  });

  // The data
  byId("save")?.addEventListener("click", () => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([byId("result")?.textContent ?? ""], { type: "application/json" }));
    link.download = "report.json";
    link.click();
    URL.revokeObjectURL(link.href);
  });

  const input = all(HTMLInputElement, "#filter")[0];
  input?.addEventListener("input", () => {
    filter(input.value);
    remember("q", input.value);
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "/" || event.target instanceof HTMLInputElement) return;
    event.preventDefault();
    input?.focus();
  });

  function show() {
    readAddress();
    const wanted = new Map(state);
    showTheme(wanted.get("theme"));
    const query = wanted.get("q") ?? "";
    if (input && input.value !== query) {
      input.value = query;
      if (!query) filter(query);
    }
    const [table, column, order] = (wanted.get("sort") ?? "").split(".");
    const sorted = table ? tables[Number(table)] : undefined;
    if (sorted && column) sort(sorted, Number(column), order === "d");
    const opened = new Set((wanted.get("open") ?? "").split(",").filter((id) => /^(?:op|case)-\d+$/.test(id)));
    for (const id of opened) if (!byId(id)?.closest("tr.inserted")) toggleRow(id);
    if (query) filter(query);
    const [from, to] = (wanted.get("t") ?? "").split("-").map(Number);
    const first = timeCharts[0];
    const chart = first && from !== undefined && to !== undefined && to > from ? chartOf(first) : undefined;
    if (chart && from !== undefined && to !== undefined) {
      const unit = (/** @type {number} */ seconds) => ((seconds * 1000 - chart.from) / (chart.to - chart.from)) * UNITS;
      zoom([Math.round(unit(from)), Math.round(unit(to))]);
    }
    const [flame, frame] = (wanted.get("flame") ?? "").split(".");
    if (flame && frame) flames[Number(flame)]?.look(Number(frame));
    if (place) {
      const target = byId(place);
      if (target instanceof HTMLDetailsElement && !opened.has(place)) target.open = true;
      if (state.size > 0 || target instanceof HTMLDetailsElement) target?.scrollIntoView();
    }
  }
  // A link to a section keeps what the address remembers.
  document.addEventListener("click", (event) => {
    const link = event.target instanceof Element ? event.target.closest('a[href^="#"]:not(.open)') : null;
    const id = link?.getAttribute("href")?.slice(1);
    const target = id ? byId(id) : null;
    if (!id || !target) return;
    event.preventDefault();
    place = id;
    const pairs = [...state].map(([name, text]) => `${name}=${encodeURIComponent(text)}`);
    history.pushState(null, "", `#${[place, ...pairs].join("&")}`);
    if (target instanceof HTMLDetailsElement) target.open = true;
    target.setAttribute("tabindex", "-1");
    target.scrollIntoView();
    target.focus({ preventScroll: true });
  });
  addEventListener("hashchange", show);
  addEventListener("popstate", show);
  document.querySelector(".tools")?.removeAttribute("hidden");
  show();
})();
