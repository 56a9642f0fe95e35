import { formatQuantity } from "@mettle/core";
import { platformTable, standing, standings } from "../../platforms.ts";
import { html } from "../html.ts";
import type { PageModel } from "../page-model.ts";
import { figureCell, name, type Section, scrollable, section } from "./section.ts";

/** All platforms of a run in one table; nothing for a run of one. */
export function platformsSection({ run }: PageModel): Section | undefined {
  const table = platformTable(run);
  if (table === undefined) return undefined;
  const classes = { ahead: "better", even: "", lost: "worse", "": "" } as const;
  const rows = table.rows.map((row) => {
    const { text, is } = standing(row);
    const cells = row.values.map((value) =>
      figureCell(value, value === undefined ? undefined : formatQuantity(value, row.unit)),
    );
    return html`<tr><th scope="row">${name(row.name)}</th>${cells}<td class="${classes[is]}">${text}</td></tr>`;
  });
  const titles = table.platforms.map((platform) => html`<th scope="col" class="n">${name(platform)}</th>`);
  return section(
    "platforms",
    "Platforms side by side",
    html`<p>${standings(table)}.</p>${scrollable("Platforms side by side", html`<table><thead><tr><th scope="col">median</th>${titles}<th scope="col">${table.platforms[0]}</th></tr></thead><tbody>${rows}</tbody></table>`)}`,
  );
}
