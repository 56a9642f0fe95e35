/**
 * A value as JSON, of limited length: a few words can describe a value that would fill all memory when it is written out.
 * What JSON has no words for is left out, as `JSON.stringify` does.
 *
 * @throws RangeError when it would be longer
 */
export function boundedJson(value: unknown, charactersAtMost: number): string {
  let left = charactersAtMost;
  const count = (one: unknown, depth: number): void => {
    if (depth > 500) throw new RangeError("the result is nested more than 500 deep");
    left -= typeof one === "string" ? one.length + 2 : 8;
    if (left < 0) throw new RangeError(`the result has more than ${charactersAtMost} characters`);
    if (Array.isArray(one)) for (const item of one) count(item, depth + 1);
    else if (typeof one === "object" && one !== null) {
      for (const [key, item] of Object.entries(one)) {
        left -= key.length;
        count(item, depth + 1);
      }
    }
  };
  count(value, 0);
  return JSON.stringify(value) ?? "null";
}
