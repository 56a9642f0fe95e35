const kept: ReadonlySet<unknown> = new Set([
  Object.prototype,
  Array.prototype,
  Map.prototype,
  Set.prototype,
  Date.prototype,
  RegExp.prototype,
  ArrayBuffer.prototype,
]);

/**
 * Whether a value comes back from a structured clone as what it was. The clone refuses functions, but an object of a class
 * comes back as a plain one without its methods, and nothing says so. Looks at every part.
 */
export function comesBackAsItWas(value: unknown): boolean {
  const seen = new Set<object>();
  const left: unknown[] = [value];
  while (left.length > 0) {
    const part = left.pop();
    if (typeof part === "function" || typeof part === "symbol") return false;
    if (typeof part !== "object" || part === null || seen.has(part)) continue;
    seen.add(part);
    if (ArrayBuffer.isView(part)) continue;
    if (!kept.has(Object.getPrototypeOf(part)) || Object.getOwnPropertySymbols(part).length > 0) return false;
    if (part instanceof Map) for (const [key, item] of part) left.push(key, item);
    else if (part instanceof Set) for (const item of part) left.push(item);
    else for (const item of Object.values(part)) left.push(item);
  }
  return true;
}
