import fc from "fast-check";
import { expect, test } from "vitest";
import { Ring } from "../../src/queues/ring.ts";

const operation = fc.oneof(
  { weight: 5, arbitrary: fc.record({ kind: fc.constant("push" as const), value: fc.integer() }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("unshift" as const), value: fc.integer() }) },
  { weight: 4, arbitrary: fc.constant({ kind: "shift" as const }) },
  { weight: 1, arbitrary: fc.constant({ kind: "clear" as const }) },
);

test("a ring does what an array does, whatever comes", () => {
  fc.assert(
    fc.property(fc.array(operation, { maxLength: 200 }), fc.constantFrom(2, 8), (operations, capacity) => {
      const ring = new Ring<number>(capacity);
      const model: number[] = [];
      for (const step of operations) {
        if (step.kind === "push") {
          ring.push(step.value);
          model.push(step.value);
        } else if (step.kind === "unshift") {
          ring.unshift(step.value);
          model.unshift(step.value);
        } else if (step.kind === "shift") expect(ring.shift()).toBe(model.shift());
        else {
          ring.clear();
          model.length = 0;
        }
        expect([ring.size, ring.head === ring.tail, ring.peek()]).toEqual([model.length, model.length === 0, model[0]]);
        expect(ring.capacity).toBeGreaterThan(ring.size);
        expect([ring.at(0), ring.at(model.length - 1), ring.at(model.length), ring.at(-1)]).toEqual([
          model[0],
          model.at(-1),
          undefined,
          undefined,
        ]);
      }
    }),
  );
});
