import { type Static, Type } from "typebox";
import { strict } from "../../http/schemas.ts";
import { type Tool, ToolFailure } from "../tool.ts";

const text = Type.String({ maxLength: 500_000 });
const piece = Type.String({ minLength: 1, maxLength: 10_000 });
const input = Type.Union([
  strict({ operation: Type.Literal("count"), text }),
  strict({
    operation: Type.Literal("case"),
    text,
    to: Type.Union([Type.Literal("upper"), Type.Literal("lower"), Type.Literal("title")]),
  }),
  strict({ operation: Type.Literal("replace"), text, find: piece, by: Type.String({ maxLength: 10_000 }) }),
  strict({ operation: Type.Literal("find"), text, find: piece }),
  strict({ operation: Type.Literal("split"), text, at: piece }),
  strict({
    operation: Type.Literal("extract"),
    text,
    what: Type.Union([Type.Literal("emails"), Type.Literal("urls"), Type.Literal("numbers")]),
  }),
  strict({ operation: Type.Literal("shorten"), text, characters: Type.Integer({ minimum: 1, maximum: 500_000 }) }),
]);
type Asked = Static<typeof input>;

const foundAtMost = 1000;
const outputAtMost = 1_000_000;

/** Fixed ones, with bounds that keep them linear; callers give no expressions, only texts that are taken as they are. */
const patterns = {
  emails: /[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}/g,
  urls: /https?:\/\/[^\s<>"'()]{1,2000}/g,
  numbers: /[-+]?\d{1,50}(?:\.\d{1,50})?(?:e[-+]?\d{1,3})?/gi,
} as const;

/** Everyday work on texts. */
export const textTool: Tool = {
  name: "text",
  summary:
    "Counts, changes case, replaces, finds, splits, extracts addresses and numbers, shortens. Takes no expressions.",
  kind: "light",
  input,
  run: (asked: Asked) => {
    switch (asked.operation) {
      case "count":
        return counted(asked.text);
      case "case":
        return { text: cased(asked.text, asked.to) };
      case "replace":
        return replaced(asked.text, asked.find, asked.by);
      case "find":
        return { positions: placesOf(asked.text, asked.find) };
      case "split":
        return { parts: asked.text.split(asked.at, foundAtMost) };
      case "extract":
        return { found: [...asked.text.matchAll(patterns[asked.what]).take(foundAtMost)].map(([one]) => one) };
      case "shorten":
        return { text: shortened(asked.text, asked.characters) };
    }
  },
};

function counted(all: string): object {
  const words = all.match(/[\p{L}\p{N}]+/gu)?.length ?? 0;
  return { characters: Array.from(all).length, words, lines: all === "" ? 0 : all.split("\n").length };
}

const cased = (all: string, to: "upper" | "lower" | "title"): string =>
  to === "upper"
    ? all.toUpperCase()
    : to === "lower"
      ? all.toLowerCase()
      : all.toLowerCase().replaceAll(/(?<![\p{L}\p{N}'’])\p{L}/gu, (letter) => letter.toUpperCase());

function replaced(all: string, find: string, by: string): object {
  const parts = all.split(find);
  const length = all.length + (parts.length - 1) * (by.length - find.length);
  if (length > outputAtMost)
    throw new ToolFailure(`The result would have ${length} characters; ${outputAtMost} may be.`);
  return { text: parts.join(by), replaced: parts.length - 1 };
}

function placesOf(all: string, find: string): readonly number[] {
  const places: number[] = [];
  for (let at = all.indexOf(find); at >= 0 && places.length < foundAtMost; at = all.indexOf(find, at + find.length)) {
    places.push(at);
  }
  return places;
}

function shortened(all: string, most: number): string {
  const characters = Array.from(all);
  if (characters.length <= most) return all;
  const cut = characters.slice(0, Math.max(0, most - 1)).join("");
  const space = cut.lastIndexOf(" ");
  return `${space > cut.length / 2 ? cut.slice(0, space) : cut}…`;
}
