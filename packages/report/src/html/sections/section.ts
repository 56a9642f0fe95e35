import { type Content, html, type Markup, nothing } from "../html.ts";

/** A part of the page that the bar at its top leads to. */
export interface Section {
  readonly id: string;
  readonly title: string;
  readonly content: Markup;
  /** Nothing of it was measured: it says so in one line, and its link is pale. */
  readonly isAbsent: boolean;
}

export const section = (id: string, title: string, content: Markup): Section => ({
  id,
  title,
  content,
  isAbsent: false,
});

/** @param why - what would have to be there, in words */
export const absentSection = (id: string, title: string, why: string, word: string = "Not measured."): Section => ({
  id,
  title,
  content: html`<p class="absent"><strong>${word}</strong> ${why}</p>`,
  isAbsent: true,
});

export function sectionMarkup({ id, title, content, isAbsent }: Section): Markup {
  return html`<section id="${id}" class="${isAbsent ? "absent" : ""}" aria-labelledby="${id}-title"><h2 id="${id}-title">${title}</h2>${content}</section>`;
}

/** A region that scrolls on its own where the page is narrow, reachable by keyboard. */
export const scrollable = (label: string, content: Markup): Markup =>
  html`<div class="scroll" role="region" tabindex="0" aria-label="${label}">${content}</div>`;

/** Text from outside, on its own as to the direction of writing. */
export const name = (text: string): Markup => html`<bdi>${text}</bdi>`;

export interface TableColumn {
  readonly title: Content;
  /** Of the column, for a table that can be sorted. */
  readonly kind?: "text" | "number";
  /** Left out where the page is narrow. */
  readonly optional?: boolean;
}

export const heads = (columns: readonly TableColumn[]): Markup =>
  html`<thead><tr>${columns.map(({ title, kind }) => html`<th scope="col" class="${kind === "number" ? "n" : ""}">${title}</th>`)}</tr></thead>`;

/** A cell with a figure: the sort key is the value, not its text. */
export function figureCell(value: number | undefined, text: Content, className: string = ""): Markup {
  if (value === undefined || text === undefined || text === "") return html`<td class="n none" data-v="">–</td>`;
  return html`<td class="n ${className}" data-v="${Number(value.toPrecision(6))}">${text}</td>`;
}

export { nothing };
