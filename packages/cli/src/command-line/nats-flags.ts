import type { CommandSpec, FlagSpec, FlagType } from "./command-spec.ts";

const text = (placeholder: string): FlagType => ({ kind: "text", placeholder });

/** How to reach the NATS server that coordinators and workers meet on. Secrets are better given as METTLE_NATS_…. */
const connection: readonly FlagSpec[] = [
  { name: "nats-user", type: text("NAME"), help: "user of the NATS server", environment: true },
  { name: "nats-password", type: text("TEXT"), help: "its password; better METTLE_NATS_PASSWORD", environment: true },
  { name: "nats-token", type: text("TEXT"), help: "a token instead; better METTLE_NATS_TOKEN", environment: true },
  { name: "nats-creds", type: text("FILE"), help: "a credentials file instead (JWT and seed)", environment: true },
  {
    name: "nats-ca",
    type: text("FILE"),
    help: "who signs the server's certificate; refuses plain TCP",
    environment: true,
  },
  { name: "nats-cert", type: text("FILE"), help: "certificate of this end, with --nats-key", environment: true },
  { name: "nats-key", type: text("FILE"), help: "its key", environment: true },
  {
    name: "subject",
    type: text("NAME"),
    help: "first part of all subjects: another one is another fleet (mettle.load)",
    environment: true,
  },
];

const nats = (help: string): FlagSpec => ({ name: "nats", type: text("URL"), help, environment: true });

/** Flags of `mettle load` for load from several machines. */
export const coordinatorFlags: readonly FlagSpec[] = [
  nats("load from `mettle worker`s that wait here: nats://HOST:4222 or tls://…"),
  { name: "wait", type: text("TIME"), help: "for so many workers to come (60s)" },
  {
    name: "include",
    type: { kind: "text", placeholder: "FILE", repeatable: "whole" },
    help: "send this file to workers too; repeatable",
  },
  ...connection,
];

/** `mettle worker`. */
export const worker: CommandSpec = {
  name: "worker",
  summary: "make load for `mettle load --nats` on other machines",
  arguments: [],
  flags: [
    nats("the server that coordinators use too (nats://127.0.0.1:4222)"),
    {
      name: "threads",
      type: { kind: "number", placeholder: "N", above: 0, integer: true },
      help: "threads that make load (1)",
      environment: true,
    },
    {
      name: "allow",
      type: text("DIR"),
      help: "run only files that are in DIR already, the same to the byte",
      environment: true,
    },
    {
      name: "runs",
      type: { kind: "number", placeholder: "N", above: 0, integer: true },
      help: "end after so many runs (none: serve on)",
      environment: true,
    },
    { name: "name", type: text("NAME"), help: "of this worker in results (the host's)", environment: true },
    {
      name: "tag",
      type: { kind: "text", placeholder: "NAME=VALUE", repeatable: "whole" },
      help: "on every sample of this worker, such as region=eu; repeatable",
    },
    ...connection,
  ],
  examples: [
    "mettle worker --nats nats://10.0.0.5:4222 --threads 4",
    "mettle worker --nats tls://nats.example.com --nats-creds worker.creds --allow ./load-tests",
  ],
  notes: [
    "Runs the scripts it is sent: whoever may publish to its subject decides what this machine runs. See --allow.",
    "npm packages are not sent; scripts find those of the current folder. Ends with Ctrl-C.",
  ],
};
