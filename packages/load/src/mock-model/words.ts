/** What the model says: short lower-case ASCII words, each with its leading space, as tokenizers cut them. */
const text =
  "the agent reads a task and plans its next step then it calls tool with input waits for result checks what came back " +
  "writes down facts compares two sources keeps short summary asks again where answer was unclear moves on to another " +
  "part until goal is met or budget ends every call takes time each token costs something so good plans are small";

export const words: readonly string[] = [...new Set(text.split(" "))].map((word) => ` ${word}`);

/** JSON in ASCII: the same value for every reader, and as many bytes as characters. */
export function asciiJson(value: unknown): string {
  return JSON.stringify(value).replaceAll(
    /[\u007f-\uffff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/**
 * A rule of thumb, the same every time: a token for four characters, and three around each message. The mock has no
 * tokenizer, because every model has another.
 */
export const estimatedTokens = (characters: number, messages: number): number =>
  Math.ceil(characters / 4) + 3 * messages;

/** Characters of all strings in a JSON value, keys left out. Iterative: a body nested a million deep must not end us. */
export function textLength(value: unknown): number {
  const pending: unknown[] = [value];
  let length = 0;
  while (pending.length > 0) {
    const item = pending.pop();
    if (typeof item === "string") length += item.length;
    else if (Array.isArray(item)) for (const each of item) pending.push(each);
    else if (typeof item === "object" && item !== null) for (const each of Object.values(item)) pending.push(each);
  }
  return length;
}
