import { defineErrors, type ErrorCatalogue, exitCodes } from "@mettle/core";

export type DistributeErrorCode =
  | "LOAD_NATS_UNREACHABLE"
  | "LOAD_NATS_OPTIONS_INVALID"
  | "LOAD_WORKERS_MISSING"
  | "LOAD_GATHERING_INTERRUPTED"
  | "LOAD_VERSION_MISMATCH"
  | "LOAD_RUN_STARTED"
  | "LOAD_WORKER_REFUSED"
  | "LOAD_NOT_PORTABLE"
  | "LOAD_BUNDLE_INVALID"
  | "LOAD_MESSAGE_INVALID";

/** Errors of a load test that is spread over several machines. */
export const distributeErrors: ErrorCatalogue<DistributeErrorCode> = defineErrors({
  LOAD_NATS_UNREACHABLE: {
    next: "Check --nats, that the server runs, and the user, token or credentials it asks for.",
    exitCode: exitCodes.invalidMeasurement,
    retryable: true,
  },
  LOAD_NATS_OPTIONS_INVALID: {
    next: "Write --nats nats://HOST:4222 (or tls://…); name credential files that exist.",
    exitCode: exitCodes.usage,
  },
  LOAD_WORKERS_MISSING: {
    next: "Start more with: mettle worker --nats URL; wait longer with --wait; or ask for fewer with --workers.",
    exitCode: exitCodes.invalidMeasurement,
    retryable: true,
  },
  LOAD_GATHERING_INTERRUPTED: {
    next: "Nothing was loaded. Start again when enough workers are there.",
    exitCode: exitCodes.interrupted,
  },
  LOAD_VERSION_MISMATCH: {
    next: "Install the same version of Mettle on all machines of a load test.",
    exitCode: exitCodes.usage,
  },
  LOAD_RUN_STARTED: {
    next: "Nothing: the worker came after the start, and waits for the next run.",
    exitCode: exitCodes.usage,
    retryable: true,
  },
  LOAD_WORKER_REFUSED: {
    next: "Put the same files into the folder that the worker allows, or start it without --allow.",
    exitCode: exitCodes.usage,
  },
  LOAD_NOT_PORTABLE: {
    next: "Name a URL, a script of ours or of k6, or a YAML scenario.",
    exitCode: exitCodes.usage,
  },
  LOAD_BUNDLE_INVALID: {
    next: "Keep what the load test reads below its folder, and name further files with --include.",
    exitCode: exitCodes.usage,
  },
  LOAD_MESSAGE_INVALID: {
    next: "Make sure that only coordinators and workers of the same version may publish to the subject.",
    exitCode: exitCodes.invalidMeasurement,
  },
});
