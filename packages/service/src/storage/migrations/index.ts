import type { Migration } from "../migrate.ts";
import { users } from "./0001-users.ts";

/** All steps of the schema. */
export const migrations: readonly Migration[] = [users];
