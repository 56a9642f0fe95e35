import { formatQuantity, type MetricUnit } from "@mettle/core";
import { formatClock } from "@mettle/report";
import type { LiveModel } from "../live/live-model.ts";

export interface ChartReaderHandlers {
  /** For those who do not see the chart, and in its corner for those who do. */
  say(text: string): void;
  /** A stretch chosen by hand; undefined: follow again. */
  choose(range: readonly [number, number] | undefined): void;
}

/** Least part of a chart that dragging over it chooses. */
const LEAST_SHARE = 0.01;

/**
 * Reads values off the charts, by pointer and by arrow keys, and chooses stretches of time by dragging, `+` and `-`. Charts
 * are drawn anew every second: everything is found again when it is needed.
 */
export class ChartReader {
  readonly #main: HTMLElement;
  readonly #model: LiveModel;
  readonly #handlers: ChartReaderHandlers;
  /** Index of the chart and the moment in it, ms. */
  #at: { readonly chart: number; readonly ms: number } | undefined;
  #begun: number | undefined;

  constructor(main: HTMLElement, model: LiveModel, handlers: ChartReaderHandlers) {
    this.#main = main;
    this.#model = model;
    this.#handlers = handlers;
    main.addEventListener("pointermove", this.#onMove);
    main.addEventListener("pointerleave", this.#onLeave);
    main.addEventListener("pointerdown", this.#onDown);
    main.addEventListener("pointerup", this.#onUp);
    main.addEventListener("dblclick", this.#onDoubleClick);
    main.addEventListener("keydown", this.#onKey);
  }

  /** After the charts were drawn anew. */
  redraw(): void {
    for (const svg of this.#charts()) {
      svg.setAttribute("tabindex", "0");
      svg.setAttribute("aria-keyshortcuts", "ArrowLeft ArrowRight + - Escape");
    }
    this.#show();
  }

  #charts(): SVGSVGElement[] {
    return [...this.#main.querySelectorAll<SVGSVGElement>("svg.time")];
  }

  /** The chart under an event and the moment it means. */
  #placeOf(event: MouseEvent): { readonly chart: number; readonly ms: number; readonly share: number } | undefined {
    const svg = event.target instanceof Element ? event.target.closest<SVGSVGElement>("svg.time") : null;
    const chart = svg ? this.#charts().indexOf(svg) : -1;
    const plot = svg?.querySelector("svg.plot");
    if (!svg || !plot || chart < 0) return undefined;
    const box = svg.getBoundingClientRect();
    const scale = box.width / svg.viewBox.baseVal.width;
    const left = box.left + Number(plot.getAttribute("x")) * scale;
    const width = Number(plot.getAttribute("width")) * scale;
    const share = Math.min(1, Math.max(0, (event.clientX - left) / width));
    const [from, to] = stretchOf(svg);
    return { chart, share, ms: from + share * (to - from) };
  }

  readonly #onMove = (event: PointerEvent): void => {
    this.#at = this.#placeOf(event);
    this.#show();
  };

  readonly #onLeave = (): void => {
    this.#at = undefined;
    this.#show();
  };

  readonly #onDown = (event: PointerEvent): void => {
    const place = this.#placeOf(event);
    this.#begun = event.button === 0 ? place?.ms : undefined;
  };

  readonly #onUp = (event: PointerEvent): void => {
    const place = this.#placeOf(event);
    const begun = this.#begun;
    this.#begun = undefined;
    const svg = place && this.#charts()[place.chart];
    if (!svg || begun === undefined) return;
    const [from, to] = stretchOf(svg);
    if (Math.abs(place.ms - begun) < (to - from) * LEAST_SHARE) return;
    this.#handlers.choose([Math.min(begun, place.ms), Math.max(begun, place.ms)]);
  };

  readonly #onDoubleClick = (event: MouseEvent): void => {
    if (this.#placeOf(event)) this.#handlers.choose(undefined);
  };

  readonly #onKey = (event: KeyboardEvent): void => {
    const svg = event.target instanceof SVGSVGElement ? event.target : undefined;
    const chart = svg ? this.#charts().indexOf(svg) : -1;
    if (!svg || chart < 0) return;
    const [from, to] = stretchOf(svg);
    const at = this.#at?.chart === chart ? this.#at.ms : to;
    const step = Math.max(1000, (to - from) / 60);
    const around = (half: number): void => this.#handlers.choose([Math.max(0, at - half), at + half]);
    const moved: Readonly<Record<string, number>> = {
      ArrowLeft: Math.max(from, at - step),
      ArrowRight: Math.min(to, at + step),
      Home: from,
      End: to,
    };
    const next = moved[event.key];
    if (next !== undefined) {
      this.#at = { chart, ms: next };
      this.#handlers.say(this.#show());
    } else if (event.key === "+") around((to - from) / 4);
    else if (event.key === "-") around(to - from);
    else if (event.key === "Escape") this.#handlers.choose(undefined);
    else return;
    event.preventDefault();
  };

  /** The values of the nearest second, in the corner of the chart. @returns them in words */
  #show(): string {
    const at = this.#at;
    const svg = at && this.#charts()[at.chart];
    for (const old of this.#main.querySelectorAll(".readout")) old.remove();
    const caption = svg?.closest("figure")?.querySelector("figcaption");
    if (!at || !svg || !caption) return "";
    const second = nearest(this.#model.atMs, at.ms);
    const [from, to] = stretchOf(svg);
    const atMs = this.#model.atMs[second] ?? at.ms;
    const readout = document.createElement("span");
    readout.className = "readout";
    readout.textContent = `${formatClock(atMs)}  ${this.#valuesOf(svg, (atMs - from) / Math.max(1, to - from))}`;
    caption.prepend(readout);
    return readout.textContent;
  }

  /** Read off the lines themselves, so that what is said is what is drawn. */
  #valuesOf(svg: SVGSVGElement, share: number): string {
    const top = Number(svg.dataset["top"]);
    const unit = (svg.dataset["unit"] ?? "1") as MetricUnit;
    return [...svg.querySelectorAll<SVGPathElement>("path.line")]
      .flatMap((line) => {
        const y = heightAt(line.getAttribute("d") ?? "", share * 10_000);
        return y === undefined
          ? []
          : [`${line.dataset["name"] ?? ""} ${formatQuantity(Number(((1 - y / 10_000) * top).toPrecision(3)), unit)}`];
      })
      .join("  ");
  }
}

function stretchOf(svg: SVGSVGElement): [number, number] {
  return [Number(svg.dataset["from"]), Number(svg.dataset["to"])];
}

function nearest(sorted: readonly number[], wanted: number): number {
  let low = 0;
  let high = sorted.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sorted[middle] ?? 0) < wanted) low = middle + 1;
    else high = middle;
  }
  const [above, below] = [sorted[low] ?? 0, sorted[low - 1]];
  return below !== undefined && wanted - below < above - wanted ? low - 1 : low;
}

/** The line's y nearest to x, both in the drawing's own units. */
function heightAt(path: string, wanted: number): number | undefined {
  let [x, y] = [0, 0];
  let best: { readonly distance: number; readonly y: number } | undefined;
  for (const [, command, a, b] of path.matchAll(/([Ml])(-?\d+) ?(-?\d+)/g)) {
    x = command === "M" ? Number(a) : x + Number(a);
    y = command === "M" ? Number(b) : y + Number(b);
    const distance = Math.abs(x - wanted);
    if (!best || distance < best.distance) best = { distance, y };
  }
  return best?.y;
}
