import { defineErrors, type ErrorCatalogue, exitCodes } from "@mettle/core";

export type ConvertErrorCode = "CONVERT_UNREADABLE" | "CONVERT_INVALID" | "CONVERT_UNSUPPORTED" | "CONVERT_EMPTY";

export const convertErrors: ErrorCatalogue<ConvertErrorCode> = defineErrors({
  CONVERT_UNREADABLE: { next: "Check the path and that you may read the file.", exitCode: exitCodes.usage },
  CONVERT_INVALID: {
    next: "Correct the place that the message names, or export the file again.",
    exitCode: exitCodes.usage,
  },
  CONVERT_UNSUPPORTED: {
    next: "Give a HAR 1.1 or 1.2 file, a Postman collection v2.0 or v2.1, or an OpenAPI document 3.0 or 3.1.",
    exitCode: exitCodes.usage,
  },
  CONVERT_EMPTY: {
    next: "Give a file with at least one HTTP request that the filters let through.",
    exitCode: exitCodes.usage,
  },
});

/** @param place - a path within the document: `log.entries[3].request.url` */
export function invalidInput(source: string, place: string, problem: string, cause?: unknown): Error {
  return convertErrors.create("CONVERT_INVALID", `${source}, ${place}: ${problem}.`, {
    details: { source, place, problem },
    ...(cause !== undefined && { cause }),
  });
}
