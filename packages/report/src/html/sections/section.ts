import { type Content, html, type Markup } from "../html.ts";

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
  content: html`<p class="absent"><strong>${word}</strong> ${withCode(why)}</p>`,
  isAbsent: true,
});

/** Commands in a sentence, between backticks as everywhere. */
const withCode = (text: string): Content =>
  text.split("`").map((part, i) => (i % 2 === 1 ? html`<code>${part}</code>` : part));

export function sectionMarkup({ id, title, content, isAbsent }: Section): Markup {
  return html`<section id="${id}" class="${isAbsent ? "absent" : ""}" aria-labelledby="${id}-title"><h2 id="${id}-title">${title}</h2>${content}</section>`;
}

/** A region that scrolls on its own where the page is narrow, reachable by keyboard. */
export const scrollable = (label: string, content: Markup): Markup =>
  html`<div class="scroll" role="region" tabindex="0" aria-label="${label}">${content}</div>`;

/** Text from outside, on its own as to the direction of writing. */
export const name = (text: string): Markup => html`<bdi>${text}</bdi>`;

/** A cell with a figure: the sort key is the value, not its text. */
export function figureCell(value: number | undefined, text: Content, className: string = ""): Markup {
  if (value === undefined || text === undefined || text === "") return html`<td class="n none" data-v="">–</td>`;
  return html`<td class="n ${className}" data-v="${Number(value.toPrecision(6))}">${text}</td>`;
}
