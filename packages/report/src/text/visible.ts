/** Longer text from outside is cut before any work is done on it: no name needs more, and a report has many. */
const MAX_LENGTH = 2000;

// Directional marks, embeddings, overrides and isolates can show a line in another order than it is stored; zero-width
// characters and tags hide text. The joiner U+200D and variation selectors stay: emoji are made of them.
const INVISIBLE = /[\u061c\u200b\u200c\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\u{e0000}-\u{e007f}]/gu;
const LINE_SPACE = /[\t\n\v\f\r\u0085\u2028\u2029]+/g;
// ECMA-48: control strings (titles, links) that have an end; control sequences (colours, moves);
// other escapes. Written here and not asked of Node, as pages draw themselves in browsers too.
const ESCAPES =
  // oxlint-disable-next-line no-control-regex -- finding control characters is the point
  /(?:\u001b[\]PX^_]|[\u009d\u0090\u0098\u009e\u009f])[^\u0007\u001b\u009c]*(?:\u0007|\u001b\\|\u009c)|(?:\u001b\[|\u009b)[0-?]*[ -/]*[@-~]|\u001b[ -/]*[0-~]/g;
// oxlint-disable-next-line no-control-regex -- finding control characters is the point
const C0 = /[\u0000-\u001f\u007f]/g;
const C1 = /[\u0080-\u009f]/g;
// Build services read commands from the log: GitHub `::name` at the start of a line (after spaces) and `##[name]`
// anywhere, Azure `##vso[`, TeamCity `##teamcity[`.
const COMMAND_START = /(^|\s):(?=:)/g;
const COMMAND_HASH = /##(?=\[|vso\[|teamcity\[)/gi;

/**
 * Text from outside (metric names, tags, messages, paths) made fit for a terminal, on one line: escape sequences are
 * removed, other control characters become visible signs (NUL shows as ␀), what reorders or hides text is removed,
 * lone surrogates become U+FFFD, and commands to a build service are broken. Everything that a renderer prints and did
 * not write itself must pass through here.
 *
 * @param text - any string; cut after 2 000 UTF-16 units, with `…`
 */
export function visibleText(text: string): string {
  const bounded = text.length > MAX_LENGTH ? `${text.slice(0, MAX_LENGTH)}…` : text;
  return bounded
    .toWellFormed()
    .replace(ESCAPES, "")
    .replace(LINE_SPACE, " ")
    .replace(C0, controlPicture)
    .replace(C1, "\ufffd")
    .replace(INVISIBLE, "")
    .replace(COMMAND_HASH, "# #")
    .replace(COMMAND_START, "$1: ");
}

/** The sign for a control character from Unicode's Control Pictures block. */
function controlPicture(character: string): string {
  const code = character.charCodeAt(0);
  return code === 0x7f ? "\u2421" : String.fromCharCode(0x2400 + code);
}

// oxlint-disable-next-line no-control-regex -- colours may stand before what a build service would read
const LINE_COMMAND = /^((?:\s|\u001b\[[\d;]*m)*):(?=:)/gm;

/**
 * The last pass over lines for a log: wrapping and cutting can move `::` to the start of a line, where GitHub reads a
 * command. The first colon becomes the ratio sign, which looks the same and is as wide.
 */
export const guardLines = (text: string): string => text.replace(LINE_COMMAND, "$1\u2236");
