import { type ManualClock, ms } from "@mettle/core";

/** Lets virtual time pass, as fast as it can, until something has settled. */
export async function whilePassing<T>(clock: ManualClock, promise: Promise<T>, stepMs = 50): Promise<T> {
  let settled = false;
  const watched = promise.finally(() => {
    settled = true;
  });
  // It is awaited below; until then nobody else hears of a rejection.
  watched.catch(() => undefined);
  for (let turns = 0; !settled; turns++) {
    if (turns > 200_000) throw new Error("nothing settled in virtual time");
    await clock.advance(ms(stepMs));
    await turn();
  }
  return await watched;
}

/** Lets everything run that waits for nothing but its turn. */
export const turn = (): Promise<void> =>
  new Promise((resolve) => {
    setImmediate(resolve);
  });
