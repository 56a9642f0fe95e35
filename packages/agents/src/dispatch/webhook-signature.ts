import { createHmac, timingSafeEqual } from "node:crypto";
import { type Clock, type Milliseconds, ms, systemClock } from "@mettle/core";
import { dispatchErrors } from "./errors.ts";

/**
 * Signatures of webhooks as Standard Webhooks defines them: HMAC-SHA256 over `id.timestamp.body`.
 * @see https://www.standardwebhooks.com
 */
export class WebhookSecret {
  readonly #key: Buffer;

  /**
   * @param text - `whsec_` and the base64 of 24 to 64 random bytes
   * @throws MettleError `DISPATCH_OPTIONS_INVALID`, without the secret in its text
   */
  constructor(text: string) {
    const encoded = text.startsWith("whsec_") ? text.slice(6) : "";
    this.#key = Buffer.from(encoded, "base64");
    const canonical = this.#key.toString("base64").replace(/=+$/, "") === encoded.replace(/=+$/, "");
    if (!canonical || this.#key.length < 24 || this.#key.length > 64) {
      throw dispatchErrors.create(
        "DISPATCH_OPTIONS_INVALID",
        "A webhook's secret is whsec_ and the base64 of 24 to 64 random bytes.",
      );
    }
  }

  /** The value of `webhook-signature`. @param timestamp - seconds since the epoch */
  sign(id: string, timestamp: number, body: string | Uint8Array): string {
    return `v1,${this.#digest(id, timestamp, body).toString("base64")}`;
  }

  /** Whether any of the signatures in a `webhook-signature` header is right. Takes the same time for every wrong one. */
  matches(header: string, id: string, timestamp: number, body: string | Uint8Array): boolean {
    const expected = this.#digest(id, timestamp, body);
    return header.split(" ").some((signature) => {
      if (!signature.startsWith("v1,")) return false;
      const given = Buffer.from(signature.slice(3), "base64");
      return given.length === expected.length && timingSafeEqual(given, expected);
    });
  }

  #digest(id: string, timestamp: number, body: string | Uint8Array): Buffer {
    return createHmac("sha256", this.#key).update(`${id}.${timestamp}.`).update(body).digest();
  }
}

/**
 * Checks a webhook that was received: its signature by any of the secrets (two while one is being replaced), and that it
 * is recent, which limits repetition; remember ids for `tolerance` to exclude it.
 *
 * @param headers - names in lower case
 * @param body - as received, before any parsing
 * @param tolerance - how far the sender's clock may be off, both ways @defaultValue 5 minutes
 * @returns the id of the message
 * @throws MettleError `WEBHOOK_SIGNATURE_INVALID`
 */
export function verifyWebhook(
  headers: Readonly<Record<string, string | readonly string[] | undefined>>,
  body: string | Uint8Array,
  secrets: readonly WebhookSecret[],
  clock: Clock = systemClock,
  tolerance: Milliseconds = ms(300_000),
): string {
  const { "webhook-id": id, "webhook-timestamp": time, "webhook-signature": signature } = headers;
  if (typeof id !== "string" || typeof time !== "string" || typeof signature !== "string") {
    throw wrong("it has no webhook-id, webhook-timestamp or webhook-signature");
  }
  const timestamp = /^\d{1,12}$/.test(time) ? Number(time) : Number.NaN;
  if (!(Math.abs(clock.wallTime() - timestamp * 1000) <= tolerance)) throw wrong("its time is not now");
  if (!secrets.some((secret) => secret.matches(signature, id, timestamp, body))) throw wrong("its signature is wrong");
  return id;
}

const wrong = (why: string): Error =>
  dispatchErrors.create("WEBHOOK_SIGNATURE_INVALID", `The webhook cannot be trusted: ${why}.`);
