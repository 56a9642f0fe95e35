import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { explanations, glossary } from "./glossary.ts";
import { html, Markup } from "./html.ts";
import { type Section, section, sectionMarkup } from "./sections/section.ts";

export interface PageParts {
  /** Of the window; the verdict in words. */
  readonly title: string;
  readonly status: string;
  readonly head: Markup;
  /** Before the sections, without a heading of their own. */
  readonly opening: Markup;
  readonly sections: readonly Section[];
  /** For machines; embedded as it stands. */
  readonly data: unknown;
}

// Beside the sources and beside what is built from them alike; read once, when the first page is made.
let assets: { readonly style: Markup; readonly script: Markup; readonly policy: string } | undefined;

function loadAssets(): NonNullable<typeof assets> {
  if (assets) return assets;
  const read = (file: string): string => readFileSync(new URL(`../../assets/${file}`, import.meta.url), "utf8");
  const [style, script] = [read("report.css"), read("report.js")];
  const hash = (text: string): string => `'sha256-${createHash("sha256").update(text).digest("base64")}'`;
  // Nothing from anywhere but this file, and of that only these two, letter by letter.
  const policy = `default-src 'none'; style-src ${hash(style)}; script-src ${hash(script)}; img-src data:; base-uri 'none'; form-action 'none'`;
  assets = { style: new Markup(style), script: new Markup(script), policy };
  return assets;
}

/** What all pages are styled with: for a page that is not made here but looks alike. */
export const pageStyle = (): string => loadAssets().style.text;

/** A page in one file, complete without scripts and without a network. */
export function pageMarkup({ title, status, head, opening, sections, data }: PageParts): string {
  const { style, script, policy } = loadAssets();
  const all = [...sections, section("glossary", "Glossary", glossary())];
  return html`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="${new Markup(policy)}"><meta name="viewport" content="width=device-width, initial-scale=1"><meta name="referrer" content="no-referrer"><meta name="color-scheme" content="light dark"><meta name="generator" content="Mettle"><title>${title}</title><link rel="icon" href="${pageIcon(status)}"><style>${style}</style></head>
<body class="${status}"><a class="skip" href="#content">Skip to the content</a>
<nav aria-label="Sections"><span class="brand">Mettle</span>${all.map(({ id, title: name, isAbsent }) => html`<a href="#${id}"${isAbsent && html` class="pale"`}>${shortTitle(name)}</a>`)}<span class="tools" hidden><input id="filter" type="search" placeholder="Filter rows" aria-label="Filter the rows of all tables"><button type="button" id="theme">Dark or light</button><button type="button" id="save">JSON</button></span></nav>
<main id="content">${head}${opening}${all.map(sectionMarkup)}</main>
${explanations()}
<div id="status" role="status" aria-live="polite"></div>
<script type="application/json" id="result">${new Markup(embedded(data))}</script>
<script>${script}</script>
</body></html>
`.text;
}

/** What the bar has room for: the first word or two. */
const shortTitle = (title: string): string => shortTitles[title] ?? title;

const shortTitles: Readonly<Record<string, string>> = {
  "Objectives, budgets and evidence": "Objectives",
  "Operations in detail": "Details",
  "Benchmarks in detail": "Details",
  "Coverage of requirements": "Requirements",
  "Other measurements": "Others",
  "Can it be believed?": "Validity",
};

/** `<` as an escape, so that no text in it can end the element. */
const embedded = (data: unknown): string => JSON.stringify(data).replaceAll("<", "\\u003c");

const signs: Readonly<Record<string, readonly [string, string]>> = {
  passed: ["1a7f45", "M4 9l3 3 6 -7"],
  warning: ["9a6700", "M8.5 4v6m0 2v1"],
  failed: ["b3261e", "M5 5l7 7m0 -7l-7 7"],
  invalid: ["b3261e", "M5 5l7 7m0 -7l-7 7"],
};

/** The colour of the verdict in the window's tab, as the address of a picture. */
export function pageIcon(status: string): string {
  const [color, path] = signs[status] ?? ["5c5c58", "M5 8.5h7"];
  return `data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 17 17'%3E%3Crect width='17' height='17' rx='4' fill='%23${color}'/%3E%3Cpath d='${path}' fill='none' stroke='white' stroke-width='2'/%3E%3C/svg%3E`;
}
