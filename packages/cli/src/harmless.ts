// Here and not taken from the report package: main loads this before it knows whether there is anything to report.

// oxlint-disable-next-line no-control-regex -- they are what is looked for; line ends and tabs stay
const CONTROL = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g;
/** What shows a line in another order than it is stored, or hides text. */
const INVISIBLE = /[\u061c\u200b\u200c\u200e\u200f\u202a-\u202e\u2028\u2029\u2060-\u206f\ufeff\ufff9-\ufffb]/g;
/** Commands that build services read from a log: GitHub's at the start of a line, after spaces; the others anywhere. */
const LINE_COMMAND = /^(\s*):(?=:)/gm;
const HASH_COMMAND = /##(?=\[|vso\[|teamcity\[)/gi;

/** A message from outside made fit for a terminal and for a build log. Its lines stay lines. */
export const harmless = (text: string): string =>
  text
    .replaceAll(CONTROL, "\ufffd")
    .replaceAll(INVISIBLE, "")
    .replaceAll(HASH_COMMAND, "# #")
    .replaceAll(LINE_COMMAND, "$1\u2236");
