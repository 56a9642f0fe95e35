import { type Clock, messageOf, type Milliseconds, ms, systemClock } from "@mettle/core";
import type { CloudEventIds } from "../signals/cloud-event-id.ts";
import { toCloudEvent } from "../signals/cloud-event.ts";
import { toStructured } from "../signals/cloud-event-http.ts";
import type { Signal } from "../signals/signal.ts";
import type { DispatchAdapter } from "./adapter.ts";
import { dispatchErrors } from "./errors.ts";
import type { WebhookSecret } from "./webhook-signature.ts";

export interface WebhookOptions {
  /** `http:` or `https:`, without user name and password. */
  readonly url: string;
  readonly secret: WebhookSecret;
  readonly ids: CloudEventIds;
  readonly clock?: Clock;
  /** Until the response's head. @defaultValue 10 s */
  readonly timeout?: Milliseconds;
  readonly fetch?: typeof fetch;
}

/**
 * Posts signals as structured CloudEvents, signed. Structured, because a signature covers the body only and in binary
 * mode the type would travel unsigned. Redirects are not followed: a signed message goes where it was meant to.
 *
 * Dispatching throws `DISPATCH_FAILED` (no answer, 408, 429 or 5xx) or `DISPATCH_REFUSED` (any other answer but 2xx).
 *
 * @throws MettleError `DISPATCH_OPTIONS_INVALID` for a URL that is none
 */
export function webhookDispatch(options: WebhookOptions): DispatchAdapter {
  const url = checkedUrl(options.url);
  const { secret, ids, clock = systemClock, timeout = ms(10_000), fetch: send = fetch } = options;
  return {
    name: `webhook:${url.host}`,
    dispatch: async (signal: Signal, abort?: AbortSignal) => {
      abort?.throwIfAborted();
      const event = toCloudEvent(signal, ids);
      const { headers, body } = toStructured(event);
      const timestamp = Math.floor(clock.wallTime() / 1000);
      const request: RequestInit = {
        method: "POST",
        headers: {
          ...headers,
          "webhook-id": event.id,
          "webhook-timestamp": String(timestamp),
          "webhook-signature": secret.sign(event.id, timestamp, body),
        },
        body: body as string,
        redirect: "manual",
      };
      const response = await withDeadline(clock, timeout, abort, async (ended) =>
        send(url, { ...request, signal: ended }),
      );
      await response.body?.cancel();
      if (!response.ok) throw answered(url.host, response.status);
    },
  };
}

function checkedUrl(text: string): URL {
  const url = URL.parse(text);
  if (url === null || !["http:", "https:"].includes(url.protocol) || url.username !== "" || url.password !== "") {
    throw dispatchErrors.create(
      "DISPATCH_OPTIONS_INVALID",
      "A webhook's address is an http or https URL without user name and password.",
    );
  }
  return url;
}

function answered(host: string, status: number): Error {
  const passing = status === 408 || status === 429 || status >= 500;
  return dispatchErrors.create(passing ? "DISPATCH_FAILED" : "DISPATCH_REFUSED", `${host} answered ${status}.`, {
    details: { status },
  });
}

async function withDeadline<Result>(
  clock: Clock,
  timeout: Milliseconds,
  abort: AbortSignal | undefined,
  work: (ended: AbortSignal) => Promise<Result>,
): Promise<Result> {
  const deadline = new AbortController();
  const settled = new AbortController();
  const late = new Error(`no answer within ${timeout} ms`);
  const timer = clock.sleep(timeout, settled.signal).then(
    () => deadline.abort(late),
    (reason: unknown) => {
      if (!settled.signal.aborted) throw reason;
    },
  );
  const ended = abort === undefined ? deadline.signal : AbortSignal.any([deadline.signal, abort]);
  try {
    return await work(ended);
  } catch (error) {
    // The caller's own ending is no failure of the receiver.
    if (abort?.aborted === true) throw abort.reason;
    const cause = deadline.signal.aborted ? late : error;
    const root = cause instanceof Error && cause.cause instanceof Error ? cause.cause : cause;
    throw dispatchErrors.create("DISPATCH_FAILED", `The webhook failed: ${messageOf(root)}.`, { cause });
  } finally {
    settled.abort();
    await timer;
  }
}
