import { ManualClock, ms } from "@mettle/core";
import fc from "fast-check";
import { expect, test } from "vitest";
import { SharedRead } from "../../src/storage/shared-read.ts";

/** A reading that is answered when the test says so; what it says is how many had begun. */
function held(): { readonly shared: SharedRead<number>; readonly begun: PromiseWithResolvers<number>[] } {
  const begun: PromiseWithResolvers<number>[] = [];
  const shared = new SharedRead(() => {
    begun.push(Promise.withResolvers<number>());
    return (begun.at(-1) as PromiseWithResolvers<number>).promise;
  });
  return { shared, begun };
}
const turn = (): Promise<void> => new Promise(setImmediate);

test("those who ask while one is read wait for the next together; then nothing is read for nobody", async () => {
  const { shared, begun } = held();
  const first = shared.get();
  const [second, third] = [shared.get(), shared.get()];
  expect(begun).toHaveLength(1);
  begun[0]?.resolve(1);
  expect(await first).toBe(1);
  await turn();
  expect(begun).toHaveLength(2);
  begun[1]?.resolve(2);
  expect(await Promise.all([second, third])).toEqual([2, 2]);
  await turn();
  expect(begun).toHaveLength(2);
  const fourth = shared.get();
  expect(begun).toHaveLength(3);
  begun[2]?.resolve(3);
  expect(await fourth).toBe(3);
});

test("a reading that fails fails for those it was begun for, and for nobody else", async () => {
  const { shared, begun } = held();
  const first = shared.get();
  const second = shared.get();
  begun[0]?.reject(new Error("away"));
  await expect(first).rejects.toThrow("away");
  await turn();
  begun[1]?.resolve(2);
  expect(await second).toBe(2);
});

test("whatever the order of asking and answering, every answer was begun after it was asked for", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.boolean(), { maxLength: 60 }), async (steps) => {
      const { shared, begun } = held();
      const asked: Promise<void>[] = [];
      let answered = 0;
      const answer = async (): Promise<void> => {
        const number = answered + 1;
        begun[answered++]?.resolve(number);
        await turn();
      };
      for (const asks of steps) {
        if (asks) {
          const before = begun.length;
          asked.push(
            shared.get().then((number) => {
              expect(number).toBeGreaterThan(before);
            }),
          );
        } else if (begun.length > answered) await answer();
      }
      while (begun.length > answered) await answer();
      await Promise.all(asked);
      // One at a time.
      expect(answered).toBeLessThanOrEqual(asked.length);
    }),
  );
});

test("an answer serves for as long as it is fresh, from when it was begun, and no longer", async () => {
  const clock = new ManualClock();
  let begun = 0;
  const shared = new SharedRead(
    async () => {
      begun += 1;
      const number = begun;
      if (number === 1) await clock.advance(ms(20));
      if (number === 3) throw new Error("away");
      return number;
    },
    ms(50),
    clock,
  );
  expect(await shared.get()).toBe(1);
  await clock.advance(ms(29));
  expect(await shared.get()).toBe(1);
  await clock.advance(ms(1));
  expect([await shared.get(), await shared.get(), begun]).toEqual([2, 2, 2]);
  await clock.advance(ms(50));
  // What is not fresh any more does not stand in for what cannot be read.
  await expect(shared.get()).rejects.toThrow("away");
  expect(await shared.get()).toBe(4);
});
