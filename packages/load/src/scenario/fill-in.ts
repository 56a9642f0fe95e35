/** Texts with `${name}` or `${name.path[0]}` in them, filled in from what is known by name. */
const placeholder = /\$\{([^}]+)\}/g;

/** @throws Error for a name that is not known, and for a value that is no text, number or truth */
export function fillIn(text: string, scope: ReadonlyMap<string, unknown>): string {
  if (!text.includes("${")) return text;
  return text.replaceAll(placeholder, (_whole, path: string) => {
    const value = lookUp(path.trim(), scope);
    if (typeof value === "string") return value;
    if (typeof value === "number" || typeof value === "boolean") return String(value);
    throw new Error(
      value === undefined ? `\${${path}} is not known here` : `\${${path}} is no text but ${JSON.stringify(value)}`,
    );
  });
}

/** Every text within plain data filled in. A text that is one placeholder alone becomes the value itself. */
export function fillInAll(value: unknown, scope: ReadonlyMap<string, unknown>): unknown {
  if (typeof value === "string") {
    const only = /^\$\{([^}]+)\}$/.exec(value);
    if (!only) return fillIn(value, scope);
    const found = lookUp((only[1] ?? "").trim(), scope);
    if (found === undefined) throw new Error(`${value} is not known here`);
    return found;
  }
  if (Array.isArray(value)) return value.map((each) => fillInAll(each, scope));
  if (typeof value === "object" && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, fillInAll(each, scope)]));
  }
  return value;
}

function lookUp(path: string, scope: ReadonlyMap<string, unknown>): unknown {
  if (scope.has(path)) return scope.get(path);
  const [name = ""] = path.split(/[.[]/, 1);
  return scope.has(name) ? valueAt(scope.get(name), path.slice(name.length).replace(/^\./, "")) : undefined;
}

/** What lies at `items[0].id` in plain data; undefined where there is nothing. */
export function valueAt(value: unknown, path: string): unknown {
  let at = value;
  for (const key of path.split(/[.[\]]+/).filter((part) => part !== "")) {
    if (typeof at !== "object" || at === null || !Object.hasOwn(at, key)) return undefined;
    at = (at as Record<string, unknown>)[key];
  }
  return at;
}
