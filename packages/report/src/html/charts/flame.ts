import {
  FLAME_ROW,
  FLAME_WIDTH,
  type FlameBox,
  type FlameNode,
  type FlameUnit,
  formatFlame,
  frameLabel,
  frameLines,
  frameWidth,
  heaviestFunctions,
  hue,
  layoutFrames,
  shareText,
} from "../../flame-layout.ts";
import { counted } from "../../text/words.ts";
import { html, type Markup, round } from "../html.ts";
import { name, scrollable } from "../sections/section.ts";

export interface FlameChart {
  readonly title: string;
  readonly unit: FlameUnit;
  readonly root: FlameNode;
}

/** Frames under a thousandth are no answer to where time goes; drawing them would be most of the page. */
const MIN_SHARE = 0.001;

/**
 * A profile as a flame graph: callers above, callees below, as wide as their share; its heaviest functions as a table, which
 * says the same in words. With scripts a frame can be looked into, by pointer and by keyboard.
 *
 * @throws MettleError `FLAME_TREE_INVALID`
 */
export function flameChart({ title, unit, root }: FlameChart): Markup {
  const { boxes, omitted, rows } = layoutFrames(root, MIN_SHARE);
  const whole = formatFlame(root.total, unit);
  const rest = omitted > 0 ? `; ${counted(omitted, "frame")} under a thousandth, or too deep, not drawn` : "";
  const [first] = heaviestFunctions(root);
  const most = first === undefined ? "" : ` Heaviest by itself: ${first.name}, ${shareText(first.self, root.total)}.`;
  return html`<figure class="chart flame-chart"><figcaption>${name(title)} <span class="far">${whole} in all${rest}</span></figcaption>
<div class="scroll"><svg class="flame" viewBox="0 0 ${FLAME_WIDTH} ${rows * FLAME_ROW}" role="img" aria-label="${`Flame graph of ${title}, ${whole} in all.${most} The heaviest functions are in the table below.`}">${boxes.map((box) => frame(box, root.total, unit))}</svg></div></figure>
${heaviestTable(root, unit)}`;
}

function frame(box: FlameBox, whole: number, unit: FlameUnit): Markup {
  const x = round(box.start * FLAME_WIDTH);
  const width = frameWidth(box.share);
  const y = box.depth * FLAME_ROW;
  const [own = "", ...more] = frameLines(box, whole, unit);
  const label = frameLabel(own, width);
  // One line of a title each: the frame's own name is the first, which the scripts cut to other widths.
  return html`<g><title>${own}${more.map((line) => html`&#10;${line}`)}</title><rect class="f${hue(box.node)}" x="${x}" y="${y}" width="${round(width)}" height="${FLAME_ROW - 1}"/>${label !== undefined && html`<text x="${round(x + 3)}" y="${y + 12.5}">${label}</text>`}</g>`;
}

function heaviestTable(root: FlameNode, unit: FlameUnit): Markup {
  const rows = heaviestFunctions(root).map(
    ({ name: own, location, self }) =>
      html`<tr><th scope="row"><code>${name(own)}</code></th><td>${location === undefined ? "" : html`<code>${name(shortLocation(location))}</code>`}</td><td class="n" data-v="${Number(self.toPrecision(6))}">${formatFlame(self, unit)}</td><td class="n" data-v="${Number((root.total === 0 ? 0 : self / root.total).toPrecision(6))}">${shareText(self, root.total)}</td></tr>`,
  );
  return scrollable(
    "Heaviest functions",
    html`<table class="sortable" data-filter><caption>Heaviest by itself, over all places it is called from</caption><thead><tr><th scope="col">function</th><th scope="col">where</th><th scope="col" class="n">self</th><th scope="col" class="n">share</th></tr></thead><tbody>${rows}</tbody></table>`,
  );
}

/** The end of a path says where; its beginning is the same for all. */
const shortLocation = (location: string): string => location.split("/").slice(-3).join("/");
