import { signalErrors } from "./errors.ts";

/** Longest type in characters. */
export const maxTypeLength = 255;
/** Most words in a type or pattern. */
export const maxTypeWords = 32;

/**
 * True for dotted words of letters, digits, `-` and `_`: `domain.entity.action`, at most 255 characters and 32 words.
 * Linear, and no regular expression: it also runs on types from outside.
 */
export function isSignalType(text: string): boolean {
  const length = text.length;
  if (length === 0 || length > maxTypeLength) return false;
  let words = 1;
  let wordLength = 0;
  for (let i = 0; i < length; i++) {
    const code = text.charCodeAt(i);
    if (code === 46 /* . */) {
      if (wordLength === 0) return false;
      words += 1;
      wordLength = 0;
    } else if (isWordCharacter(code)) wordLength += 1;
    else return false;
  }
  return wordLength > 0 && words <= maxTypeWords;
}

/** `a-z A-Z 0-9 - _` by its UTF-16 code. */
export function isWordCharacter(code: number): boolean {
  return (
    (code >= 97 && code <= 122) ||
    (code >= 65 && code <= 90) ||
    (code >= 48 && code <= 57) ||
    code === 45 ||
    code === 95
  );
}

/** @throws MettleError `SIGNAL_TYPE_INVALID` */
export function checkSignalType(text: string): void {
  if (!isSignalType(text)) {
    throw signalErrors.create("SIGNAL_TYPE_INVALID", `${quoted(text)} is not a type of signal.`, {
      details: { type: text.slice(0, 300) },
    });
  }
}

/** Text from outside as it may stand in a message: shortened. */
export function quoted(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 77)}...` : text);
}
