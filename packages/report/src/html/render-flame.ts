import { formatFlame, type FlameNode, heaviestFunctions, shareText } from "../flame-layout.ts";
import type { FlameGraphOptions } from "../flame-graph.ts";
import { flameChart } from "./charts/flame.ts";
import { html } from "./html.ts";
import { pageMarkup } from "./page.ts";
import { name, section } from "./sections/section.ts";

/**
 * One profile as a page of its own, complete without scripts and without a network.
 *
 * @throws MettleError `FLAME_TREE_INVALID`
 */
export function renderFlamePage(root: FlameNode, { title, unit }: Omit<FlameGraphOptions, "minShare">): string {
  const heaviest = heaviestFunctions(root);
  const [first] = heaviest;
  const sentence =
    first === undefined
      ? "nothing was seen"
      : `${shareText(first.self, root.total)} of ${formatFlame(root.total, unit)} in ${first.name}`;
  return pageMarkup({
    title: `${sentence} · ${title}`,
    status: "measured",
    head: html`<header class="head measured"><h1><span class="verdict">PROFILE</span> <span class="sentence">${name(sentence)}</span></h1><p class="facts"><strong>${name(title)}</strong> <span class="dot">·</span> ${unit === "ms" ? "where its time goes" : "what it allocates"}, measured under the profiler</p></header>`,
    opening: html``,
    sections: [section("profiles", "Profile", flameChart({ title, unit, root }))],
    data: { schema: "mettle.flame/1", title, unit, total: root.total, heaviest },
  });
}
