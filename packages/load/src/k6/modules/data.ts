import { deepFreeze } from "../runtime/thread-share.ts";
import type { UserContext } from "../runtime/user-context.ts";

/** The module `k6/data`. The array is one frozen array for all users of a thread. */
export function dataModule(context: UserContext): Record<string, unknown> {
  // oxlint-disable-next-line typescript/no-extraneous-class -- scripts make it with `new`
  class SharedArray {
    constructor(name: unknown, make: unknown) {
      if (context.phase !== "init") throw new Error("a SharedArray must be made at the top level of the script");
      if (typeof name !== "string" || name === "") throw new TypeError("SharedArray needs a name that is not empty");
      if (typeof make !== "function") throw new TypeError("SharedArray needs a function that returns the array");
      const known = context.share.arrays.get(name);
      // A constructor may return another object in place of its own.
      if (known) return known;
      const made = (make as () => unknown)();
      if (!Array.isArray(made)) throw new TypeError("only arrays can be made into a SharedArray");
      // Through JSON, so that what JSON cannot hold is gone here as it is in k6.
      const array = deepFreeze(JSON.parse(JSON.stringify(made)) as unknown[]);
      context.share.arrays.set(name, array);
      return array;
    }
  }
  return { SharedArray };
}
