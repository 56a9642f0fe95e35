import { createHash } from "node:crypto";
import { visibleText } from "./text/visible.ts";

/** Longest one cell or item as written, so that no single name or message takes the room of all others. */
const MAX_ITEM = 1000;
const NO_BREAK = "&#8203;";

/**
 * Text from outside for GitHub Markdown, in a paragraph, list item or table cell: shown as it is, without markup, HTML,
 * mentions, issue references or links. Punctuation becomes character references, which Markdown takes as text; mentions
 * and links are found after that step, so a zero-width space is put where they would be recognised.
 *
 * @param maxLength - of the result, in UTF-16 units; longer is cut with `…`
 */
export function escapeMarkdown(text: string, maxLength: number = MAX_ITEM): string {
  const visible = visibleText(text);
  const escaped = escapeVisible(visible);
  if (escaped.length <= maxLength) return escaped;
  // An escape takes up to 13 characters: the start is shortened until what it becomes fits.
  let kept = visible.slice(0, maxLength);
  for (;;) {
    const shorter = `${escapeVisible(kept.toWellFormed().replace(/\ufffd$/, ""))}…`;
    if (shorter.length <= maxLength || kept === "") return shorter;
    kept = kept.slice(0, Math.floor(kept.length * 0.9));
  }
}

function escapeVisible(text: string): string {
  return text
    .replace(/(?:https?|ftp|mailto|xmpp):/gi, "$&\u0000")
    .replace(/www(?=\.)/gi, "$&\u0000")
    .replace(/\bgh(?=-\d)/gi, "$&\u0000")
    .replace(
      /[&<>"'\\`*_{}[\]()#!|~$@^]/g,
      (character) => `&#${character.charCodeAt(0)};${SPLIT.has(character) ? NO_BREAK : ""}`,
    )
    .replaceAll("\u0000", NO_BREAK);
}

/** Characters that begin a mention or an issue reference. */
const SPLIT = new Set(["@", "#"]);

/** The same as code. HTML's element, because references do not work between backticks and `|` would end a cell. */
export const codeMarkdown = (text: string): string => `<code>${escapeMarkdown(text)}</code>`;

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
  if (safe === name && name !== "") return `<!-- mettle:${name} -->`;
  const hash = createHash("sha256").update(name.toWellFormed()).digest("hex").slice(0, 8);
  return `<!-- mettle:${safe === "" ? "" : `${safe}.`}${hash} -->`;
}
