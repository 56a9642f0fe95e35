/**
 * The part of a document that a path names, in the form that k6 takes: keys and indices with dots between them, `#` for the
 * length of an array, `#.key` for that key of each element, `\` before a dot that belongs to a key.
 *
 * @returns undefined where there is nothing
 * @throws Error for the query, modifier and wildcard forms, which are not provided
 */
export function readJsonPath(document: unknown, path: string): unknown {
  return read(document, splitPath(path));
}

function splitPath(path: string): string[] {
  const parts: string[] = [];
  let part = "";
  for (let i = 0; i < path.length; i++) {
    const character = path[i] as string;
    if (character === "\\") part += path[++i] ?? "";
    else if (character === ".") {
      parts.push(part);
      part = "";
    } else if ("*?@|{}()".includes(character) || (character === "#" && path[i + 1] === "(")) {
      throw new Error(
        `json("${path}"): "${character}" in a path is not provided; read the whole document and select in the script`,
      );
    } else part += character;
  }
  return [...parts, part];
}

function read(value: unknown, parts: readonly string[]): unknown {
  const [part, ...rest] = parts;
  if (part === undefined) return value;
  if (Array.isArray(value)) {
    if (part === "#")
      return rest.length === 0
        ? value.length
        : value.map((item) => read(item, rest)).filter((item) => item !== undefined);
    return /^\d+$/.test(part) ? read(value[Number(part)], rest) : undefined;
  }
  if (typeof value !== "object" || value === null || !Object.hasOwn(value, part)) return undefined;
  return read((value as Record<string, unknown>)[part], rest);
}
