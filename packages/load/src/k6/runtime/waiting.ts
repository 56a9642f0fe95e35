import { k6Errors } from "../errors.ts";

/** The promise that a script's function returned as its value, kept apart from that function's own waiting. */
class Box {
  readonly value: unknown;

  constructor(value: unknown) {
    this.value = value;
  }
}

const isThenable = (value: unknown): boolean =>
  (typeof value === "object" || typeof value === "function") &&
  value !== null &&
  typeof (value as { then?: unknown }).then === "function";

/** Hot: around each returned value of a function that waits, in scripts with promises. */
export const box = (value: unknown): unknown => (isThenable(value) ? new Box(value) : value);

/** Hot: around each call that waits, in scripts with promises. */
export const unbox = (value: unknown): unknown => (value instanceof Box ? value.value : value);

type AnyFunction = (...args: never[]) => unknown;
type Waiting = (this: unknown, ...args: unknown[]) => unknown;
type Callback = (...args: unknown[]) => unknown;

/**
 * Native functions that call the functions they are given, each with a twin that waits for them. The twin is used where
 * a script gives a function that waits.
 */
const twins = new WeakMap<AnyFunction, Waiting>();

export function setWaitingTwin(native: AnyFunction, twin: Waiting): void {
  twins.set(native, twin);
}

/** The same for a method of a class. */
export function setMethodTwin(prototype: object, name: string, twin: Waiting): void {
  setWaitingTwin((prototype as Record<string, AnyFunction>)[name] as AnyFunction, twin);
}

const nativeText = /\{\s*\[native code\]\s*\}$/;
const isBuiltIn = (f: AnyFunction): boolean => nativeText.test(Function.prototype.toString.call(f));

/** Calls a function with arguments of which some wait. */
export function callWaiting(callee: unknown, args: unknown[], receiver?: unknown, name = "the function"): unknown {
  if (typeof callee !== "function") throw new TypeError(`${name} is not a function`);
  const f = callee as AnyFunction;
  const twin = twins.get(f);
  if (twin) return twin.apply(receiver, args);
  if (isBuiltIn(f)) {
    throw k6Errors.create("K6_REFUSED", `${name} is a built-in that cannot wait for the function that it is given.`);
  }
  return Reflect.apply(f as Callback, receiver, args);
}

const text = (name: PropertyKey): string => (typeof name === "symbol" ? name.toString() : String(name));

export function methodWaiting(object: unknown, name: PropertyKey, args: unknown[]): unknown {
  if (object === null || object === undefined) {
    throw new TypeError(`Cannot read properties of ${object} (reading '${text(name)}')`);
  }
  return callWaiting((object as Record<PropertyKey, unknown>)[name], args, object, `.${text(name)}`);
}

type ArrayMethod = (list: unknown[], f: Callback, rest: readonly unknown[]) => Promise<unknown>;

async function callEach(
  list: unknown[],
  f: Callback,
  thisArg: unknown,
  visit: (result: unknown, value: unknown, i: number) => boolean,
  { backwards = false, holes = false } = {},
): Promise<void> {
  requireFunction(f);
  const length = list.length;
  for (let n = 0; n < length; n++) {
    const i = backwards ? length - 1 - n : n;
    if (!holes && !(i in list)) continue;
    const value = list[i];
    if (visit(unbox(await f.call(thisArg, value, i, list)), value, i)) return;
  }
}

function requireFunction(f: unknown): void {
  if (typeof f !== "function") throw new TypeError(`${String(f)} is not a function`);
}

async function reduce(list: unknown[], f: Callback, rest: readonly unknown[], backwards: boolean): Promise<unknown> {
  requireFunction(f);
  const { length } = list;
  const order = (n: number): number => (backwards ? length - 1 - n : n);
  let n = 0;
  let result: unknown;
  if (rest.length > 0) [result] = rest;
  else {
    while (n < length && !(order(n) in list)) n++;
    if (n === length) throw new TypeError("Reduce of empty array with no initial value");
    result = list[order(n++)];
  }
  for (; n < length; n++) {
    const i = order(n);
    if (i in list) result = unbox(await f(result, list[i], i, list));
  }
  return result;
}

const find =
  (backwards: boolean, pick: (value: unknown, i: number) => unknown, none: unknown): ArrayMethod =>
  async (list, f, [thisArg]) => {
    let found = none;
    await callEach(
      list,
      f,
      thisArg,
      (result, value, i) => {
        if (result) found = pick(value, i);
        return Boolean(result);
      },
      { backwards, holes: true },
    );
    return found;
  };

/** The methods of arrays, one call after another, with the visiting order and the treatment of holes of the language. */
const arrayMethods: Readonly<Record<string, ArrayMethod>> = {
  forEach: (list, f, [thisArg]) => callEach(list, f, thisArg, () => false),
  map: async (list, f, [thisArg]) => {
    const results: unknown[] = [];
    // Holes stay holes.
    results.length = list.length;
    await callEach(list, f, thisArg, (result, _, i) => {
      results[i] = result;
      return false;
    });
    return results;
  },
  filter: async (list, f, [thisArg]) => {
    const results: unknown[] = [];
    await callEach(list, f, thisArg, (result, value) => {
      if (result) results.push(value);
      return false;
    });
    return results;
  },
  flatMap: async (list, f, [thisArg]) => {
    const results: unknown[] = [];
    await callEach(list, f, thisArg, (result) => {
      if (Array.isArray(result)) results.push(...result);
      else results.push(result);
      return false;
    });
    return results;
  },
  some: async (list, f, [thisArg]) => {
    let found = false;
    await callEach(list, f, thisArg, (result) => (found = Boolean(result)));
    return found;
  },
  every: async (list, f, [thisArg]) => {
    let failed = false;
    await callEach(list, f, thisArg, (result) => (failed = !result));
    return !failed;
  },
  find: find(false, (value) => value, undefined),
  findLast: find(true, (value) => value, undefined),
  findIndex: find(false, (_, i) => i, -1),
  findLastIndex: find(true, (_, i) => i, -1),
  reduce: (list, f, rest) => reduce(list, f, rest, false),
  reduceRight: (list, f, rest) => reduce(list, f, rest, true),
};

for (const [name, method] of Object.entries(arrayMethods)) {
  setMethodTwin(Array.prototype, name, async function (this: unknown, f: unknown, ...rest: unknown[]) {
    return box(await method(this as unknown[], f as Callback, rest));
  });
}

async function forEachEntry(this: unknown, f: unknown, thisArg: unknown): Promise<void> {
  requireFunction(f);
  const collection = this as Map<unknown, unknown> | Set<unknown>;
  for (const [key, value] of collection.entries()) await (f as Callback).call(thisArg, value, key, collection);
}
for (const { prototype } of [Map, Set]) setMethodTwin(prototype, "forEach", forEachEntry);
