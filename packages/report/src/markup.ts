import { visibleText } from "./text/visible.ts";

// The complement of XML 1.0's production [2] Char. Such characters may not occur even as references.
// oxlint-disable-next-line no-control-regex -- they are what must go
const ILLEGAL_IN_XML = /[^\t\n\r\u{20}-\u{d7ff}\u{e000}-\u{fffd}\u{10000}-\u{10ffff}]/gu;

/** Text for XML or HTML content or a quoted attribute: always well-formed, whatever it was. */
function escapeMarkup(text: string): string {
  return text
    .toWellFormed()
    .replace(ILLEGAL_IN_XML, "\ufffd")
    .replace(/[&<>"'\t\n\r]/g, (character) => references[character] ?? character);
}

/** White space in attributes would be read back as plain spaces; `\r` even in content. */
const references: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
  "\t": "&#9;",
  "\n": "&#10;",
  "\r": "&#13;",
};

/** `escapeMarkup` of text from outside, on one line and without what hides or reorders it. */
export const markupText = (text: string): string => escapeMarkup(visibleText(text));

/** ` name="value"` for each attribute that is there. */
export function attributes(values: Readonly<Record<string, string | number | undefined>>): string {
  return Object.entries(values)
    .map(([name, value]) => (value === undefined ? "" : ` ${name}="${escapeMarkup(String(value))}"`))
    .join("");
}
