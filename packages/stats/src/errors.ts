import { defineErrors, type ErrorCatalogue, exitCodes } from "@mettle/core";

export type StatsErrorCode =
  | "STATS_TOO_FEW_SAMPLES"
  | "STATS_SAMPLE_INVALID"
  | "STATS_ARGUMENT_INVALID"
  | "HISTOGRAM_INCOMPATIBLE"
  | "HISTOGRAM_ENCODING_INVALID";

export const statsErrors: ErrorCatalogue<StatsErrorCode> = defineErrors({
  STATS_TOO_FEW_SAMPLES: { next: "Collect more samples.", exitCode: exitCodes.invalidMeasurement },
  STATS_SAMPLE_INVALID: {
    next: "Remove NaN and infinite values where they are made; a failed measurement is an error, not a number.",
    exitCode: exitCodes.invalidMeasurement,
  },
  STATS_ARGUMENT_INVALID: { next: "Correct the argument that the message names.", exitCode: exitCodes.usage },
  HISTOGRAM_INCOMPATIBLE: {
    next: "Merge only histograms made with the same bits, resolution and limits.",
    exitCode: exitCodes.usage,
  },
  HISTOGRAM_ENCODING_INVALID: {
    next: "The document was cut short or altered; take it again from where it was written.",
    exitCode: exitCodes.usage,
  },
});
