import { defineErrors, type ErrorCatalogue, exitCodes } from "@mettle/core";

export type ServiceErrorCode =
  | "SERVICE_CONFIG_INVALID"
  | "SERVICE_LISTEN_FAILED"
  | "DATABASE_PLATFORM_UNSUPPORTED"
  | "DATABASE_FOLDER_UNUSABLE"
  | "DATABASE_START_FAILED"
  | "DATABASE_UNAVAILABLE"
  | "DATABASE_BUSY"
  | "DATABASE_TIMEOUT"
  | "MIGRATION_CHANGED"
  | "MIGRATION_FAILED"
  | "MIGRATION_UNKNOWN";

/** What the service itself throws: at its start, and where its storage fails. Answers to callers have codes of their own. */
export const serviceErrors: ErrorCatalogue<ServiceErrorCode> = defineErrors({
  SERVICE_CONFIG_INVALID: {
    next: "Correct the settings that the message names; docs/service.md lists them all.",
    exitCode: exitCodes.usage,
  },
  SERVICE_LISTEN_FAILED: {
    next: "Choose a free port with --port (0 for any), and an address of this machine with --host.",
    exitCode: exitCodes.usage,
  },
  DATABASE_PLATFORM_UNSUPPORTED: {
    next: "Give a PostgreSQL 15 or newer with DATABASE_URL.",
    exitCode: exitCodes.usage,
  },
  DATABASE_FOLDER_UNUSABLE: {
    next: "Give a data folder that the user of the message may enter and write to (METTLE_DATA_FOLDER), or DATABASE_URL.",
    exitCode: exitCodes.usage,
  },
  DATABASE_START_FAILED: {
    next: "Read the server's last lines in the message; free memory and disk space, or give DATABASE_URL.",
    exitCode: exitCodes.internal,
  },
  DATABASE_UNAVAILABLE: {
    next: "Start the database, or correct DATABASE_URL; the service works again when it answers.",
    exitCode: exitCodes.internal,
    retryable: true,
  },
  DATABASE_BUSY: {
    next: "Try again later, or raise the pool's size: all connections were in use for as long as may be waited.",
    exitCode: exitCodes.internal,
    retryable: true,
  },
  DATABASE_TIMEOUT: {
    next: "Try again later, or raise the statement timeout: the statement was ended after it.",
    exitCode: exitCodes.internal,
    retryable: true,
  },
  MIGRATION_CHANGED: {
    next: "Restore the migration as it was applied, and put the change into a new one.",
    exitCode: exitCodes.usage,
  },
  MIGRATION_FAILED: {
    next: "Correct what the cause names; the migration was rolled back and is tried again at the next start.",
    exitCode: exitCodes.internal,
  },
  MIGRATION_UNKNOWN: {
    next: "Start the newer version of the service that this database was last used by, or restore a backup.",
    exitCode: exitCodes.usage,
  },
});
