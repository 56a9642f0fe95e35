const DEEPEST = 64;

/**
 * What keeps a value from being sent to another thread, found without cloning it; undefined when nothing is seen. Plain
 * data costs a look at each part. Rare things that only the clone itself refuses are not seen here.
 */
export function cloneProblem(value: unknown, depth = 0): string | undefined {
  if (typeof value === "function") return `a function${value.name === "" ? "" : ` (${value.name})`}`;
  if (typeof value === "symbol") return "a symbol";
  if (typeof value !== "object" || value === null || depth > DEEPEST) return undefined;
  if (Array.isArray(value)) return firstProblem(value, depth);
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === Object.prototype || prototype === null) return firstProblem(Object.values(value), depth);
  if (value instanceof Map) return firstProblem([...value.keys(), ...value.values()], depth);
  if (value instanceof Set) return firstProblem(value, depth);
  if (value instanceof Promise || value instanceof WeakMap || value instanceof WeakSet || value instanceof WeakRef) {
    return `a ${value.constructor.name}`;
  }
  if ("ask" in value && "address" in value) return "a reference to an agent (send its address)";
  return undefined;
}

function firstProblem(items: Iterable<unknown>, depth: number): string | undefined {
  for (const item of items) {
    if (typeof item === "number" || typeof item === "string") continue;
    const problem = cloneProblem(item, depth + 1);
    if (problem !== undefined) return problem;
  }
  return undefined;
}
