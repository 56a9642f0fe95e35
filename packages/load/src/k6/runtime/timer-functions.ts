type Callback = (...args: unknown[]) => unknown;

export interface TimerFunctions {
  setTimeout(callback: Callback, delay?: unknown, ...args: unknown[]): number;
  clearTimeout(id: unknown): void;
  setInterval(callback: Callback, delay?: unknown, ...args: unknown[]): number;
  clearInterval(id: unknown): void;
}
