import { reportErrors } from "../errors.ts";
import { classesOf, type MarkupElement, readMarkup, textWithin, walk } from "./markup-tree.ts";

/** A chart of a page. */
export interface PageChart {
  /** What it shows and of what: `checkout: response time over the run`, `Distribution (checkout)`. */
  readonly title: string;
  /** The title as part of a file name. */
  readonly name: string;
  readonly svg: MarkupElement;
}

/** Every chart of a page that this package rendered, in the order of the page, with titles that are each its own. */
export function pageCharts(page: string): readonly PageChart[] {
  const seen = new Map<string, number>();
  return [...walk(readMarkup(page))].flatMap(({ element, parents }): PageChart[] => {
    if (element.name !== "figure" || !classesOf(element).includes("chart")) return [];
    const inside = [...walk(element)].map((each) => each.element);
    const svg = inside.find(({ name }) => name === "svg");
    const caption = inside.find(({ name }) => name === "figcaption");
    if (!svg || !caption) return [];
    const title = titleOf(caption, parents);
    const count = (seen.get(title) ?? 0) + 1;
    seen.set(title, count);
    const whole = count === 1 ? title : `${title} ${count}`;
    return [{ title: whole, name: fileName(whole), svg }];
  });
}

/** The caption, and where that does not say of what, the name of the details that the chart stands in. */
function titleOf(caption: MarkupElement, parents: readonly MarkupElement[]): string {
  const own = tidy(caption.children.map((child) => (typeof child === "string" ? child : captionPart(child))).join(" "));
  const details = parents.find(({ name }) => name === "details");
  const heading = details && [...walk(details)].map(({ element }) => element).find(({ name }) => name === "h3");
  const of = heading && tidy(textWithin(heading));
  return of === undefined || own.includes(of) ? own : `${own} (${of})`;
}

/** Keys and remarks beside a caption are no part of the title. */
const captionPart = (element: MarkupElement): string =>
  classesOf(element).some((name) => name === "key" || name === "far") ? "" : textWithin(element);

const tidy = (text: string): string => text.replaceAll(/\s+/g, " ").trim();

const LONGEST_NAME = 80;
const fileName = (title: string): string =>
  title
    .normalize("NFKD")
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, "-")
    .replaceAll(/^-+|-+$/g, "")
    .slice(0, LONGEST_NAME) || "chart";

/**
 * The one chart whose title or name contains a text; one that is it exactly goes before those that contain it.
 *
 * @throws MettleError `REPORT_CHART_UNKNOWN`, with the titles there are
 */
export function chartNamed(charts: readonly PageChart[], wanted: string): PageChart {
  const text = wanted.toLowerCase();
  const exact = charts.filter(({ title, name }) => title.toLowerCase() === text || name === text);
  const found =
    exact.length > 0
      ? exact
      : charts.filter(({ title, name }) => title.toLowerCase().includes(text) || name.includes(text));
  const [first] = found;
  if (first && found.length === 1) return first;
  const known = (found.length > 0 ? found : charts).map(({ title }) => title);
  throw reportErrors.create(
    "REPORT_CHART_UNKNOWN",
    `${found.length === 0 ? "No chart" : `${found.length} charts`} of this run ${found.length === 0 ? "is" : "are"} called ${JSON.stringify(wanted)}.`,
    {
      details: { wanted, known },
      next:
        known.length === 0
          ? "This run has no charts."
          : `There are: ${known.slice(0, 12).join("; ")}${known.length > 12 ? `; and ${known.length - 12} more` : ""}.`,
    },
  );
}
