import fc from "fast-check";
import { expect, test } from "vitest";
import { WaitingLine } from "../../src/engine/waiting-line.ts";

test("it is first come, first served, whatever the order of comings and goings", () => {
  fc.assert(
    fc.property(fc.array(fc.boolean(), { maxLength: 2000 }), (comings) => {
      const line = new WaitingLine(300);
      const model: number[] = [];
      comings.forEach((comes, n) => {
        if (comes) {
          expect(line.push(n, n / 2)).toBe(model.length < 300);
          if (model.length < 300) model.push(n);
        } else if (model.length > 0) {
          expect([line.firstNumber, line.firstDueMs]).toEqual([model[0], model[0]! / 2]);
          line.shift();
          model.shift();
        }
        expect(line.length).toBe(model.length);
      });
    }),
  );
});

test("it grows past its first room, wrapped or not", () => {
  const line = new WaitingLine(10_000);
  for (let i = 0; i < 100; i++) line.push(i, i);
  for (let i = 0; i < 60; i++) line.shift();
  for (let i = 100; i < 5000; i++) line.push(i, i);
  for (let i = 60; i < 5000; i++) {
    expect(line.firstNumber).toBe(i);
    line.shift();
  }
  line.push(1, 1);
  line.clear();
  expect(line.length).toBe(0);
});
