import { html } from "./html.ts";
import { pageMarkup } from "./page.ts";
import { name } from "./sections/section.ts";

/** A page that says why there is no other, and where to go from here. */
export function renderMessageHtml(
  title: string,
  sentence: string,
  next: string,
  link?: { readonly text: string; readonly href: string },
): string {
  return pageMarkup({
    title,
    status: "measured",
    head: html`<header class="head measured"><h1><span class="verdict">${name(title)}</span> <span class="sentence">${name(sentence)}</span></h1><p class="facts">${name(next)}${link && html` <a href="${link.href}">${name(link.text)}</a>`}</p></header>`,
    opening: html``,
    sections: [],
    data: { schema: "mettle.message/1", title, sentence, next },
  });
}
