import type { CommandSpec } from "./command-spec.ts";

/** `mettle serve`. */
export const serve: CommandSpec = {
  name: "serve",
  summary: "the agent service, with a database of its own unless one is given",
  arguments: [],
  flags: [
    {
      name: "port",
      type: { kind: "number", placeholder: "N", above: -1, integer: true },
      help: "0 for any that is free (PORT, or 8080)",
    },
    {
      name: "host",
      type: { kind: "text", placeholder: "ADDRESS" },
      help: "to listen on (127.0.0.1)",
      environment: true,
    },
    {
      name: "data",
      type: { kind: "text", placeholder: "FOLDER" },
      help: "of the embedded database (.mettle/service, or METTLE_DATA_FOLDER)",
    },
    {
      name: "seed-data",
      type: { kind: "number", placeholder: "SCALE", above: 0 },
      help: "fill the first tenant with test data: 1 for 10 000 users, 50 000 documents, 500 000 executions",
    },
    { name: "settings", type: { kind: "text", placeholder: "FILE" }, help: "JSON with any of the service's settings" },
  ],
  examples: ["METTLE_ADMIN_PASSWORD='twelve or more' mettle serve", "DATABASE_URL=postgres://… mettle serve --port 0"],
  notes: ["All settings are in docs/service.md. Ends with Ctrl-C, when running requests have finished."],
};
