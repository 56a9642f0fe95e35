/** What became of a request. */
export type Answer =
  | { readonly state: "answered"; readonly data: Uint8Array }
  /** The server knows nobody who listens to the subject. */
  | { readonly state: "nobody" }
  /** Somebody may listen, but did not answer in time. */
  | { readonly state: "silent" }
  /** The connection is closed for good, or may not send there. */
  | { readonly state: "failed"; readonly reason: string };

export type Listener = (data: Uint8Array, respond: (data: Uint8Array) => void) => void;

/** The part of a message server that distribution needs: at most once, in no promised order between subjects. */
export interface Transport extends AsyncDisposable {
  /** Most bytes of one message. */
  readonly maxPayload: number;
  publish(subject: string, data: Uint8Array): void;
  request(subject: string, data: Uint8Array, timeoutMs: number): Promise<Answer>;
  /** Listens until it is disposed of. What listeners throw ends the process: they must not. */
  subscribe(subject: string, listener: Listener): Disposable;
  /** Resolves when what was sent so far has reached the server, so that a subscription is known there. */
  flush(): Promise<void>;
}
