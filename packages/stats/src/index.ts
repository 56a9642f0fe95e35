export { type StatsErrorCode, statsErrors } from "./errors.ts";
