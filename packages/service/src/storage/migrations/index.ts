import type { Migration } from "../migrate.ts";
import { executions } from "./0002-executions.ts";
import { users } from "./0001-users.ts";

/** All steps of the schema. */
export const migrations: readonly Migration[] = [users, executions];
