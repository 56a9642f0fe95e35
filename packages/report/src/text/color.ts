import { styleText } from "node:util";

/** What is asked of a stream before writing colour to it. */
export interface ColorStream {
  readonly isTTY?: boolean;
}

/**
 * Whether to write colours to `stream`: the one place where that is decided.
 *
 * `FORCE_COLOR` first, as in Node itself (`0` and `false` force it off), then `NO_COLOR` (any non-empty value, see
 * no-color.org), `NODE_DISABLE_COLORS`, `TERM=dumb`, and at last whether the stream is a terminal.
 *
 * @param env - such as `process.env`
 */
export function colorSupport(env: Readonly<Record<string, string | undefined>>, stream: ColorStream): boolean {
  const force = env["FORCE_COLOR"];
  if (force !== undefined) return force !== "0" && force !== "false";
  if (isSet(env["NO_COLOR"]) || isSet(env["NODE_DISABLE_COLORS"])) return false;
  if (env["TERM"] === "dumb") return false;
  return stream.isTTY === true;
}

const isSet = (value: string | undefined): boolean => value !== undefined && value !== "";

/** Colours by meaning, so that one meaning has one colour everywhere. `plain` paints nothing. */
export type Tone = "plain" | "good" | "bad" | "warn" | "unsure" | "dim" | "strong" | "heading";

type StyleFormat = Parameters<typeof styleText>[0];
const formats: Readonly<Record<Exclude<Tone, "plain">, StyleFormat>> = {
  good: "green",
  bad: ["bold", "red"],
  warn: "yellow",
  unsure: "magenta",
  dim: "dim",
  strong: "bold",
  heading: ["dim", "underline"],
};

/** Wraps text in the escape sequences of a tone, or returns it as it is. */
export type Painter = (tone: Tone, text: string) => string;

/** Only the 16 basic colours are used: they follow the theme of the terminal, light or dark. */
export function createPainter(color: boolean): Painter {
  if (!color) return (_tone, text) => text;
  return (tone, text) =>
    tone === "plain" || text === "" ? text : styleText(formats[tone], text, { validateStream: false });
}
