/** PostgreSQL's jsonb takes neither U+0000 nor halves of surrogate pairs. */
const isStorableText = (text: string): boolean => text.isWellFormed() && !text.includes("\0");

/** A value as JSON that the database takes: characters that it refuses become U+FFFD. */
export const storableJson = (value: unknown): string =>
  JSON.stringify(value ?? null, (_key, part: unknown) =>
    typeof part === "string" && !isStorableText(part) ? part.toWellFormed().replaceAll("\0", "\uFFFD") : part,
  );

const nestedAtMost = 100;

/** Why a JSON value of a caller cannot be stored; undefined when it can. */
export function unstorable(value: unknown): string | undefined {
  let level: readonly unknown[] = [value];
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > nestedAtMost) return `is nested deeper than ${nestedAtMost} levels`;
    for (const part of level) {
      const texts = typeof part === "string" ? [part] : isContainer(part) ? Object.keys(part) : [];
      if (!texts.every((text) => isStorableText(text)))
        return "has characters that no text may have (U+0000, half of a pair)";
    }
    level = level.filter((part) => isContainer(part)).flatMap((part) => Object.values(part));
  }
  return undefined;
}

const isContainer = (value: unknown): value is object => typeof value === "object" && value !== null;
