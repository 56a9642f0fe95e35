/** A linear congruential step, so many times: work that no compiler can leave out, the same on every platform. */
export function computeRounds(rounds: number): number {
  let value = 12_345;
  for (let i = 0; i < rounds; i++) value = (Math.imul(value, 1_103_515_245) + 12_345) | 0;
  return value;
}

/** The error of `fail`, so that an adapter's own faults are not taken for it. */
export class AskedToFail extends Error {
  override readonly name = "AskedToFail";
  constructor() {
    super("the agent was asked to fail");
  }
}
