import { readFileSync } from "node:fs";
import { MettleError } from "@mettle/core";

type Row = readonly [string, ...number[]];
type PairRow = readonly [string, string, ...number[]];

/** What SciPy, statsmodels and R said: see fixtures/make-oracle.py. */
interface Oracle {
  readonly samples: Readonly<Record<string, readonly number[]>>;
  readonly distributions: Readonly<Record<string, readonly (readonly number[])[]>>;
  readonly quantiles: readonly Row[];
  readonly moments: readonly Row[];
  readonly tTests: { readonly one: readonly Row[]; readonly welch: readonly PairRow[] };
  readonly rankTests: {
    readonly mannWhitney: readonly PairRow[];
    readonly kolmogorovSmirnov: readonly PairRow[];
    readonly wilcoxon: readonly Row[];
    readonly hodgesLehmann: readonly Row[];
    readonly hodgesLehmannShift: readonly PairRow[];
    readonly mannWhitneyDistribution: readonly (readonly number[])[];
    readonly signedRankDistribution: readonly (readonly number[])[];
  };
  readonly signFlips: readonly (readonly [readonly number[], number])[];
  readonly bootstraps: readonly {
    readonly name: string;
    readonly statistic: "mean" | "median" | "sd";
    readonly method: "bca" | "percentile";
    readonly low: number;
    readonly high: number;
    readonly standardError: number;
    readonly indices: string;
  }[];
  readonly benjaminiHochberg: readonly (readonly [readonly number[], readonly number[]])[];
  readonly rectangles: readonly (readonly [readonly number[], readonly number[], number, number])[];
}

export const oracle = JSON.parse(readFileSync(new URL("fixtures/oracle.json", import.meta.url), "utf8")) as Oracle;

export function sample(name: string): readonly number[] {
  const values = oracle.samples[name];
  if (!values) throw new Error(`the oracle has no sample ${name}`);
  return values;
}

export function distributionRows(name: string): readonly (readonly number[])[] {
  const rows = oracle.distributions[name];
  if (!rows || rows.length === 0) throw new Error(`the oracle has no rows of ${name}`);
  return rows;
}

/**
 * Nothing when `actual` is close enough, else how far it is off.
 *
 * @param relative - allowance as a share of the expected value
 * @param floor - absolute allowance, for where that value is near 0
 */
export function deviation(
  actual: number,
  expected: number,
  relative: number,
  floor: number,
  what: string,
): string | undefined {
  const error = Math.abs(actual - expected);
  const close = actual === expected || error <= relative * Math.abs(expected) + floor;
  return close ? undefined : `${what}: ${actual} for ${expected}, off by ${error}`;
}

/** The code of the MettleError that `act` throws; fails with anything else thrown. */
export function codeOf(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    if (error instanceof MettleError) return error.code;
    throw error;
  }
  return "nothing thrown";
}
