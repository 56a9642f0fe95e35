/** News of an agent's end, as a watcher gets it. */
export interface Down {
  readonly address: string;
  readonly name: string | undefined;
  /** `stopped`, `crashed`, or the reason given to stop. */
  readonly reason: string;
  readonly error: unknown;
  /** True for a failure after which its supervisor may start it again; the watcher goes on watching. */
  readonly mayRestart: boolean;
}

export type DownListener = (down: Down) => void;
