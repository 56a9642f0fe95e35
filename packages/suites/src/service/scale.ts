import type { Profile } from "@mettle/results";
import type { ScenarioOptions, StageOptions } from "@mettle/load";

/** The longest that a scenario takes in each profile, ms; `soak` runs it as it is written. */
const longestMs: Readonly<Record<Exclude<Profile, "soak">, number>> = {
  smoke: 10_000,
  ci: 60_000,
  full: 3_600_000,
};

/** A shape of load as it is written down; durations in ms. */
export type LoadShape = Pick<
  ScenarioOptions,
  "executor" | "vus" | "startVUs" | "startRate" | "rate" | "preAllocatedVUs" | "maxVUs"
> & {
  readonly durationMs?: number;
  readonly stages?: readonly { readonly ms: number; readonly target: number }[];
};

export const minutes = (count: number): number => count * 60_000;

/** How long a shape takes as it is written, ms. */
const lengthOf = ({ durationMs = 0, stages = [] }: LoadShape): number =>
  durationMs + stages.reduce((sum, { ms }) => sum + ms, 0);

/**
 * By what the times of a scenario are multiplied in a profile, at most 1. Users and rates are never scaled (T-17).
 *
 * @param shapes - all that run at once; the longest decides
 * @param atMostMs - in place of the profile's longest time
 */
export function timeFactor(shapes: readonly LoadShape[], profile: Profile, atMostMs?: number): number {
  const length = Math.max(...shapes.map(lengthOf));
  if (length === 0) return 1;
  const longest = atMostMs ?? (profile === "soak" ? Number.POSITIVE_INFINITY : longestMs[profile]);
  return Math.min(1, longest / length);
}

/** A shape with its times multiplied: what the engine takes. */
export function scaled({ durationMs, stages, ...shape }: LoadShape, factor: number): ScenarioOptions {
  return {
    ...shape,
    ...(durationMs !== undefined && { duration: durationMs * factor }),
    ...(stages && {
      stages: stages.map(({ ms, target }): StageOptions => ({ duration: ms * factor, target })),
    }),
  };
}
