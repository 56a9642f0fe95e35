export type { Signal } from "./signals/signal.ts";
