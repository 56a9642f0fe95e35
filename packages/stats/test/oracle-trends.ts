import { readFileSync } from "node:fs";

export interface Line {
  readonly slope: number;
  readonly intercept: number;
  readonly low: number;
  readonly high: number;
}

export interface FittedLine extends Line {
  readonly standardError: number;
  readonly pValue: number;
  readonly rSquared: number;
}

export interface KendallResult {
  readonly s: number;
  readonly variance: number;
  readonly z: number;
  readonly pValue: number;
}

export interface OracleSeries {
  readonly x: readonly number[];
  readonly y: readonly number[];
  readonly theilSen: readonly (Line & { readonly confidence: number })[];
  readonly leastSquares: FittedLine & {
    readonly projection: { readonly x: number; readonly value: number; readonly low: number; readonly high: number };
  };
  readonly neweyWest?: readonly (FittedLine & { readonly lags: number })[];
  readonly acf: readonly number[];
  readonly mannKendall: KendallResult;
  readonly hamedRao?: KendallResult;
}

type Pair = readonly [number, number];
type Triple = readonly [number, number, number];
type Model = { readonly base: number; readonly coefficient: number; readonly low: number; readonly high: number };

export interface TrendsOracle {
  readonly series: Readonly<Record<string, OracleSeries>>;
  readonly normalUpperTail: readonly Pair[];
  readonly normalQuantile: readonly Pair[];
  readonly studentTwoSided: readonly Triple[];
  readonly studentCritical: readonly Triple[];
  readonly scalability: readonly {
    readonly name: string;
    readonly loads: readonly number[];
    readonly throughputs: readonly number[];
    /** Each: estimate and standard error. */
    readonly fit: {
      readonly lambda: Pair;
      readonly sigma: Pair;
      readonly kappa: Pair;
      readonly t: number;
      readonly deviation: number;
    };
  }[];
  readonly complexity: {
    readonly sizes: readonly number[];
    readonly costs: readonly number[];
    readonly fits: Readonly<Record<string, Model & { readonly aicc: number }>> & {
      readonly power: {
        readonly factor: number;
        readonly exponent: number;
        readonly low: number;
        readonly high: number;
      };
    };
  };
  readonly rankShift: {
    readonly before: readonly number[];
    readonly after: readonly number[];
    readonly shift: number;
    readonly low: number;
    readonly high: number;
    readonly rank: number;
    readonly pValue: number;
  };
  readonly rankShiftTied: {
    readonly before: readonly number[];
    readonly after: readonly number[];
    readonly pValue: number;
  };
  readonly segmentations: readonly {
    readonly name: string;
    readonly values: readonly number[];
    readonly least: number;
    /** Index = number of changes. */
    readonly squares: readonly number[];
    readonly changes: readonly (readonly number[] | number)[];
  }[];
}

/** Results of SciPy, statsmodels and R: see fixtures/make-oracle-trends.py. */
export const oracle = JSON.parse(
  readFileSync(new URL("fixtures/oracle-trends.json", import.meta.url), "utf8"),
) as TrendsOracle;

/** |actual / expected − 1|, or the distance itself where the expected value is zero. */
export function relativeError(actual: number, expected: number): number {
  return expected === 0 ? Math.abs(actual) : Math.abs(actual / expected - 1);
}
