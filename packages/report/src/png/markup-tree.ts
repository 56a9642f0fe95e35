/** An element of markup that this package wrote itself: well-formed, attributes in double quotes. */
export interface MarkupElement {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly children: readonly (MarkupElement | string)[];
}

const entities: Readonly<Record<string, string>> = {
  amp: "&",
  lt: "<",
  gt: ">",
  quot: '"',
  "#39": "'",
  "#9": "\t",
  "#10": "\n",
  "#13": "\r",
};
/** Elements of HTML that have no end. */
const empty = new Set(["br", "meta", "link", "input"]);

const decoded = (text: string): string => text.replace(/&(#?\w+);/g, (whole, name: string) => entities[name] ?? whole);

/**
 * Reads markup of our own as a tree; comments, declarations and the insides of scripts and styles are left out.
 *
 * @throws Error for markup that is not of our making: a tag that ends what it did not begin
 */
export function readMarkup(markup: string): MarkupElement {
  const root = { name: "", attributes: {}, children: [] as (MarkupElement | string)[] };
  const open = [root];
  const pattern =
    /<!doctype[^>]*>|<(script|style)\b[^>]*>[\s\S]*?<\/\1>|<\/([a-zA-Z][\w-]*)>|<([a-zA-Z][\w-]*)((?:\s+[\w:-]+(?:="[^"]*")?)*)\s*(\/?)>|([^<]+)/g;
  for (const [, , end, name, attributes = "", closed, text] of markup.matchAll(pattern)) {
    const parent = open.at(-1) ?? root;
    if (text !== undefined) parent.children.push(decoded(text));
    else if (end !== undefined) {
      if (open.length < 2 || parent.name !== end) throw new Error(`</${end}> ends <${parent.name}>`);
      open.pop();
    } else if (name !== undefined) {
      const element = { name, attributes: attributesOf(attributes), children: [] as (MarkupElement | string)[] };
      parent.children.push(element);
      if (closed !== "/" && !empty.has(name)) open.push(element);
    }
  }
  return root;
}

const attributesOf = (text: string): Record<string, string> =>
  Object.fromEntries(
    [...text.matchAll(/([\w:-]+)(?:="([^"]*)")?/g)].map(([, name = "", value = ""]) => [name, decoded(value)]),
  );

export const classesOf = ({ attributes }: MarkupElement): readonly string[] =>
  (attributes["class"] ?? "").split(/\s+/).filter(Boolean);

/** All text within, without the titles of drawings. */
export const textWithin = (element: MarkupElement): string =>
  element.children
    .map((child) =>
      typeof child === "string" ? child : child.name === "title" || child.name === "button" ? "" : textWithin(child),
    )
    .join("");

/** Elements within, depth first, the nearest parents first in what is handed on. */
export function* walk(
  element: MarkupElement,
  parents: readonly MarkupElement[] = [],
): Generator<{ readonly element: MarkupElement; readonly parents: readonly MarkupElement[] }> {
  for (const child of element.children) {
    if (typeof child === "string") continue;
    const own = [element, ...parents];
    yield { element: child, parents: own };
    yield* walk(child, own);
  }
}
