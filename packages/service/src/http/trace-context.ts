import { randomFillSync } from "node:crypto";

/** W3C Trace Context, level 1: which trace a request belongs to. */
export interface TraceContext {
  readonly traceId: string;
  /** Of the caller's span; absent when the trace begins here. */
  readonly parentId?: string;
  readonly spanId: string;
  readonly sampled: boolean;
}

const form = /^([\da-f]{2})-([\da-f]{32})-([\da-f]{16})-([\da-f]{2})(-.*)?$/;
const zeros = /^0+$/;

/** Asking the system costs a microsecond, whether for a few bytes or for many. */
const drawn = Buffer.alloc(4096);
let used = drawn.length;

function randomHex(bytes: number): string {
  if (used + bytes > drawn.length) {
    randomFillSync(drawn);
    used = 0;
  }
  used += bytes;
  return drawn.toString("hex", used - bytes, used);
}

/** The caller's trace, or a new one when the header is missing or damaged: a wrong header is ignored, as W3C asks. */
export function traceContext(header: string | undefined): TraceContext {
  const spanId = randomHex(8);
  const [, version = "ff", traceId = "", parentId = "", flags = "00", rest] = form.exec(header ?? "") ?? [];
  const known = version !== "ff" && (version !== "00" || rest === undefined);
  if (!known || zeros.test(traceId) || zeros.test(parentId)) {
    return { traceId: randomHex(16), spanId, sampled: true };
  }
  return { traceId, parentId, spanId, sampled: (Number.parseInt(flags, 16) & 1) === 1 };
}

export const traceparent = ({ traceId, spanId, sampled }: TraceContext): string =>
  `00-${traceId}-${spanId}-${sampled ? "01" : "00"}`;
