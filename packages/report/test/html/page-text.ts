import { createHash } from "node:crypto";

/** What a reader without eyes for markup finds in a page. */
export interface ReadPage {
  readonly title: string;
  /** Words of everything before the first section, spaces collapsed. */
  readonly firstScreen: string;
  /** Words of a section by its id. */
  section(id: string): string;
  readonly data: {
    readonly schema: string;
    readonly run: unknown;
    readonly verdict?: unknown;
    readonly leftOut?: readonly string[];
  };
  /** Every element with its attributes' names, in order: what no text may change. */
  readonly structure: readonly string[];
}

const entities: Readonly<Record<string, string>> = { amp: "&", lt: "<", gt: ">", quot: '"', "#39": "'" };
const words = (markup: string): string =>
  markup
    .replace(/<svg[\s\S]*?<\/svg>/g, " ")
    .replace(/<[^>]*>/g, " ")
    .replace(/&(#?\w+);/g, (whole, name: string) => entities[name] ?? whole)
    .replace(/\s+/g, " ")
    .trim();

export function readPage(page: string): ReadPage {
  const body = /<main id="content">([\s\S]*)<\/main>/.exec(page)?.[1] ?? "";
  const json = /<script type="application\/json" id="result">([\s\S]*?)<\/script>/.exec(page)?.[1] ?? "null";
  return {
    title: words(/<title>([\s\S]*?)<\/title>/.exec(page)?.[1] ?? ""),
    firstScreen: words(body.split(/<section id="/)[0] ?? ""),
    section: (id) => words(new RegExp(`<section id="${id}"[\\s\\S]*?(?=<section id="|$)`).exec(body)?.[0] ?? ""),
    data: JSON.parse(json) as ReadPage["data"],
    structure: [...page.matchAll(/<([a-zA-Z][\w-]*)((?:\s+[\w-]+(?:="[^"]*")?)*)\s*\/?>/g)].map(
      ([, name = "", attributes = ""]) =>
        [name, ...[...attributes.matchAll(/([\w-]+)(?:="[^"]*")?/g)].map(([, attribute]) => attribute)].join(" "),
    ),
  };
}

/** The hashes that the page's own policy must name: of its one style and its one script. */
export function hashesOf(page: string): { readonly style: string; readonly script: string } {
  const hash = (text: string | undefined): string =>
    `'sha256-${createHash("sha256")
      .update(text ?? "")
      .digest("base64")}'`;
  return {
    style: hash(/<style>([\s\S]*?)<\/style>/.exec(page)?.[1]),
    script: hash(/<script>([\s\S]*?)<\/script>/.exec(page)?.[1]),
  };
}
