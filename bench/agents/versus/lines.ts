// What is measured, and what is to be reached.
export interface Line {
  readonly key: string;
  readonly what: string;
  readonly unit: "ns" | "bytes";
  /** So many times cheaper than Erlang/OTP with one scheduler. */
  readonly goal: number | undefined;
}

export const lines: readonly Line[] = [
  { key: "create", what: "create an agent", unit: "ns", goal: 3 },
  { key: "idle", what: "an idle agent", unit: "bytes", goal: 2.7 },
  { key: "ask", what: "request and reply with a deadline", unit: "ns", goal: 4 },
  { key: "send", what: "send", unit: "ns", goal: 3 },
  { key: "lookup", what: "lookup among 100 000", unit: "ns", goal: 1 },
  { key: "publish", what: "publish to 1 000 subscribers until all have it", unit: "ns", goal: 5 },
  { key: "propose1000", what: "propose and collect among 1 000", unit: "ns", goal: 4 },
  { key: "propose10000", what: "propose and collect among 10 000", unit: "ns", goal: 4 },
  { key: "step", what: "one agent step: validated input, new state, answer", unit: "ns", goal: undefined },
  { key: "events", what: "10 000 events/s to 10 subscribers, p99 from when due", unit: "ns", goal: 1 },
  { key: "neighbour", what: "others' request p99 beside a greedy agent", unit: "ns", goal: undefined },
  { key: "neighbourUnnoticed", what: "the same until the runtime has noticed", unit: "ns", goal: undefined },
  { key: "noticedAfter", what: "until it has noticed", unit: "ns", goal: undefined },
];

export function show(value: number | undefined, unit: Line["unit"]): string {
  if (value === undefined) return "–";
  if (unit === "bytes") return value < 1024 ? `${value.toFixed(0)} B` : `${(value / 1024).toFixed(1)} KiB`;
  if (value < 1000) return `${value.toFixed(0)} ns`;
  return value < 1e6 ? `${(value / 1000).toFixed(2)} µs` : `${(value / 1e6).toFixed(2)} ms`;
}
