import { signalErrors } from "./errors.ts";
import { isWordCharacter, maxTypeLength, maxTypeWords, quoted } from "./signal-type.ts";

/** A checked pattern over signal types. */
export interface Pattern {
  readonly text: string;
  readonly words: readonly string[];
  /** True without `*` and `**`: it matches one type, its own text. */
  readonly exact: boolean;
  /**
   * Sorts patterns that match the same type: the greater string is the more specific. One digit per word, `2` for a
   * literal, `1` for `*`, `0` for `**`, so the first word that differs decides and a longer pattern beats its own start.
   */
  readonly specificity: string;
}

const rank = (word: string): string => (word === "**" ? "0" : word === "*" ? "1" : "2");

/**
 * Reads a pattern: dotted words, where `*` matches exactly one word and `**` any number, none included.
 *
 * @throws MettleError `PATTERN_INVALID` when empty, too long, or when a word is empty or mixes `*` with other characters
 */
export function parsePattern(text: string): Pattern {
  const words = text.split(".", maxTypeWords + 1);
  if (text.length > maxTypeLength || words.length > maxTypeWords) {
    throw invalid(text, `is longer than ${maxTypeLength} characters or ${maxTypeWords} words`);
  }
  for (const word of words) {
    if (word === "") throw invalid(text, "has an empty word");
    if (word === "*" || word === "**") continue;
    if (!isWord(word)) {
      throw invalid(text, `has the word ${quoted(word)}`);
    }
  }
  const specificity = words.map(rank).join("");
  return { text, words, exact: !/[01]/.test(specificity), specificity };
}

function isWord(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (!isWordCharacter(text.charCodeAt(i))) return false;
  return true;
}

function invalid(text: string, why: string): Error {
  return signalErrors.create("PATTERN_INVALID", `The pattern ${quoted(text)} ${why}.`, {
    details: { pattern: text.slice(0, 300) },
  });
}
