import type { Measurement, Profile } from "@mettle/results";

/** What a measuring process is told, once. */
export interface Job {
  readonly platform: string;
  readonly profile: Profile;
  /** Ids of scenarios, in the order to run. */
  readonly scenarios: readonly string[];
  readonly seed: number;
}

/** What it answers, scenario by scenario. */
export type Reply =
  | { readonly kind: "started"; readonly scenario: string }
  | { readonly kind: "measured"; readonly scenario: string; readonly measurements: readonly Measurement[] }
  | { readonly kind: "unsupported"; readonly scenario: string; readonly missing: readonly string[] }
  | { readonly kind: "failed"; readonly scenario: string; readonly code: string; readonly message: string };
