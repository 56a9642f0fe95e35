import { createHash } from "node:crypto";
import { visibleText } from "./text/visible.ts";

/** Longest text of one cell or item, so that no single name or message takes the room of all others. */
const MAX_ITEM = 400;
const NO_BREAK = "&#8203;";

/**
 * Text from outside for GitHub Markdown, in a paragraph, list item or table cell: shown as it is, without markup, HTML,
 * mentions, issue references or links. Punctuation becomes character references, which Markdown takes as text; mentions
 * and links are found after that step, so a zero-width space is put where they would be recognised.
 */
export function escapeMarkdown(text: string): string {
  return clip(visibleText(text))
    .replace(/(https?|ftp|mailto|xmpp):/gi, `$1:\u0000`)
    .replace(/www(?=\.)/gi, "www\u0000")
    .replace(/\b(gh)-(?=\d)/gi, "$1\u0000-")
    .replace(
      /[&<>"'\\`*_{}[\]()#!|~$:@^]/g,
      (character) => `&#${character.charCodeAt(0)};${SPLIT.has(character) ? NO_BREAK : ""}`,
    )
    .replaceAll("\u0000", NO_BREAK);
}

/** Characters that begin a mention or an issue reference. */
const SPLIT = new Set(["@", "#"]);

/** The same as code. HTML's element, because references do not work between backticks and `|` would end a cell. */
export const codeMarkdown = (text: string): string => `<code>${escapeMarkdown(text)}</code>`;

function clip(text: string): string {
  if (text.length <= MAX_ITEM) return text;
  return `${text
    .slice(0, MAX_ITEM)
    .toWellFormed()
    .replace(/\ufffd$/, "")}…`;
}

/**
 * The hidden first line by which a comment is found again and replaced. A name that cannot stand in an HTML comment is
 * changed to one that can, with a hash of the original, so that two names never share a comment.
 */
export function stickyMarker(name: string): string {
  const safe = name
    .replace(/[^A-Za-z0-9._/ -]+/g, "-")
    .replace(/-{2,}/g, "-")
    .replace(/^[-\s]+|[-\s]+$/g, "")
    .slice(0, 80);
  if (safe === name) return `<!-- mettle:${name} -->`;
  const hash = createHash("sha256").update(name.toWellFormed()).digest("hex").slice(0, 8);
  return `<!-- mettle:${safe === "" ? "" : `${safe}.`}${hash} -->`;
}
