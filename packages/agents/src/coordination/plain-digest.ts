import { coordinationErrors } from "./errors.ts";

/**
 * The value's JSON, for plain data alone: two values of which one could be taken for the other get no digest, such as two
 * maps (both `{}`), or `NaN` and `null`. So a digest stands for one value.
 *
 * @throws MettleError `COORDINATION_VALUE_AMBIGUOUS`
 */
export function plainDigest(value: unknown): string {
  if (value === undefined) return "undefined";
  refuseAmbiguous(value, "", new Set());
  return JSON.stringify(value);
}

function refuseAmbiguous(value: unknown, path: string, above: Set<object>): void {
  if (value === null || typeof value === "string" || typeof value === "boolean") return;
  if (typeof value === "number" && Number.isFinite(value) && !Object.is(value, -0)) return;
  if (typeof value !== "object" || above.has(value) || !isPlain(value)) throw ambiguous(path);
  above.add(value);
  for (const [key, child] of Object.entries(value)) refuseAmbiguous(child, `${path}.${key}`, above);
  above.delete(value);
}

/** Whether its own enumerable fields are all there is to it. A list with a hole lacks a field. */
function isPlain(value: object): boolean {
  if ("toJSON" in value) return false;
  const fields = Reflect.ownKeys(value);
  const prototype: unknown = Object.getPrototypeOf(value);
  if (Array.isArray(value)) {
    // The fields of a list come in its order, "length" behind the places.
    const whole = fields.length === value.length + 1 && fields[value.length] === "length";
    return prototype === Array.prototype && whole;
  }
  const plain = prototype === Object.prototype || prototype === null;
  return plain && fields.length === Object.keys(value).length;
}

function ambiguous(path: string): Error {
  const where = path === "" ? "The value" : `The value's ${path.slice(1)}`;
  return coordinationErrors.create(
    "COORDINATION_VALUE_AMBIGUOUS",
    `${where} is nothing that JSON tells from all else.`,
    {
      details: { path: path.slice(1) },
    },
  );
}
